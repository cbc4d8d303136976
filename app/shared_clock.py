"""What time it is for all pods alike: the database's clock, carried on between two readings.

Tokens expire and tickets come due by it, so a pod whose own clock is wrong does no harm.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from app.domain.errors import Unavailable

READ_EVERY_S: Final = 60.0
READ_NS_MAX: Final = 50_000_000

log = structlog.get_logger()


class SharedClock:
    """Milliseconds since 1970. Until it is set it stands at 0, and every token is of the future."""

    def __init__(self, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._monotonic_ns = monotonic_ns
        self._offset_ns = -monotonic_ns()
        self._is_set = False

    def now_ms(self) -> int:
        """Return the moment."""
        return (self._monotonic_ns() + self._offset_ns) // 1_000_000

    def now_s(self) -> float:
        """Return the moment in seconds."""
        return self.now_ms() / 1e3

    async def set_by(self, database_ms: Callable[[], Awaitable[int]]) -> None:
        """Read the database's clock; half of the time that it takes is taken to be its age.

        A reading that took long tells less than the one before.
        """
        before_ns = self._monotonic_ns()
        moment_ms = await database_ms()
        took_ns = self._monotonic_ns() - before_ns
        if took_ns > READ_NS_MAX and self._is_set:
            return
        self._is_set = True
        self._offset_ns = moment_ms * 1_000_000 - (before_ns + took_ns // 2)

    async def keep_set(self, database_ms: Callable[[], Awaitable[int]]) -> None:
        """Read it again and again, for ever. When it cannot be read, time goes on from before."""
        while True:
            await asyncio.sleep(READ_EVERY_S)
            try:
                await self.set_by(database_ms)
            except Unavailable as failure:
                log.warning("shared_clock_not_read", cause=str(failure)[:200])
