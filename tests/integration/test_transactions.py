"""Statements that become lasting together, or not at all, whatever happens between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import asyncpg
import pytest

from app.domain.errors import Unavailable
from db.pool import Database
from tests.database import run_sql
from tests.eventually import eventually
from tests.integration.test_pool import TERMINATE, with_statements

IDLE_IN_TRANSACTION = (
    "select pid from pg_stat_activity"
    " where datname = current_database() and state = 'idle in transaction'"
)
NOTES = (
    "create table note (text text primary key, sum integer unique deferrable initially deferred)"
)


@pytest.fixture
async def notes(database_url: str) -> AsyncIterator[Database]:
    """Give a pool of one connection, whose every misuse would be felt by the next caller."""
    run_sql(database_url, NOTES)
    database = with_statements(Database(database_url, size=1, statement_s_max=2.0))
    write = replace(
        database._statements["pid"], text="insert into note values ($1, $2) returning text"
    )
    database._statements = MappingProxyType({"write": write} | dict(database._statements))
    await database.open()
    yield database
    await database.close()


async def fails_as_unavailable(work: Awaitable[None]) -> bool:
    with pytest.raises(Unavailable):
        await work
    return True


def written(database_url: str) -> list[str]:
    return run_sql(database_url, "select text from note order by text")


async def test_statements_of_a_transaction_become_lasting_together(
    notes: Database, database_url: str
) -> None:
    async with notes.transaction() as transaction:
        await transaction.fetch("write", "a", 1)
        assert written(database_url) == []
        assert notes.in_use == 1
        await transaction.fetch("write", "b", 2)
    assert written(database_url) == ["a", "b"]
    assert notes.in_use == 0


async def test_a_transaction_whose_block_raises_leaves_nothing(
    notes: Database, database_url: str
) -> None:
    async def write() -> None:
        async with notes.transaction() as transaction:
            await transaction.fetch("write", "a", 1)
            raise OSError("not the database's")

    # The driver would complain of a transaction that comes back to the pool.
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
    with pytest.raises(OSError, match="not the database's"):
        await write()
    assert complaints == []
    assert written(database_url) == []
    assert await notes.fetch("write", "a", 1)


@pytest.mark.parametrize("statement", [("fail",), ("sleep", 30.0)])
async def test_a_transaction_in_which_a_statement_fails_is_a_503_and_leaves_nothing(
    notes: Database, database_url: str, statement: tuple[Any, ...]
) -> None:
    async def write() -> None:
        async with notes.transaction() as transaction:
            await transaction.fetch("write", "a", 1)
            await transaction.fetch(*statement)

    assert await fails_as_unavailable(write())
    assert written(database_url) == []
    assert await notes.fetch("database_ping")


async def test_a_transaction_cannot_hide_that_a_statement_failed(
    notes: Database, database_url: str
) -> None:
    async def write() -> None:
        async with notes.transaction() as transaction:
            await transaction.fetch("write", "a", 1)
            with pytest.raises(asyncpg.UndefinedTableError):
                await transaction.fetch("wrong")

    with pytest.raises(RuntimeError, match="hidden"):
        await write()
    assert written(database_url) == []
    assert await notes.fetch("database_ping")


async def test_what_a_commit_finds_wrong_is_raised(notes: Database, database_url: str) -> None:
    async def write() -> None:
        async with notes.transaction() as transaction:
            await transaction.fetch("write", "a", 1)
            await transaction.fetch("write", "b", 1)

    with pytest.raises(asyncpg.UniqueViolationError):
        await write()
    assert written(database_url) == []
    assert await notes.fetch("database_ping")


async def test_who_leaves_within_a_transaction_leaves_nothing_and_a_clean_connection(
    notes: Database, database_url: str
) -> None:
    async def stay() -> None:
        async with notes.transaction() as transaction:
            await transaction.fetch("write", "a", 1)
            await transaction.fetch("sleep", 30.0)

    for _ in range(3):
        staying = asyncio.create_task(stay())
        await asyncio.sleep(0.05)
        staying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await staying
    assert written(database_url) == []
    assert notes.in_use == 0
    async with notes.transaction() as transaction:
        await transaction.fetch("write", "a", 1)
    assert written(database_url) == ["a"]


async def test_a_transaction_whose_connection_is_cut_is_a_503_and_the_pool_heals(
    notes: Database, database_url: str
) -> None:
    async def write() -> None:
        async with notes.transaction() as transaction:
            await transaction.fetch("write", "a", 1)
            run_sql(database_url, TERMINATE)

    assert await fails_as_unavailable(write())
    assert written(database_url) == []
    assert await notes.fetch("database_ping")


async def test_a_transaction_waits_for_a_connection_no_longer_than_told(database_url: str) -> None:
    database = with_statements(Database(database_url, size=1, acquire_s_max=0.1))
    await database.open()
    async with database.transaction():
        with pytest.raises(Unavailable):
            async with database.transaction():
                pytest.fail("there is one connection")
    async with database.transaction() as transaction:
        assert await transaction.fetch("database_ping")
    await database.close()


async def test_a_process_that_hangs_inside_a_transaction_loses_it(
    notes: Database, database_url: str
) -> None:
    async def hang() -> None:
        async with notes.transaction() as transaction:
            await transaction.fetch("write", "a", 1)
            eventually(lambda: not run_sql(database_url, IDLE_IN_TRANSACTION))

    assert await fails_as_unavailable(hang())
    assert written(database_url) == []
