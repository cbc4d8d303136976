"""The clock that all pods share, whatever their own says and however slow the database is."""

import asyncio

from app.domain.errors import TimedOut
from app.shared_clock import READ_EVERY_S, SharedClock
from tests.virtual_time import clock_ns, pass_time, virtual

MS = 1_000_000
BEGAN_MS = 1_780_000_000_000


class FarClock:
    """A database's clock, which takes `took_ms` to be read, half of it before it looks."""

    def __init__(self) -> None:
        self.took_ms = 0
        self.fails = False

    def now_ms(self) -> int:
        return BEGAN_MS + clock_ns() // MS

    async def read(self) -> int:
        if self.fails:
            raise TimedOut
        await pass_time(self.took_ms / 2e3)
        moment_ms = self.now_ms()
        await pass_time(self.took_ms / 2e3)
        return moment_ms

    async def read_after_a_queue(self) -> int:
        await pass_time(5)
        return self.now_ms()


def test_until_it_is_set_every_moment_is_in_the_future() -> None:
    clock = SharedClock(lambda: 5 * 10**18)
    assert clock.now_ms() == 0


@virtual
async def test_it_is_the_database_s_whatever_the_pod_s_own_clock_says() -> None:
    far = FarClock()
    far.took_ms = 40
    for own_ns in (0, 600_000 * MS, 10**18):
        clock = SharedClock(lambda own_ns=own_ns: clock_ns() + own_ns)  # type: ignore[misc]
        await clock.set_by(far.read)
        await pass_time(1_000)
        assert abs(clock.now_ms() - far.now_ms()) <= 1


@virtual
async def test_a_reading_that_took_long_does_not_move_it() -> None:
    far, clock = FarClock(), SharedClock(clock_ns)
    await clock.set_by(far.read)
    await clock.set_by(far.read_after_a_queue)
    assert clock.now_ms() == far.now_ms()


@virtual
async def test_the_first_reading_counts_however_long_it_took() -> None:
    far, clock = FarClock(), SharedClock(clock_ns)
    await clock.set_by(far.read_after_a_queue)
    assert abs(clock.now_ms() - far.now_ms()) <= 2_500


@virtual
async def test_it_goes_on_while_the_database_is_away_and_is_read_again_after() -> None:
    far, clock = FarClock(), SharedClock(clock_ns)
    await clock.set_by(far.read)
    keeping = asyncio.create_task(clock.keep_set(far.read))
    far.fails = True
    await pass_time(3 * READ_EVERY_S)
    assert clock.now_ms() == far.now_ms()
    far.fails = False
    clock._offset_ns += 10_000 * MS
    await pass_time(READ_EVERY_S)
    assert clock.now_ms() == far.now_ms()
    keeping.cancel()
