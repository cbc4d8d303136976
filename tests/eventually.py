"""Waiting for what nothing can be passed into to make time go by: processes, threads, a database.

What is waited for ends each loop, not the time. The time only ends a test that hangs.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE_S = 120.0
"""After which a test hangs: far more than anything takes on the busiest machine."""


def eventually(condition: Callable[[], object]) -> None:
    """Return as soon as something is so. Fails when it never is, and says what was last seen."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not (seen := condition()):
        assert time.monotonic() < deadline_s, f"it never became so: {seen!r}"
        time.sleep(0.01)  # only so as not to spin


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    """Do the same beside the tasks of the running loop."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not (seen := await condition()):
        assert time.monotonic() < deadline_s, f"it never became so: {seen!r}"
        await asyncio.sleep(0.01)  # only so as not to spin
