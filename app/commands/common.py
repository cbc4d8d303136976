"""What several commands need: the settings, the catalogue, the database, and safe output."""

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

import structlog
from rich.console import Console
from rich.text import Text

from app.catalogue.parse import LoadedCatalogue, parse_catalogue
from app.domain.identity import CatalogueInvalid
from app.domain.text import visible
from app.failures import SchemaBehind
from app.file_content import file_content
from app.settings import Settings
from app.settings_loading import LoadedSettings, load_settings
from db.address import derive
from db.embedded import DataInUse, EmbeddedPostgres, default_data_dir, url_of_running
from db.migrate import schema_is_current
from db.pool import Database

CHECKOUT: Final = Path(__file__).parents[2]
SAMPLE_CATALOGUE: Final = CHECKOUT / "app" / "sample_catalogue.json"

CONNECTIONS_BESIDE: Final = 90
"""Connections of the embedded server beyond the service's pool: its health check, the commands that
run beside it, and PostgreSQL's own reserve."""

WIDTH_MAX: Final = 10_000

CATALOGUE_BYTES_MAX: Final = 64_000_000
"""Some hundred thousand goals."""

# JSON escapes C0 by itself; a terminal obeys these, too.
_JSON_CONTROLS: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def read_settings() -> LoadedSettings:
    """Read the settings; whether the database's address is one, only `db` knows.

    Raises `SettingsInvalid`.
    """
    return load_settings(os.environ, {"database_url": derive})


class RunningDatabase(NamedTuple):
    """A database, and its server if that is our own child."""

    url: str
    embedded: EmbeddedPostgres | None


@contextmanager
def running_database(settings: Settings) -> Iterator[RunningDatabase]:
    """Yield the database, of the embedded server if no other is set.

    Raises `EmbeddedPostgresError` if that server cannot start, or runs for another service.
    """
    if settings.database_url is not None:
        yield RunningDatabase(settings.database_url, None)
        return
    _forget_libpq_environment()
    connections_max = settings.database_pool_size + CONNECTIONS_BESIDE
    server = EmbeddedPostgres(data_dir_of(settings), connections_max=connections_max)
    with server as database_url:
        yield RunningDatabase(database_url, server)


@contextmanager
def reachable_database(settings: Settings) -> Iterator[str]:
    """Yield the database's URL, for a command that works beside a service.

    An embedded server that runs already is used; if none runs, it runs as long as the command.
    """
    with ExitStack() as stack:
        try:
            database_url = stack.enter_context(running_database(settings)).url
        except DataInUse:
            database_url = url_of_running(data_dir_of(settings))
        yield database_url


def _forget_libpq_environment() -> None:
    """Leave nothing that would be meant for somebody else's database.

    asyncpg and dbmate read libpq's variables: TLS modes, services, passwords, options. The names of
    all of them begin with PG (https://www.postgresql.org/docs/current/libpq-envars.html).
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Database]:
    """Yield one connection. Raises `DatabaseUnreachable`, or `SchemaBehind`."""
    database = Database(database_url, size=1)
    await database.open()
    try:
        if not await schema_is_current(database):
            raise SchemaBehind("the schema is behind; run `python -m app migrate` first")
        yield database
    finally:
        await database.close()


class PipedConsole(Console):
    """Leaves it to the command line what becomes of a command whose output nobody reads."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise what rich would answer with an exit code of its own."""
        raise BrokenPipeError


def table_console() -> Console:
    """Return where tables are printed: as wide as the terminal, or as COLUMNS says.

    In a pipe they are as wide as they are: what reads them would find ids in two pieces.
    """
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return PipedConsole(width=None if known else WIDTH_MAX)


def cell(text: str) -> Text:
    """Return a table's cell of what others wrote: neither markup, nor orders to the terminal."""
    return Text(visible(text))


def printed_json(document: object, indent: int | None = None) -> str:
    """Return JSON that a terminal only shows."""
    return json.dumps(document, ensure_ascii=False, indent=indent).translate(_JSON_CONTROLS)


def data_dir_of(settings: Settings) -> Path:
    """Return the folder of the embedded database."""
    return settings.data_dir or default_data_dir(CHECKOUT)


def load_catalogue(settings: Settings) -> LoadedCatalogue:
    """Read the configured catalogue, or the sample; warnings are logged.

    Raises `CatalogueInvalid` with all that is wrong with it.
    """
    path = _path_of(settings)
    with naming_catalogue(settings):
        loaded = read_catalogue(path)
    for warning in loaded.warnings:
        structlog.get_logger().warning("catalogue_warning", path=str(path), warning=warning)
    return loaded


@contextmanager
def naming_catalogue(settings: Settings) -> Iterator[None]:
    """Let each error of the configured catalogue begin with its file, also what a start refuses."""
    try:
        yield
    except CatalogueInvalid as invalid:
        name = f"CATALOGUE_PATH={_path_of(settings)}"
        errors = tuple(f"{name}: {error}" for error in invalid.errors)
        raise CatalogueInvalid(errors, invalid.warnings) from invalid


def _path_of(settings: Settings) -> Path:
    return settings.catalogue_path or SAMPLE_CATALOGUE


def read_catalogue(path: Path) -> LoadedCatalogue:
    """Read one catalogue file. Raises `CatalogueInvalid` with all that is wrong with it."""
    try:
        content = file_content(path, CATALOGUE_BYTES_MAX)
    except OSError as error:
        raise CatalogueInvalid((str(error.strerror),)) from error
    return parse_catalogue(content)
