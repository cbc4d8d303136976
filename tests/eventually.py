"""Waiting for other processes and threads, which nothing can be passed into to make time go by."""

import time
from collections.abc import Callable

PATIENCE_S = 30.0


def eventually(condition: Callable[[], object]) -> None:
    """Return as soon as something is so. Fails when it never is, and says what was last seen."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not (seen := condition()):
        assert time.monotonic() < deadline_s, f"it never became so: {seen!r}"
        time.sleep(0.01)  # only so as not to spin: what is waited for ends the loop, not the time
