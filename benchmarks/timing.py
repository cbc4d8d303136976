"""What a call costs in CPU of this process, repeated until the clock does not matter.

What is compared takes turns, so that what disturbs one disturbs the other. The garbage collector
runs, as in the service.
"""

import time
from collections.abc import Callable, Sequence

# Each repeat is long enough that the clock and a stray interrupt do not matter.
REPEAT_NS_MIN = 50_000_000

Call = Callable[[], object]


def time_in_turns(
    calls: Sequence[Call], repeats: int, *, repeat_ns_min: int = REPEAT_NS_MIN
) -> list[list[float]]:
    """Return the CPU microseconds of each call, one figure for each of the `repeats`."""
    counts = [_count_for(call, repeat_ns_min) for call in calls]
    times_us: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, count, times in zip(calls, counts, times_us, strict=True):
            times.append(_time_ns(call, count) / count / 1000)
    return times_us


def _count_for(call: Call, repeat_ns_min: int) -> int:
    count = 1
    while (taken_ns := _time_ns(call, count)) < repeat_ns_min:
        count = max(count * 2, count * repeat_ns_min // max(taken_ns, 1))
    return count


def _time_ns(call: Call, count: int) -> int:
    start_ns = time.process_time_ns()
    for _ in range(count):
        call()
    return time.process_time_ns() - start_ns
