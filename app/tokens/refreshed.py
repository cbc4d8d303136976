"""A value that is fetched again and again, and kept while its source is away.

fetch ─► read, off the loop ─► value      every `interval_s`, and sooner when somebody asks
  └───────────────────────────► failure: the last good value goes on, for a day
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from app.background import beside
from app.tokens.fetching import Fetch, FetchFailed

APART_S_MIN: Final = 30.0
"""Between two fetches, whatever is asked for: nobody can drive us to flood the source."""

KEEP_S_MAX: Final = 24 * 3600.0
CAUSE_LENGTH_MAX: Final = 500

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True)
class Refresh(Generic[T]):
    """What is fetched, what makes a value of it, how often, and the log's event when it fails.

    `read` raises a `ValueError` for what is no such value; it runs in a thread.
    """

    failed: str
    fetch: Fetch
    read: Callable[[bytes], T]
    interval_s: float


class Refreshed(Generic[T]):
    """The newest good value of a source; None before the first, and when it is too old.

    `on_value` hears of the value before, if there was one, and of the new one.
    """

    def __init__(
        self, refresh: Refresh[T], on_value: Callable[[T | None, T], None] = lambda _, __: None
    ) -> None:
        self._refresh = refresh
        self._on_value = on_value
        self._value: T | None = None
        self._fetched_s = 0.0
        self._is_good = False
        self._asked = asyncio.Event()

    @property
    def value(self) -> T | None:
        """The value, if it was good within the last 24 hours."""
        age_s = asyncio.get_running_loop().time() - self._fetched_s
        return self._value if age_s <= KEEP_S_MAX else None

    def ask(self) -> None:
        """Fetch it as soon as that may be: something is missing in it."""
        self._asked.set()

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Fetch once, and then again and again while the block runs."""
        await self.fetch()
        async with beside(self._keep_fresh()):
            yield

    async def _keep_fresh(self) -> None:
        while True:
            self._asked.clear()
            await asyncio.sleep(APART_S_MIN)
            # After a failure it is fetched as soon as that may be.
            if self._is_good:
                await _set_within(self._refresh.interval_s - APART_S_MIN, self._asked)
            await self.fetch()

    async def fetch(self) -> None:
        """Fetch once. A failure is one line in the log."""
        try:
            content = await self._refresh.fetch()
            value = await asyncio.to_thread(self._refresh.read, content)
        except (FetchFailed, ValueError) as failure:
            self._is_good = False
            cause = str(failure)[:CAUSE_LENGTH_MAX]
            log.warning(self._refresh.failed, cause=cause, has_last=self._value is not None)
            return
        except Exception:
            # A bug must not end the refreshing: what is at hand would grow old unnoticed.
            self._is_good = False
            log.exception(self._refresh.failed)
            return
        self._is_good = True
        self._fetched_s = asyncio.get_running_loop().time()
        before, self._value = self._value, value
        self._on_value(before, value)


async def _set_within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
