"""`migrate`: bring the schema up to this release."""

import argparse
import asyncio
import sys

from app.commands.common import read_settings, running_database
from db.migrate import MigrationPhase, check_lock_is_ours
from db.migrate import migrate as apply_migrations


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the phase of a roll-out; all of it if none is given."""
    parser.add_argument(
        "--phase",
        type=MigrationPhase,
        choices=list(MigrationPhase),
        default=MigrationPhase.ALL,
        help="what comes before or after the new pods; %(default)s if it is not said",
    )


def migrate(chosen: argparse.Namespace) -> int:
    """Apply what is missing. Raises `MigrationFailed`, or `DatabaseUnreachable` for a pooler."""
    settings = read_settings().settings
    with running_database(settings) as (database_url, embedded):
        if embedded is None:
            asyncio.run(check_lock_is_ours(database_url))
        applied = apply_migrations(database_url, chosen.phase)
    for name in applied:
        sys.stdout.write(f"applied {name}\n")
    if not applied:
        sys.stdout.write("nothing to apply: the schema is up to date\n")
    return 0
