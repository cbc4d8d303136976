"""Keeps the days under which events are remembered: made ahead of time, dropped when it is over."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import structlog

from app.background import beside
from app.domain.errors import Unavailable
from app.domain.intake import DaysKept, EventStore, days_kept

# A day is made two days ahead, so an hour without the database harms nothing.
LOOK_EVERY_S: Final = 600.0

log = structlog.get_logger()


async def make_days(store: EventStore) -> DaysKept:
    """Make what the moment needs, and return it.

    Raise `Unavailable` if that cannot be done.
    """
    days = days_kept(await store.now_ms())
    await store.make_days(days)
    return days


@asynccontextmanager
async def keeping_days(
    store: EventStore, look_every_s: float = LOOK_EVERY_S
) -> AsyncIterator[None]:
    """Make the days and drop the old ones, and go on doing so while the block runs.

    The first old ones are dropped before the block, although it could begin without that. Days are
    dropped by a moment that was read before. Where that is set back in between, its own days may go
    with the old ones, and an event that came under them counts again. Nobody can set it before the
    block, and a first look beside the block would meet whoever sets it at once. It is one statement
    more. That gives up after half a second if a day is in use, and no failure of it matters here.
    """
    days = await make_days(store)
    with _failures_logged():
        await _drop_before(store, days)
    async with beside(_keep_on(store, look_every_s)):
        yield


async def _keep_on(store: EventStore, look_every_s: float) -> None:
    while True:
        await asyncio.sleep(look_every_s)
        with _failures_logged():
            await _drop_before(store, await make_days(store))


async def _drop_before(store: EventStore, days: DaysKept) -> None:
    dropped = await store.drop_days(days.first)
    if dropped:
        log.info("event_days_dropped", days=dropped)


@contextmanager
def _failures_logged() -> Iterator[None]:
    try:
        yield
    except Unavailable as failure:
        log.warning("event_days_not_kept", cause=repr(failure.__cause__ or failure)[:200])
    except Exception:
        log.exception("event_days_not_kept")
