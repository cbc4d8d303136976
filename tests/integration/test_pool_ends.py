"""Opening and closing the connections: whatever hangs or fails meanwhile, none is left behind."""

import asyncio
import os
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from db.errors import DatabaseUnreachable
from db.pool import Database
from tests.database import run_sql
from tests.eventually import PATIENCE_S, until
from tests.integration.test_pool import is_unavailable, with_statements
from tests.project_files import text

CONNECTED = (
    "select pid, state, query from pg_stat_activity"
    " where datname = current_database() and application_name = 'headrace'"
)
RUNBOOK = " ".join(text("k8s/RUNBOOK.md").split())


def nobody_is_connected(database_url: str) -> bool:
    return not run_sql(database_url, CONNECTED)


async def opened(database_url: str) -> Database:
    """Return connections whose statements may run for as long as a test does."""
    database = with_statements(Database(database_url, size=2, statement_s_max=3600))
    await database.open()
    return database


async def test_there_is_one_connection_more_than_the_pool_s_and_the_runbook_counts_it(
    database_url: str,
) -> None:
    database = await opened(database_url)
    assert len(run_sql(database_url, CONNECTED)) == database.size + 1
    await database.close()
    assert "(`DATABASE_POOL_SIZE` + 1) below PostgreSQL's `max_connections`" in RUNBOOK


@pytest.fixture
def with_room_for_two(database_url: str) -> Iterator[str]:
    """Give the address under which two connections can be made, and no third."""
    run_sql(database_url, "create role two_at_most login connection limit 2")
    yield database_url.replace("headrace@", "two_at_most@", 1)
    run_sql(database_url, "drop role two_at_most")


async def test_a_pool_is_ended_if_there_is_no_room_for_the_other(
    database_url: str, with_room_for_two: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.pool.FULL_S_MAX", 0.2)
    database = Database(with_room_for_two, size=2)
    with pytest.raises(
        DatabaseUnreachable, match=r"too many connections for role.*lower DATABASE_POOL_SIZE"
    ):
        await database.open(wait_s_max=3600)
    await until(partial(asyncio.to_thread, nobody_is_connected, database_url))
    assert await is_unavailable(database, "database_ping")
    smaller = Database(with_room_for_two, size=1)
    await smaller.open()
    await smaller.ping()
    await smaller.close()


@pytest.mark.parametrize("stuck", ["_for_ping", "_connections"])
async def test_one_connection_that_hangs_keeps_no_other_open(
    database_url: str, monkeypatch: pytest.MonkeyPatch, stuck: str
) -> None:
    monkeypatch.setattr("db.pool.CLOSE_S_MAX", 0.1)
    database = await opened(database_url)
    lender = getattr(database, stuck)
    [[pid]] = await database._fetch_from(lender, "pid")
    os.kill(pid, signal.SIGSTOP)
    try:
        # The connection that served last serves next.
        hanging = asyncio.create_task(database._fetch_from(lender, "pid"))
        await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_S):
            await database.close()
    finally:
        os.kill(pid, signal.SIGCONT)
    [failure] = await asyncio.gather(hanging, return_exceptions=True)
    assert isinstance(failure, Exception)
    await until(partial(asyncio.to_thread, nobody_is_connected, database_url))


async def test_a_closing_that_is_broken_off_leaves_no_connection(database_url: str) -> None:
    database = await opened(database_url)
    # A connection that has served is given back to its pool first.
    await database.fetch("pid")
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await until(partial(asyncio.to_thread, nobody_is_connected, database_url))


async def test_what_was_never_opened_can_be_closed(database_url: str) -> None:
    database = Database(database_url, size=1)
    await database.close()
    await database.close()
    assert await is_unavailable(database, "database_ping")


async def test_closing_twice_at_once_is_closing_once(database_url: str) -> None:
    database = await opened(database_url)
    running = asyncio.create_task(database.fetch("sleep", 0.1))
    await asyncio.sleep(0)
    await asyncio.gather(database.close(), database.close())
    await running
    await database.close()
    await until(partial(asyncio.to_thread, nobody_is_connected, database_url))
