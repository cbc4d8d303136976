"""`python -m app`: serve, migrate, catalogue, settings.

Exit codes: 0 done; 2 the settings, the catalogue or the command line are wrong; 1 anything else;
and of `serve`, 10 when requests had to be cut.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import structlog
import uvloop
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from rich.console import Console
from rich.table import Table

from app.domain.catalogue import CatalogueInvalid, LoadedCatalogue, parse_catalogue
from app.domain.goal import Catalogue
from app.domain.loadtest_catalogue import generate_catalogue
from app.errors import Problem
from app.handlers import health
from app.lifespan import SchemaBehind, lifespan
from app.main import create_app
from app.operations.main import create_operations_app
from app.server import Addresses, CannotListen, run
from app.settings import (
    SECRET,
    Environment,
    LoadedSettings,
    Settings,
    SettingsInvalid,
    load_settings,
    range_of,
)
from app.state import Lifecycle
from app.telemetry import Metrics, configure_logs, create_tracer_provider
from db.address import derive
from db.embedded import EmbeddedPostgres, EmbeddedPostgresError, default_data_dir
from db.errors import DatabaseUnreachable
from db.migrate import MigrationFailed, Phase, migrate
from middleware.loop_lag import LoopLag

EXIT_WRONG: Final = 2
EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130

CHECKOUT: Final = Path(__file__).parent.parent
SAMPLE_CATALOGUE: Final = Path(__file__).parent / "sample_catalogue.json"

FAILURES: Final = (
    CannotListen,
    DatabaseUnreachable,
    EmbeddedPostgresError,
    MigrationFailed,
    Problem,
    SchemaBehind,
)
"""What a person can put right, explained by one sentence. All else is a bug: a traceback."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = chosen.command
    try:
        return command(chosen)
    except SettingsInvalid as error:
        return _complain(EXIT_WRONG, *error.errors)
    except CatalogueInvalid as error:
        return _complain(EXIT_WRONG, *error.errors)
    except FAILURES as error:
        return _complain(EXIT_FAILED, str(error))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    names = "\n".join(
        f"  {name.upper()} ({range_of(name)})\n      {field.description}"
        for name, field in Settings.model_fields.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Headrace, a challenge service whose login bursts are harmless.",
        epilog=f"settings (environment variables, or files in SETTINGS_DIR):\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("serve", help="serve players").set_defaults(command=_serve)
    migrating = commands.add_parser("migrate", help="apply migrations")
    migrating.add_argument("--phase", type=Phase, choices=list(Phase), default=Phase.ALL)
    migrating.set_defaults(command=_migrate)
    catalogue = commands.add_parser("catalogue", help="make a catalogue")
    catalogue_commands = catalogue.add_subparsers(required=True, metavar="COMMAND")
    generating = catalogue_commands.add_parser("generate", help="write the load-test catalogue")
    generating.add_argument("--all-default", action="store_true", help="give all 500 by default")
    generating.set_defaults(command=_generate_catalogue)
    commands.add_parser("settings", help="show every setting").set_defaults(command=_show_settings)
    return parser


def _serve(_: argparse.Namespace) -> int:
    settings = _load_settings().settings
    configure_logs(settings.log_level)
    loaded = _load_catalogue(settings)
    provider = create_tracer_provider(
        settings.otel_service_name,
        settings.otel_exporter_otlp_endpoint,
        settings.otel_traces_sampler_arg,
    )
    trace.set_tracer_provider(provider)
    with _database(settings) as database_url:
        serve = partial(_serve_once, settings, loaded.catalogue, provider, database_url)
        try:
            return serve()
        except SchemaBehind:
            if settings.environment is Environment.PRODUCTION:
                raise  # there a job migrates, before the roll-out
        # Between two loops, in the main thread: a signal then ends this process at once.
        migrate(database_url)
        return serve()


def _serve_once(
    settings: Settings, catalogue: Catalogue, provider: TracerProvider, database_url: str
) -> int:
    lifecycle, metrics, loop_lag = Lifecycle(), Metrics(), LoopLag()
    app = create_app(
        settings,
        lifecycle=lifecycle,
        metrics=metrics,
        loop_lag=loop_lag,
        lifespan=partial(
            lifespan,
            settings=settings,
            database_url=database_url,
            catalogue=catalogue,
            metrics=metrics,
            loop_lag=loop_lag,
            tracer_provider=provider,
        ),
    )
    operations_app = create_operations_app(
        metrics, live=health.live, ready=health.readiness(lifecycle)
    )
    serving = run(
        app,
        operations_app,
        settings,
        lifecycle=lifecycle,
        metrics=metrics,
        on_ready=partial(_greet, settings),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serving)


def _migrate(chosen: argparse.Namespace) -> int:
    settings = _load_settings().settings
    with _database(settings) as database_url:
        migrate(database_url, chosen.phase)
    return 0


def _generate_catalogue(chosen: argparse.Namespace) -> int:
    sys.stdout.buffer.write(generate_catalogue(all_default=chosen.all_default))
    return 0


def _show_settings(_: argparse.Namespace) -> int:
    Console().print(_settings_table(_load_settings()))
    return 0


def _settings_table(loaded: LoadedSettings) -> Table:
    table = Table(
        "Name", "Value", "From", "Range", "Meaning", title="Settings, all start-only: read once"
    )
    for name, field in Settings.model_fields.items():
        value = getattr(loaded.settings, name)
        if name in SECRET and value is not None:
            value = "(hidden)"
        shown = "" if value is None else str(value)
        table.add_row(name.upper(), shown, loaded.origins[name], range_of(name), field.description)
    return table


def _load_settings() -> LoadedSettings:
    """Read the settings; whether the database's address is one, only `db` knows."""
    return load_settings(os.environ, {"database_url": derive})


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """Yield the database's URL, of the embedded server if no other is set."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with EmbeddedPostgres(settings.data_dir or default_data_dir(CHECKOUT)) as database_url:
        yield database_url


def _load_catalogue(settings: Settings) -> LoadedCatalogue:
    path = settings.catalogue_path or SAMPLE_CATALOGUE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CatalogueInvalid((f"CATALOGUE_PATH={path}: {error.strerror}",)) from error
    loaded = parse_catalogue(data)
    for warning in loaded.warnings:
        structlog.get_logger().warning("catalogue_warning", path=str(path), warning=warning)
    return loaded


def _greet(settings: Settings, addresses: Addresses) -> None:
    """Tell a person at a local machine what to try; the log is for operators."""
    if settings.environment is not Environment.LOCAL:
        return
    players, operations = (f"http://{host}:{port}" for host, port in addresses)
    sys.stdout.write(
        f"""
Headrace is ready.

  players     {players}/challenge/v1/challenges
  operations  {operations}/metrics

  curl -X POST -H 'x-mock-user-id: alice' {players}/challenge/v1/challenges/initialize
  curl -H 'x-mock-user-id: alice' '{players}/challenge/v1/challenges?active_only=true'
  curl {operations}/readyz

"""
    )
    sys.stdout.flush()


def _complain(code: int, *lines: str) -> int:
    for line in lines:
        sys.stderr.write(f"headrace: {line}\n")
    return code
