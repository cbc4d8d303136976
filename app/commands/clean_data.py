"""`clean-data`: remove the embedded database, after asking."""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from app.commands.common import data_dir_of, read_settings
from app.failures import CommandFailed
from db.embedded import EmbeddedPostgres
from db.embedded_removal import is_ours, remove, size_of

EXIT_NOT_ASKED: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take whether to ask."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def clean_data(chosen: argparse.Namespace) -> int:
    """Remove what the embedded database keeps; no other database is touched."""
    settings = read_settings().settings
    folder = data_dir_of(settings).absolute()
    if settings.database_url is not None:
        _say("the database of DATABASE_URL stays as it is; this is about the embedded one")
    if not _is_there(folder):
        _say(f"nothing to remove: there is no {folder}")
        return 0
    with EmbeddedPostgres(folder).held():
        if not chosen.yes:
            if not sys.stdin.isatty():
                sys.stderr.write(
                    f"headrace: to remove {folder} without being asked at a terminal, add --yes\n"
                )
                return EXIT_NOT_ASKED
            if not _confirmed(folder):
                _say("nothing was removed")
                return 0
        left = remove(folder)
    _say(f"removed the data in {folder}")
    if left:
        _say(f"left what is not the database's: {', '.join(left)}")
    return 0


def _is_there(folder: Path) -> bool:
    """Return whether there is a folder. Raises CommandFailed if it is not one of ours."""
    try:
        if not os.path.lexists(folder):
            return False
        ours = is_ours(folder)
    except PermissionError as error:
        raise CommandFailed(f"cannot look into {folder}: {error.strerror}") from error
    if folder.is_symlink():
        raise CommandFailed(
            f"{folder} is a link; set DATA_DIR to {folder.resolve()}, if that is it"
        )
    if not ours:
        raise CommandFailed(
            f"{folder} holds no embedded database, which has a lock and a postgres.log:"
            " nothing was removed"
        )
    return True


def _confirmed(folder: Path) -> bool:
    megabytes = size_of(folder) / 1_000_000
    question = f"Remove all players' data in {folder} ({megabytes:.0f} MB) for good? [y/N] "
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
