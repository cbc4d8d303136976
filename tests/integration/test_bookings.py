"""Processes that share a database know until when moments are promised."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.bookings import WRITE_EVERY_S, shared_bookings
from app.domain.errors import TimedOut
from db.bookings import PgBookings
from db.pool import Database
from middleware.admission import AdmissionCore, Class, Rate, Refused
from middleware.tickets import TicketClock
from tests.admission import SETTINGS, S, arrive
from tests.virtual_time import clock_ns, pass_time, virtual

RATED = replace(SETTINGS, initialize_rate=Rate.per_second(1, burst=1), wait_ns_max=0)


@pytest.fixture
async def bookings(database_url: str) -> AsyncIterator[PgBookings]:
    database = Database(database_url, size=1)
    await database.open()
    try:
        yield PgBookings(database)
    finally:
        await database.close()


async def now_ms(bookings: PgBookings) -> int:
    [row] = await bookings._database.fetch("events_now")
    return int(row["now"].timestamp() * 1_000)


async def test_the_latest_moment_of_all_processes_that_is_ahead_is_told(
    bookings: PgBookings,
) -> None:
    now = await now_ms(bookings)
    assert await bookings.latest_ms() is None
    first, second = uuid4(), uuid4()
    await bookings.book(first, now + 60_000)
    await bookings.book(second, now + 30_000)
    assert await bookings.latest_ms() == now + 60_000
    await bookings.book(first, now - 1)
    assert await bookings.latest_ms() == now + 30_000
    await bookings.book(second, now - 2)
    assert await bookings.latest_ms() is None


async def test_processes_that_are_long_gone_are_forgotten(bookings: PgBookings) -> None:
    now = await now_ms(bookings)
    gone, kept, own = uuid4(), uuid4(), uuid4()
    await bookings.book(gone, now - 25 * 3_600_000)
    await bookings.book(kept, now - 23 * 3_600_000)
    await bookings.book(own, now + 1_000)
    assert await processes(bookings) == {kept, own}


async def processes(bookings: PgBookings) -> set[UUID]:
    async with bookings._database._connection() as connection:
        return {row["process"] for row in await connection.fetch("select * from gate_booking")}


class Shelf:
    """Bookings in memory, which fail on demand."""

    def __init__(self) -> None:
        self.until_ms: dict[UUID, int] = {}
        self.fails = False
        self.writes = 0

    async def latest_ms(self) -> int | None:
        if self.fails:
            raise TimedOut
        return max(self.until_ms.values(), default=None)

    async def book(self, process: UUID, until_ms: int) -> None:
        if self.fails:
            raise TimedOut
        self.until_ms[process] = until_ms
        self.writes += 1


def clock() -> TicketClock:
    return TicketClock(clock_ns, lambda: clock_ns() // 1_000_000 + 5_000_000)


def told_s(core: AdmissionCore, key: str) -> int:
    refused = arrive(core, clock_ns(), cls=Class.INITIALIZE, key=key)
    assert isinstance(refused, Refused)
    return round(refused.retry_after_ns / S)


@virtual
async def test_a_process_that_starts_promises_moments_behind_those_of_the_others() -> None:
    shelf, old, new = Shelf(), AdmissionCore(RATED), AdmissionCore(RATED)
    async with shared_bookings(shelf, old, clock()):
        arrive(old, clock_ns(), cls=Class.INITIALIZE)
        last_s = [told_s(old, f"{number}") for number in range(30)][-1]
        assert last_s >= 30
        await pass_time(WRITE_EVERY_S + 0.1)
        async with shared_bookings(shelf, new, clock()):
            arrive(new, clock_ns(), cls=Class.INITIALIZE)
            assert told_s(new, "next") == last_s


@virtual
async def test_without_its_database_a_gate_goes_on_by_itself() -> None:
    shelf, core = Shelf(), AdmissionCore(RATED)
    shelf.fails = True
    async with shared_bookings(shelf, core, clock()):
        arrive(core, clock_ns(), cls=Class.INITIALIZE)
        assert told_s(core, "ann") <= 2
        await pass_time(3 * WRITE_EVERY_S)
        shelf.fails = False
        await pass_time(WRITE_EVERY_S)
        assert len(shelf.until_ms) == 1


@virtual
async def test_an_idle_gate_writes_nothing_and_a_busy_one_only_what_is_new() -> None:
    shelf, core = Shelf(), AdmissionCore(RATED)
    async with shared_bookings(shelf, core, clock()):
        await pass_time(10)
        assert shelf.writes == 0
        arrive(core, clock_ns(), cls=Class.INITIALIZE)
        told_s(core, "ann")
        await pass_time(10)
        assert shelf.writes == 1
