"""Why a program of PostgreSQL failed, in one line, by what it wrote to its log."""

import re
from pathlib import Path
from typing import Final

LOG_BYTES_READ: Final = 65_536
CHARACTERS_SHOWN: Final = 300

_REASON: Final = re.compile(r"(?:\b(?:FATAL|PANIC):|^initdb: error:|^postgres:)\s+(.+)")
_EARLIER: Final = re.compile(r"\bLOG:\s+(.+)")
_DETAIL: Final = re.compile(r"\bDETAIL:\s+(.+)")
# What clients are told who come too early, or too late.
_TO_CLIENTS: Final = "the database system is "
# These say only which file is wrong; the entry before them says what is wrong with it.
_VAGUE: Final = re.compile(r"contains errors$|^could not load ")


def reason_in(log: Path, since: int) -> str:
    """Return what the program that began to write at `since` said last of why it cannot go on."""
    lines = _read(log, since)
    for at in reversed(range(len(lines))):
        found = _REASON.search(lines[at])
        if found and not found[1].startswith(_TO_CLIENTS):
            earlier = _earlier(lines[:at]) if _VAGUE.search(found[1]) else None
            detail = _DETAIL.search(lines[at + 1]) if at + 1 < len(lines) else None
            said = [part[1] for part in (earlier, found, detail) if part is not None]
            return _shown(": ".join(said))
    return _shown(lines[-1]) if lines else "it did not say why"


def _earlier(lines: list[str]) -> re.Match[str] | None:
    return next((found for line in reversed(lines) if (found := _EARLIER.search(line))), None)


def _read(log: Path, since: int) -> list[str]:
    with log.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(since, end - LOG_BYTES_READ))
        text = file.read(LOG_BYTES_READ).decode(errors="replace")
    return [line for line in text.splitlines() if line.strip()]


def _shown(text: str) -> str:
    """Return the text without what would be an order to a terminal, and without its full stop."""
    visible = "".join(sign if sign.isprintable() else "?" for sign in text)
    return visible[:CHARACTERS_SHOWN].rstrip(". ")
