"""Files that somebody names: read within bounds, as some have no end, and others never answer."""

import errno
import stat
import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

READ_S_MAX: Final = 10.0
"""How long a file system may take: one that went away, or the kernel's own log, takes for ever."""


def file_content(path: Path, bytes_max: int) -> bytes:
    """Return a file's content. Raises `OSError`, also for what is no file, or large, or slow."""
    read: SimpleQueue[bytes | OSError] = SimpleQueue()

    def run() -> None:
        try:
            read.put(_read(path, bytes_max))
        except OSError as error:
            read.put(error)

    # Where nothing comes, the process leaves this thread behind.
    threading.Thread(target=run, daemon=True).start()
    try:
        content = read.get(timeout=READ_S_MAX)
    except Empty:
        content = _error(errno.ETIMEDOUT, f"it cannot be read within {READ_S_MAX:.0f} s", path)
    if isinstance(content, OSError):
        raise content
    return content


def _read(path: Path, bytes_max: int) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        raise _error(errno.EINVAL, "it is not a file", path)
    with path.open("rb") as file:
        content = file.read(bytes_max + 1)
    if len(content) > bytes_max:
        raise _error(errno.EFBIG, f"it has more than {bytes_max // 1_000_000} MB", path)
    return content


def _error(number: int, text: str, path: Path) -> OSError:
    return OSError(number, text, str(path))
