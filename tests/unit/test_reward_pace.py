"""How many calls may run and begin, in virtual time."""

import asyncio

from app.rewards.pace import Pace
from tests.virtual_time import virtual


async def begun(pace: Pace, tries: int) -> int:
    return sum([await pace.try_begin() for _ in range(tries)])


@virtual
async def test_no_more_calls_run_than_there_are_places() -> None:
    pace = Pace(concurrency=3, rate_per_s=100)
    assert await begun(pace, 5) == 3
    pace.end()
    assert await begun(pace, 5) == 1


@virtual
async def test_no_more_calls_begin_in_a_second_than_the_rate() -> None:
    pace = Pace(concurrency=100, rate_per_s=7)
    assert await begun(pace, 20) == 7
    await asyncio.sleep(1)  # of the virtual clock: no time passes
    assert await begun(pace, 20) == 7


@virtual
async def test_over_a_minute_the_rate_holds_for_those_who_wait() -> None:
    # An eighth of a second is exact in binary: virtual time does not go on by rounding errors.
    pace = Pace(concurrency=5, rate_per_s=8)
    loop = asyncio.get_running_loop()
    started_s = loop.time()

    async def call() -> None:
        await pace.begin()
        pace.end()

    await asyncio.gather(*(call() for _ in range(488)))
    assert loop.time() - started_s == 60


@virtual
async def test_a_place_that_was_not_used_costs_no_rate() -> None:
    pace = Pace(concurrency=2, rate_per_s=1)
    for _ in range(50):
        assert await pace.try_begin()
        pace.cancel()
    await pace.begin()
    assert not await pace.try_begin()


@virtual
async def test_who_waits_for_the_rate_comes_before_who_only_tries() -> None:
    pace = Pace(concurrency=10, rate_per_s=1)
    await pace.begin()
    waiting = asyncio.create_task(pace.begin())
    for _ in range(99):
        await asyncio.sleep(0.0101)
        assert not await pace.try_begin() or waiting.done()
    await waiting


@virtual
async def test_who_waits_for_a_place_comes_before_who_only_tries() -> None:
    pace = Pace(concurrency=1, rate_per_s=100)
    await pace.begin()
    waiting = asyncio.create_task(pace.begin())
    await asyncio.sleep(0)
    pace.end()
    assert not await pace.try_begin()
    await waiting


@virtual
async def test_who_stops_waiting_takes_nothing_along() -> None:
    pace = Pace(concurrency=1, rate_per_s=1)
    await pace.begin()
    pace.end()
    waiting = asyncio.create_task(pace.begin())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.sleep(1)  # of the virtual clock: no time passes
    assert await pace.try_begin()
