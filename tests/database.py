"""Real databases for tests: one server per test process, and copies of one migrated database."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from db.embedded import EmbeddedPostgres
from db.embedded_binaries import find_binaries
from db.migrate import migrate
from tests.eventually import PATIENCE_S, until

TEMPLATE = "migrated"


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Yield an empty folder that every user can enter: root's server runs as another one.

    pytest's tmp_path does not do, since its parents are closed to others.
    """
    folder = Path(tempfile.mkdtemp(prefix="headrace-test-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Give the URL of a running server of this test process's own, with nothing in it."""
    with reachable_folder() as folder, EmbeddedPostgres(folder / "data") as url:
        yield url


@pytest.fixture(scope="session")
def template_url(postgres_url: str) -> str:
    """Give a migrated database, to be copied by `database_url` and never connected to."""
    url = named(postgres_url, TEMPLATE)
    migrate(url)
    return url


@pytest.fixture(scope="session")
def database_numbers() -> Iterator[int]:
    return count(1)


@pytest.fixture
def database_url(template_url: str, database_numbers: Iterator[int]) -> Iterator[str]:
    """Give the URL of a migrated database that no other test sees."""
    with copied_database(template_url, f"test_{next(database_numbers)}") as url:
        yield url


@pytest.fixture
async def session(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection of the test's own, to look, or to stand in the way of others."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def await_blocked(session: asyncpg.Connection, count: int = 1) -> None:
    """Return once so many sessions wait for a lock."""
    blocked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"

    async def are_blocked() -> bool:
        return bool(await session.fetchval(blocked) >= count)

    await until(are_blocked)


def lock_is_awaited(url: str) -> bool:
    """Return whether somebody waits for a lock."""
    return bool(run_sql(url, "select 1 from pg_locks where not granted"))


@contextmanager
def copied_database(template_url: str, name: str) -> Iterator[str]:
    """Make a copy of the migrated database and drop it afterwards, whoever is still connected."""
    run_sql(named(template_url, "postgres"), f"create database {name} template {TEMPLATE}")
    try:
        yield named(template_url, name)
    finally:
        run_sql(named(template_url, "postgres"), f"drop database {name} with (force)")


def named(url: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def run_sql(url: str, sql: str) -> list[str]:
    """Run one statement with psql, which needs no event loop, and return its rows as text."""
    psql = find_binaries(Path(), account=None) / "psql"
    done = subprocess.run(
        [psql, "--no-psqlrc", "-At", "-v", "ON_ERROR_STOP=1", "-c", sql, url],
        env={**os.environ, "LC_ALL": "C"},
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    return done.stdout.splitlines()
