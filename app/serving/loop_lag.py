"""How late the event loop runs its timers, readable at any moment."""

import asyncio
import time
from collections.abc import Callable

PERIOD_S = 0.02


class LoopLag:
    """A timer that measures itself.

    While the loop is blocked the timer cannot fire, so a reading also counts how long it is
    overdue.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock_ns = clock_ns
        self._due_ns = 0
        self._lag_ns = 0
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to measure on the running loop."""
        self._due_ns = self._clock_ns() + int(PERIOD_S * 1e9)
        self._handle = asyncio.get_running_loop().call_later(PERIOD_S, self._tick)

    def stop(self) -> None:
        """Stop measuring."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def read_ns(self) -> int:
        """Return the lag now, in nanoseconds."""
        if self._handle is None:
            return 0
        return max(self._lag_ns, self._clock_ns() - self._due_ns, 0)

    def _tick(self) -> None:
        self._lag_ns = max(0, self._clock_ns() - self._due_ns)
        self.start()
