"""`migrate`: bring the schema up to this release."""

import argparse
import sys

from app.commands.common import read_settings, running_database
from db.migrate import MigrationPhase
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
    """Apply what is missing. Raises `MigrationFailed`."""
    settings = read_settings().settings
    with running_database(settings) as (database_url, _):
        applied = apply_migrations(database_url, chosen.phase)
    for name in applied:
        sys.stdout.write(f"applied {name}\n")
    if not applied:
        sys.stdout.write("nothing to apply: the schema is up to date\n")
    return 0
