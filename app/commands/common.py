"""What several commands need: the settings, the catalogue, the database, and safe output."""

import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import structlog
from rich.text import Text

from app.domain.catalogue import CatalogueInvalid, LoadedCatalogue, parse_catalogue
from app.domain.text import visible
from app.lifespan import SchemaBehind
from app.settings import Settings
from app.settings_loading import LoadedSettings, load_settings
from db.address import derive
from db.embedded import DataInUse, EmbeddedPostgres, default_data_dir, url_of_running
from db.migrate import schema_is_current
from db.pool import Database

CHECKOUT: Final = Path(__file__).parents[2]
SAMPLE_CATALOGUE: Final = CHECKOUT / "app" / "sample_catalogue.json"

# JSON escapes C0 by itself; a terminal obeys these, too.
_JSON_CONTROLS: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


class CommandFailed(Exception):
    """A command could not do what it was asked for; the text is for the person who asked."""


def read_settings() -> LoadedSettings:
    """Read the settings; whether the database's address is one, only `db` knows.

    Raises `SettingsInvalid`.
    """
    return load_settings(os.environ, {"database_url": derive})


@contextmanager
def running_database(settings: Settings) -> Iterator[str]:
    """Yield the database's URL, of the embedded server if no other is set.

    Raises `EmbeddedPostgresError` if that server cannot start, or runs for another service.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with EmbeddedPostgres(_data_dir(settings)) as database_url:
        yield database_url


@contextmanager
def reachable_database(settings: Settings) -> Iterator[str]:
    """Yield the database's URL, for a command that works beside a service.

    An embedded server that runs already is used; if none runs, it runs as long as the command.
    """
    with ExitStack() as stack:
        try:
            database_url = stack.enter_context(running_database(settings))
        except DataInUse:
            database_url = url_of_running(_data_dir(settings))
        yield database_url


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


def drop_output() -> None:
    """Let what is buffered go nowhere; closing the output, Python would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def cell(text: str) -> Text:
    """Return a table's cell of what others wrote: neither markup, nor orders to the terminal."""
    return Text(visible(text))


def printed_json(document: object, indent: int | None = None) -> str:
    """Return JSON that a terminal only shows."""
    return json.dumps(document, ensure_ascii=False, indent=indent).translate(_JSON_CONTROLS)


def _data_dir(settings: Settings) -> Path:
    return settings.data_dir or default_data_dir(CHECKOUT)


def load_catalogue(settings: Settings) -> LoadedCatalogue:
    """Read the configured catalogue, or the sample; warnings are logged.

    Raises `CatalogueInvalid` with all that is wrong with it.
    """
    path = settings.catalogue_path or SAMPLE_CATALOGUE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CatalogueInvalid((f"CATALOGUE_PATH={path}: {error.strerror}",)) from error
    loaded = parse_catalogue(data)
    for warning in loaded.warnings:
        structlog.get_logger().warning("catalogue_warning", path=str(path), warning=warning)
    return loaded
