"""Removing what the embedded PostgreSQL keeps in its folder, and nothing else that lies there."""

import shutil
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from db.embedded_binaries import EmbeddedPostgresError

# In the order in which they go: what marks the folder as ours goes last.
OURS = ("postgres.new-*", "binaries-*", "socket", "postgres", "postgres.log", "lock")


def is_ours(data_dir: Path) -> bool:
    """Return whether a service of ours ran in the folder: it holds a lock, and begins a log."""
    marks = (data_dir / "lock", data_dir / "postgres.log")
    return all(mark.is_file() and not mark.is_symlink() for mark in marks)


def size_of(data_dir: Path) -> int:
    """Return how many bytes of the disk go free."""
    return sum(
        path.lstat().st_blocks * 512
        for mine in _ours_in(data_dir)
        for path in (mine, *(() if mine.is_symlink() else mine.rglob("*")))
    )


def remove(data_dir: Path) -> list[str]:
    """Remove what is ours from a folder that is held, and the folder if nothing else is in it.

    Return the names that were left. A link goes, what it leads to stays.
    Raises EmbeddedPostgresError if the system refuses.
    """
    try:
        for path in list(_ours_in(data_dir)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        left = sorted(path.name for path in data_dir.iterdir())
        if not left:
            data_dir.rmdir()
    except OSError as error:
        raise EmbeddedPostgresError(f"cannot remove all of {data_dir}: {error}") from error
    return left


def _ours_in(data_dir: Path) -> Iterator[Path]:
    for pattern in OURS:
        yield from (path for path in data_dir.iterdir() if fnmatchcase(path.name, pattern))
