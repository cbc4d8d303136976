"""Whether a folder holds data that the embedded PostgreSQL can run on."""

import os
from importlib.metadata import version
from pathlib import Path

from db.embedded_binaries import PACKAGE, Account, EmbeddedPostgresError

# What initdb writes; without one of them the server does not start.
ESSENTIAL = ("PG_VERSION", "postgresql.conf", "global/pg_control")


def check_data(folder: Path, account: Account | None) -> None:
    """Raise EmbeddedPostgresError, which says what to do, if the server cannot run on `folder`.

    `account` is whom the server runs as, None for our own user.
    """
    if not folder.is_dir():
        raise _unusable(folder, "it is not a folder")
    owner, user = folder.stat().st_uid, os.geteuid() if account is None else account.uid
    if owner != user:
        raise EmbeddedPostgresError(
            f"cannot use the data in {folder}: they belong to the user with the number {owner}, and"
            f" PostgreSQL would run as {user}. Start the service as their owner (as root it runs"
            f" PostgreSQL as nobody), give the folder to {user} (chown -R), or set DATA_DIR to"
            " another folder"
        )
    for name in ESSENTIAL:
        if not (folder / name).is_file():
            raise _unusable(folder, f"they are not complete, {name} is missing")
    ours = version(PACKAGE).partition(".")[0]
    theirs = (folder / "PG_VERSION").read_text(errors="replace").strip()
    if theirs != ours:
        raise EmbeddedPostgresError(
            f"cannot use the data in {folder}: PostgreSQL {theirs} made them, and this is"
            f" PostgreSQL {ours}. Run the service's version that made them, or move them over with"
            " pg_dump and pg_restore, or set DATA_DIR to another folder"
        )


def _unusable(folder: Path, why: str) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(
        f"cannot use the data in {folder}: {why}. Restore them from a backup, or remove the folder"
        " to begin with no data, or set DATA_DIR to another folder"
    )
