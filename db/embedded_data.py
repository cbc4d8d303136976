"""Whether a folder holds data that the embedded PostgreSQL can run on."""

import os
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from db.embedded_binaries import PACKAGE, Account, EmbeddedPostgresError

# Without one of these the server does not start, or does not find what was written. Whoever copies
# data while they are written, or stops in between, leaves them empty.
FOLDERS = ("base", "global", "pg_wal", "pg_xact", "pg_multixact")
FILES = ("PG_VERSION", "global/pg_control", "global/pg_filenode.map", "pg_hba.conf")
# Without any setting the server has defaults, so this one may be empty.
SETTINGS = "postgresql.conf"
VERSION_BYTES_MAX = 10
INSTEAD = (
    "restore the data from a backup, or remove them to begin with none (python -m app clean-data),"
    " or set DATA_DIR to another folder"
)


class DataUnusable(EmbeddedPostgresError):
    """The server cannot run on the data, however often it is tried."""


def check_data(folder: Path, account: Account | None) -> None:
    """Raise DataUnusable, which says what to do, if the server cannot run on `folder`.

    `account` is whom the server runs as, None for our own user.
    """
    user = os.geteuid() if account is None else account.uid
    if not folder.is_dir():
        raise _unusable(
            folder, "it is not a folder" if os.path.lexists(folder) else "the folder is gone"
        )
    _check_owners(folder, user)
    for name in FOLDERS:
        if not (folder / name).is_dir():
            raise _incomplete(folder, f"{name} is missing")
    for name in (*FILES, SETTINGS):
        if not (folder / name).is_file():
            raise _incomplete(folder, f"{name} is missing")
        if name != SETTINGS and not (folder / name).stat().st_size:
            raise _incomplete(folder, f"{name} is empty")
    _check_version(folder)


def _check_owners(folder: Path, user: int) -> None:
    """Raise DataUnusable if what the server writes belongs to somebody else; settings may."""
    for path in _written_in(folder):
        owner = path.stat().st_uid
        if owner != user:
            what = "they belong" if path == folder else f"{path.relative_to(folder)} belongs"
            raise DataUnusable(
                f"cannot use the data in {folder}: {what} to the user with the number {owner}, and"
                f" PostgreSQL would run as {user}. Start the service as their owner (as root it"
                f" runs PostgreSQL as nobody), give the folder to {user} (chown -R), or set"
                " DATA_DIR to another folder"
            )


def _written_in(folder: Path) -> Iterator[Path]:
    """Yield each folder before what it holds."""
    yield folder
    for name in FOLDERS:
        if (folder / name).exists():
            yield folder / name
        for here, folders, files in os.walk(folder / name):
            yield from (Path(here, each) for each in (*folders, *files))


def _check_version(folder: Path) -> None:
    ours = version(PACKAGE).partition(".")[0]
    with (folder / "PG_VERSION").open("rb") as file:
        theirs = file.read(VERSION_BYTES_MAX).strip()
    if not theirs.isdigit():
        raise _unusable(folder, "PG_VERSION does not hold a version")
    if theirs.decode() != ours:
        raise DataUnusable(
            f"cannot use the data in {folder}: PostgreSQL {theirs.decode()} made them, and this is"
            f" PostgreSQL {ours}. Run the service's version that made them, or move them over with"
            " pg_dump and pg_restore, or set DATA_DIR to another folder"
        )


def _incomplete(folder: Path, why: str) -> DataUnusable:
    return _unusable(folder, f"they are not complete, {why}")


def _unusable(folder: Path, why: str) -> DataUnusable:
    return DataUnusable(f"cannot use the data in {folder}: {why}; {INSTEAD}")
