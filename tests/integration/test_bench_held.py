"""Held capacity: one moment for each player, whatever the service's own statements look like."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from benchmarks.held import Held, as_ordinary_role
from db.players import PgPlayers
from db.pool import Database

FAST_PER_S = 2000
SLOW_PER_S = 50
POLL_S = 0.01
FAR_MOMENT = """
select setval('held.moment', (extract(epoch from clock_timestamp()) * 1000000)::bigint + 60000000)
"""


@pytest.fixture
async def held(database_url: str) -> Held:
    made = Held(database_url)
    await made.prepare()
    return made


@pytest.fixture
async def players(
    held: Held,
    database_url: str,
) -> AsyncIterator[PgPlayers]:
    database = Database(as_ordinary_role(database_url), size=4)
    await database.open()
    yield PgPlayers(database)
    await database.close()


async def initialize(players: PgPlayers, *names: str) -> None:
    """Do to the database what initialize does."""
    await players.begin_many(names, 1)


async def taken_by(held: Held, players: PgPlayers, *names: str) -> int:
    before = (await held.count()).taken
    await initialize(players, *names)
    return (await held.count()).taken - before


async def test_a_first_and_a_returning_initialize_take_one_moment_each(
    held: Held, players: PgPlayers
) -> None:
    await held.hold(FAST_PER_S)
    assert await taken_by(held, players, "a") == 1
    assert await taken_by(held, players, "a") == 1


async def test_a_batch_takes_one_moment_for_each_player(held: Held, players: PgPlayers) -> None:
    await held.hold(FAST_PER_S)
    assert await taken_by(held, players, "a", "b", "c") == 3
    assert await taken_by(held, players, "b", "c", "d", "e") == 4


async def test_other_players_rows_cost_nothing(held: Held, players: PgPlayers) -> None:
    await held.hold(FAST_PER_S)
    await initialize(players, *(f"player-{number}" for number in range(500)))
    assert await taken_by(held, players, "player-7") == 1


async def test_moments_are_never_closer_than_the_rate_but_for_the_lag(
    held: Held, players: PgPlayers
) -> None:
    await held.hold(SLOW_PER_S)
    started_s = time.monotonic()
    await asyncio.gather(*(initialize(players, f"player-{number}") for number in range(12)))
    # The first moments may lie in the lag that is allowed: one of these twelve at this rate.
    assert time.monotonic() - started_s >= 10 / SLOW_PER_S


async def test_a_cancelled_statement_gives_the_lock_on(
    held: Held, players: PgPlayers, database_url: str
) -> None:
    await held.hold(FAST_PER_S)
    await initialize(players, "a")
    owner = await asyncpg.connect(database_url)
    await owner.execute(FAR_MOMENT)
    sleeping = asyncio.create_task(initialize(players, "a"))
    await locks_held(owner, 1)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    await locks_held(owner, 0)
    await owner.close()


async def locks_held(owner: asyncpg.Connection, count: int) -> None:
    """Wait until so many advisory locks are held."""
    sql = "select count(*) from pg_locks where locktype = 'advisory' and granted"
    while await owner.fetchval(sql) != count:  # noqa: ASYNC110 - another process has no event
        await asyncio.sleep(POLL_S)


async def test_what_is_released_is_held_no_more(held: Held, players: PgPlayers) -> None:
    await held.hold(FAST_PER_S)
    await held.release()
    await initialize(players, "a", "b")
    counts = await held.count()
    assert (counts.rows, counts.taken) == (2, 0)


async def test_emptying_forgets_players_and_moments(held: Held, players: PgPlayers) -> None:
    await held.hold(FAST_PER_S)
    await initialize(players, "a", "b")
    await held.empty()
    counts = await held.count()
    assert (counts.rows, counts.taken) == (0, 0)
