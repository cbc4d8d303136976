"""A first initialize is one statement; the database's clock is every instant of its row."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.domain.facts import Assignment, encode_assignments
from db.players import PgPlayers
from db.pool import Database
from db.sql import load_statements
from tests.catalogues import make_catalogue, make_goal
from tests.event_pods import EventPod, event_pods

SUMMER_2027_MS = 1_813_752_000_000
NEW_YEAR_3000_MS = 32_503_680_000_000
END_OF_YEAR_8999_MS = 221_845_391_999_999
WIDE_MS = 2**32
"""From here on MessagePack of an instant has eight bytes; it is a day of February 1970."""


@pytest.fixture
async def pod(database_url: str) -> AsyncIterator[EventPod]:
    async with event_pods(database_url) as [pod]:
        await pod.initialize("somebody")  # what the catalogue gives is read once
        yield pod


class OnSession(Database):
    """Statements on a test's own connection, in its transaction."""

    def __init__(self, session: asyncpg.Connection) -> None:
        self._session = session

    async def fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._session.fetch(
            load_statements()[name].text, *arguments
        )
        return rows


async def set_moment(pod: EventPod, moment_ms: int) -> None:
    pod.clock.set(moment_ms, await pod.store.database_ms())


async def test_a_first_initialize_is_one_statement_and_a_returning_one_too(pod: EventPod) -> None:
    for times in (1, 2):
        pod.statements.clear()
        assert await pod.initialize("ann") == (3 if times == 1 else 0)
        assert pod.statements == {"players_begin": 1}


async def test_a_first_initialize_that_gives_nothing_is_one_statement_too(pod: EventPod) -> None:
    await pod.serve(make_catalogue(make_goal("other")))
    pod.statements.clear()
    assert await pod.initialize("ann") == 0
    assert pod.statements == {"players_begin": 1}


async def test_a_returning_initialize_has_no_transaction_id_so_it_writes_and_locks_no_row(
    session: asyncpg.Connection,
) -> None:
    players = PgPlayers(OnSession(session))
    used = "select pg_current_xact_id_if_assigned() is not null"
    await players.begin_many(["ann", "bob"], 7)
    async with session.transaction():
        assert len((await players.begin_many(["ann", "bob"], 8)).players) == 2
        assert not await session.fetchval(used)
        await players.begin_many(["ann", "cid"], 8)
        assert await session.fetchval(used)


@pytest.mark.parametrize(
    "moment_ms", [None, WIDE_MS, SUMMER_2027_MS, NEW_YEAR_3000_MS, END_OF_YEAR_8999_MS]
)
async def test_a_first_row_is_of_one_moment_to_the_byte(
    pod: EventPod, session: asyncpg.Connection, moment_ms: int | None
) -> None:
    """The database appends the instant; the column is the one that Python would have made."""
    if moment_ms is not None:
        await set_moment(pod, moment_ms)
    before_ms = await pod.now_ms()
    await pod.initialize("ann")
    after_ms = await pod.now_ms()
    row = await pod.row("ann")
    assert row is not None
    assert before_ms <= row.since_ms <= after_ms
    stored = await session.fetchrow(
        "select given, since = changed_at and since = date_trunc('milliseconds', since) as is_one"
        " from player where player = 'ann'"
    )
    assert stored is not None
    assert stored["is_one"]
    assert stored["given"] == encode_assignments((Assignment(pod.served.revision, row.since_ms),))


async def test_a_moment_that_needs_fewer_bytes_means_the_same(pod: EventPod) -> None:
    """Only a set clock can stand there; a person may try 1970."""
    for number, moment_ms in enumerate((0, 1, 127, 128, 65_536, WIDE_MS - 60_000)):
        await set_moment(pod, moment_ms)
        name = f"player-{number}"
        assert await pod.initialize(name) == 3
        row = await pod.row(name)
        assert row is not None
        assert row.assignments == (Assignment(pod.served.revision, row.since_ms),)
        assert moment_ms <= row.since_ms < moment_ms + 60_000
