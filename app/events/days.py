"""Keeps the days under which events are remembered: made ahead of time, dropped when it is over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog

from app.domain.intake import EventStore, days_kept
from app.errors import Problem

# A day is made two days ahead, so an hour without the database harms nothing.
LOOK_EVERY_S: Final = 600.0

log = structlog.get_logger()


async def make_days(store: EventStore) -> None:
    """Make what the moment needs. Raise Problem(database_unavailable) if that cannot be done."""
    await store.make_days(days_kept(await store.now_ms()))


@asynccontextmanager
async def keeping_days(
    store: EventStore, look_every_s: float = LOOK_EVERY_S
) -> AsyncIterator[None]:
    """Make the days and drop the old ones, and go on doing so while the block runs."""
    await make_days(store)
    # Before anybody can set the clock: days are dropped by the moment that they were listed at.
    await _look(store)
    task = asyncio.create_task(_keep_on(store, look_every_s))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_on(store: EventStore, look_every_s: float) -> None:
    while True:
        await asyncio.sleep(look_every_s)
        await _look(store)


async def _look(store: EventStore) -> None:
    try:
        days = days_kept(await store.now_ms())
        await store.make_days(days)
        dropped = await store.drop_days(days.first)
        if dropped:
            log.info("event_days_dropped", days=dropped)
    except Problem as problem:
        log.warning("event_days_not_kept", cause=repr(problem.__cause__)[:200])
    except Exception:
        log.exception("event_days_not_kept")
