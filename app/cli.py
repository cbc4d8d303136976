"""`python -m app`: the command line and the exit codes; `app.commands` does the work.

Exit codes: 0 done; 2 the settings, the catalogue or the command line are wrong; 1 anything else;
141 when nobody reads on, as with any program in a pipe; of `serve`, 10 when requests had to be cut.
A disk that is full is one line and 1.
"""

import argparse
import errno
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, NamedTuple

from app import VERSION
from app.domain.errors import Unavailable
from app.domain.identity import CatalogueInvalid
from app.failures import Failure
from app.opentelemetry_check import opentelemetry_checked
from app.output import drop_output
from app.settings_loading import SettingsInvalid, describe_settings
from db.embedded_binaries import EmbeddedPostgresError
from db.errors import DatabaseUnreachable, MigrationFailed

EXIT_WRONG: Final = 2
EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130
EXIT_PIPE_CLOSED: Final = 141

FAILURES: Final = (
    DatabaseUnreachable,
    EmbeddedPostgresError,
    Failure,
    MigrationFailed,
    Unavailable,
)
"""What a person can put right, explained by one sentence. All else is a bug: a traceback."""

NOT_WRITTEN: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What the system says when there is no room, or the device fails: nor is that a bug."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        chosen = _chosen(arguments)
        command: Callable[[argparse.Namespace], int] = chosen.command
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


class Command(NamedTuple):
    """A command, and where it is: a module is imported only when it is asked for."""

    name: str
    help: str
    module: str
    function: str
    arguments: str = ""


COMMANDS: Final = (
    Command("serve", "serve players", "serve", "serve"),
    Command("migrate", "apply migrations", "migrate", "migrate", "add_arguments"),
    Command(
        "catalogue generate",
        "write the load-test catalogue",
        "catalogue",
        "generate",
        "add_arguments",
    ),
    Command(
        "catalogue check",
        "tell what is wrong with a catalogue, and whom it affects",
        "catalogue_check",
        "check",
        "add_arguments",
    ),
    Command(
        "catalogue schema",
        "write the JSON Schema of catalogues, for editors",
        "catalogue",
        "schema",
    ),
    Command(
        "player", "show one player's facts, and what they see", "player", "show", "add_arguments"
    ),
    Command("export", "write every player's facts as NDJSON", "export", "export"),
    Command(
        "claims list", "show claims that are not granted", "claims", "show", "add_list_arguments"
    ),
    Command(
        "claims settle", "say what became of one claim", "claims", "settle", "add_settle_arguments"
    ),
    Command(
        "mock-provider",
        "grant rewards to local runs, or fail to",
        "mock_provider",
        "run",
        "add_arguments",
    ),
    Command("mock-issuer", "issue tokens to local runs", "mock_issuer", "run", "add_arguments"),
    Command(
        "demo", "play a short season against a running service", "demo", "demo", "add_arguments"
    ),
    Command(
        "clean-data",
        "remove the embedded database, after asking",
        "clean_data",
        "clean_data",
        "add_arguments",
    ),
    Command("settings", "show every setting", "settings", "show", "add_arguments"),
)
GROUPS: Final = {
    "catalogue": "make a catalogue, check one, or write its schema",
    "claims": "list rewards that are owed, or settle one",
}


def _chosen(arguments: Sequence[str]) -> argparse.Namespace:
    try:
        return _parser(arguments).parse_args(arguments)
    finally:
        # `--help` ends here, and what is buffered meets a closed pipe only now.
        sys.stdout.flush()


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Headrace, a challenge service whose login bursts are harmless.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    asked = next((each for each in arguments if not each.startswith("-")), None)
    if asked is None:
        parser.epilog = (
            "settings (environment variables, or files in SETTINGS_DIR):\n" + describe_settings()
        )
    parser.add_argument("--version", action="version", version=f"headrace {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    groups = {
        name: commands.add_parser(name, help=help_).add_subparsers(required=True, metavar="COMMAND")
        for name, help_ in GROUPS.items()
    }
    for command in COMMANDS:
        group, _, name = command.name.rpartition(" ")
        added = (groups[group] if group else commands).add_parser(name, help=command.help)
        if asked == (group or name):
            with opentelemetry_checked():
                module = import_module(f"app.commands.{command.module}")
            added.set_defaults(command=getattr(module, command.function))
            if command.arguments:
                getattr(module, command.arguments)(added)
    return parser


def _complain(code: int, *lines: str) -> int:
    for line in lines:
        sys.stderr.write(f"headrace: {line}\n")
    return code
