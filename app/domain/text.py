"""Text that others wrote, as it can be kept and shown."""

from typing import Final

CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
"""C0, DEL and C1: what a terminal would obey."""


def visible(text: str) -> str:
    r"""Return the text with its control characters written out, as in `\x1b`."""
    return text.translate(CONTROLS)
