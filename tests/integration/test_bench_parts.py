"""The parts that measure below HTTP, in a size that shows only that they work."""

import asyncpg
import msgspec
import pytest

from benchmarks.held import Held
from benchmarks.rules import event_capacity, in_process, storage
from benchmarks.rules.event_capacity import CASES, Case
from benchmarks.rules.sizes import SHORT

SMALL = CASES[0]._replace(players=20)


@pytest.mark.parametrize("case", [SMALL, SMALL._replace(steps=10, reachable=True)])
async def test_every_event_of_a_case_is_accepted_and_kept(case: Case, database_url: str) -> None:
    held = Held(database_url)
    run = await event_capacity.run_case(case, database_url, await held.server_pid(), 0, batches=2)
    assert run.events == 1_000
    connection = await asyncpg.connect(database_url)
    # One more made the tables of the days, and is remembered twice, since it tells no time.
    assert await connection.fetchval("select count(distinct digest) from event_seen") == 1_001
    assert await connection.fetchval("select count(*) from player") == 20
    assert await connection.fetchval("select count(*) from player where stats is null") == 0
    await connection.close()


async def test_each_chapter_of_a_players_history_takes_more_room(database_url: str) -> None:
    found = await storage.play_chapters(database_url, 200)
    sizes = [found[name].total for name in (storage.INITIALIZED, storage.EVENTS)]
    assert 0 < sizes[0] < sizes[1]
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select count(*) from player where version >= 11") == 200
    await connection.close()


def test_everything_that_has_a_target_in_process_is_timed() -> None:
    size = msgspec.structs.replace(SHORT, repeats=1, repeat_ns_min=1)
    made = in_process.measure(size)
    assert len(made.targets) == 10
    assert all(target.values for target in made.targets)
