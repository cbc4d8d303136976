"""Lets processes know until when moments are promised, so that one that starts goes on behind them.

Without that a roll-out in a burst promises the same moments twice: those who were refused before
come back to pods that were refilled by those who were refused since.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol
from uuid import UUID, uuid4

import structlog

from app.background import beside
from app.domain.errors import Unavailable
from middleware.admission import AdmissionCore
from middleware.tickets import TicketClock

WRITE_EVERY_S: Final = 1.0

log = structlog.get_logger()


class Bookings(Protocol):
    """Where processes note it."""

    async def latest_ms(self) -> int | None:
        """Return the latest moment that any process has promised, or None if none is ahead."""

    async def book(self, process: UUID, until_ms: int) -> None:
        """Note until when a process has promised moments."""


@asynccontextmanager
async def shared_bookings(
    bookings: Bookings, core: AdmissionCore | None, clock: TicketClock
) -> AsyncIterator[None]:
    """Let the core begin behind all others, and note its own bookings while the block runs.

    When they cannot be read or written the core goes on by itself: some moments are then promised
    twice.
    """
    if core is None:
        yield
        return
    await _resume(bookings, core, clock)
    async with beside(_keep_noting(bookings, core, clock)):
        yield


async def _resume(bookings: Bookings, core: AdmissionCore, clock: TicketClock) -> None:
    try:
        latest_ms = await bookings.latest_ms()
    except Unavailable as failure:
        log.warning("bookings_not_read", cause=repr(failure.__cause__ or failure)[:200])
        return
    if latest_ms is not None:
        core.resume(clock.moment_ns_of(latest_ms), clock.now_ns())
        log.info("bookings_resumed", ahead_s=round((latest_ms - clock.now_ms()) / 1e3, 1))


async def _keep_noting(bookings: Bookings, core: AdmissionCore, clock: TicketClock) -> None:
    process, noted_ns = uuid4(), 0
    while True:
        await asyncio.sleep(WRITE_EVERY_S)
        booked_ns = core.snapshot(clock.now_ns()).booked_until_ns
        if booked_ns in {0, noted_ns}:
            continue
        try:
            await bookings.book(process, clock.shared_ms_of(booked_ns))
        except Unavailable as failure:
            log.warning("bookings_not_written", cause=repr(failure.__cause__ or failure)[:200])
        else:
            noted_ns = booked_ns
