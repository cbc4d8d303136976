"""`python -m app`: the command line and the exit codes; `app.commands` does the work.

Exit codes: 0 done; 2 the settings, the catalogue or the command line are wrong; 1 anything else;
141 when nobody reads on, as with any program in a pipe; of `serve`, 10 when requests had to be cut.
A disk that is full is one line and 1.
"""

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from typing import Final

from app import VERSION
from app.commands import (
    catalogue,
    claims,
    demo,
    export,
    migrate,
    mock_provider,
    player,
    serve,
    settings,
)
from app.commands.common import CommandFailed, drop_output
from app.domain.catalogue import CatalogueInvalid
from app.errors import Problem
from app.lifespan import SchemaBehind
from app.server import CannotListen
from app.settings_loading import SettingsInvalid
from db.embedded import EmbeddedPostgresError
from db.errors import DatabaseUnreachable
from db.migrate import MigrationFailed

EXIT_WRONG: Final = 2
EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130
EXIT_PIPE_CLOSED: Final = 141

FAILURES: Final = (
    CannotListen,
    CommandFailed,
    DatabaseUnreachable,
    EmbeddedPostgresError,
    MigrationFailed,
    Problem,
    SchemaBehind,
)
"""What a person can put right, explained by one sentence. All else is a bug: a traceback."""

NOT_WRITTEN: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What the system says when there is no room, or the device fails: nor is that a bug."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = chosen.command
    try:
        code = command(chosen)
        # What is buffered meets a closed pipe only now.
        sys.stdout.flush()
    except SettingsInvalid as error:
        return _complain(EXIT_WRONG, *error.errors)
    except CatalogueInvalid as error:
        return _complain(EXIT_WRONG, *error.errors)
    except FAILURES as error:
        return _complain(EXIT_FAILED, str(error))
    except BrokenPipeError:
        drop_output()
        return EXIT_PIPE_CLOSED
    except OSError as error:
        if error.errno not in NOT_WRITTEN:
            raise
        drop_output()
        return _complain(EXIT_FAILED, f"cannot write: {error}")
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Headrace, a challenge service whose login bursts are harmless.",
        epilog="settings (environment variables, or files in SETTINGS_DIR):\n"
        + settings.describe_settings(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"headrace {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("serve", help="serve players").set_defaults(command=serve.serve)
    migrating = commands.add_parser("migrate", help="apply migrations")
    migrate.add_arguments(migrating)
    migrating.set_defaults(command=migrate.migrate)
    catalogues = commands.add_parser("catalogue", help="make a catalogue")
    catalogue_commands = catalogues.add_subparsers(required=True, metavar="COMMAND")
    generating = catalogue_commands.add_parser("generate", help="write the load-test catalogue")
    catalogue.add_arguments(generating)
    generating.set_defaults(command=catalogue.generate)
    showing = commands.add_parser("player", help="show one player's facts, and what they see")
    player.add_arguments(showing)
    showing.set_defaults(command=player.show)
    exporting = commands.add_parser("export", help="write every player's facts as NDJSON")
    exporting.set_defaults(command=export.export)
    claiming = commands.add_parser("claims", help="list rewards that are owed, or settle one")
    claim_commands = claiming.add_subparsers(required=True, metavar="COMMAND")
    listing = claim_commands.add_parser("list", help="show claims that are not granted")
    claims.add_list_arguments(listing)
    listing.set_defaults(command=claims.show)
    settling = claim_commands.add_parser("settle", help="say what became of one claim")
    claims.add_settle_arguments(settling)
    settling.set_defaults(command=claims.settle)
    granting = commands.add_parser("mock-provider", help="grant rewards to local runs, or fail to")
    mock_provider.add_arguments(granting)
    granting.set_defaults(command=mock_provider.run)
    playing = commands.add_parser("demo", help="play a short season against a running service")
    demo.add_arguments(playing)
    playing.set_defaults(command=demo.demo)
    shown = commands.add_parser("settings", help="show every setting")
    settings.add_arguments(shown)
    shown.set_defaults(command=settings.show)
    return parser


def _complain(code: int, *lines: str) -> int:
    for line in lines:
        sys.stderr.write(f"headrace: {line}\n")
    return code
