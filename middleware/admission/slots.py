"""A refused client's own moment to return: handed out by a second clock, remembered by key.

The clock runs on refusals, one drain interval for each, as a virtual queue of those who are
outside (the idea of a ticket machine; compare the virtual scheduling form of GCRA, ITU-T I.371).
Two such clocks run: one for those who are refused for the first time, one for those who came back
in time and were refused again, so that these keep their seniority instead of starting over at the
far end.
"""

import heapq
from bisect import bisect_right
from collections.abc import Hashable
from typing import NamedTuple

from middleware.admission.settings import SECOND_NS

KEYS_MAX = 200_000
WINDOW_NS_MIN = 2 * SECOND_NS
WINDOW_SHARE = 10
"""A slot is due for 2 s, or for a tenth of the time its owner was told to wait."""


class Slot(NamedTuple):
    """From `at_ns` on its owner is expected, until `until_ns`."""

    at_ns: int
    until_ns: int


class _Clock:
    """Moments of one kind, strictly rising. Those that have passed are forgotten."""

    def __init__(self) -> None:
        self._moments: list[int] = []
        self._head = 0
        self._last_ns = 0

    def next_ns(self, earliest_ns: int, interval_ns: int) -> int:
        return max(self._last_ns, earliest_ns) + interval_ns

    def book(self, at_ns: int) -> None:
        assert at_ns > self._last_ns
        self._moments.append(at_ns)
        self._last_ns = at_ns

    def forget_until(self, now_ns: int) -> None:
        self._head = bisect_right(self._moments, now_ns, self._head)
        if self._head > len(self._moments) // 2:
            del self._moments[: self._head]
            self._head = 0

    def count(self, until_ns: int | None) -> int:
        end = len(self._moments)
        if until_ns is not None:
            end = bisect_right(self._moments, until_ns, self._head)
        return end - self._head


class Slots:
    """Who was told when. Bounded: expired slots are dropped first, a promise is never evicted."""

    def __init__(self, horizon_ns: int, keys_max: int = KEYS_MAX) -> None:
        self._horizon_ns = horizon_ns
        self._keys_max = keys_max
        self._slots: dict[Hashable, Slot] = {}
        self._ends: list[tuple[int, int, Hashable]] = []
        self._booked = 0
        self._first_time = _Clock()
        self._again = _Clock()

    def __len__(self) -> int:
        return len(self._slots)

    def find(self, key: Hashable, now_ns: int) -> Slot | None:
        """Return this client's slot, if it has one that is not over."""
        slot = self._slots.get(key)
        return slot if slot is not None and slot.until_ns >= now_ns else None

    def reserve(
        self, key: Hashable, now_ns: int, behind_ns: int, interval_ns: int, *, again: bool
    ) -> Slot | None:
        """Book the next moment behind the line, or return None: beyond the horizon, or full."""
        clock = self._again if again else self._first_time
        at_ns = clock.next_ns(now_ns + behind_ns, interval_ns)
        if at_ns - now_ns > self._horizon_ns or not self._has_room(key, now_ns):
            return None
        clock.forget_until(now_ns)
        clock.book(at_ns)
        slot = Slot(at_ns, at_ns + max(WINDOW_NS_MIN, (at_ns - now_ns) // WINDOW_SHARE))
        self._slots[key] = slot
        self._booked += 1
        heapq.heappush(self._ends, (slot.until_ns, self._booked, key))
        return slot

    def promised(self, now_ns: int, until_ns: int | None) -> int:
        """Return how many slots begin after now, and not after `until_ns` if that is given."""
        clocks = (self._first_time, self._again)
        for clock in clocks:
            clock.forget_until(now_ns)
        return sum(clock.count(until_ns) for clock in clocks)

    def next_in_ns(self, now_ns: int, behind_ns: int, interval_ns: int, *, again: bool) -> int:
        """Return how far away the next moment is, without booking it."""
        clock = self._again if again else self._first_time
        return clock.next_ns(now_ns + behind_ns, interval_ns) - now_ns

    def spread_ns(self, span_ns: int | None, jitter: float) -> int:
        """Return a moment for a client that gets no slot: after `span_ns`, at most at the horizon.

        None means the horizon. The moment is spread over a tenth of the span, and over a second
        at least.
        """
        base_ns = self._horizon_ns if span_ns is None else min(span_ns, self._horizon_ns)
        return base_ns + int(jitter * max(SECOND_NS, base_ns // 10))

    def reconfigure(self, horizon_ns: int) -> None:
        """Change the horizon for slots still to be given."""
        self._horizon_ns = horizon_ns

    def _has_room(self, key: Hashable, now_ns: int) -> bool:
        # Two per call: the table shrinks at least as fast as it can grow, at a bounded cost.
        for _ in range(2):
            if not self._ends or self._ends[0][0] >= now_ns:
                break
            until_ns, _, expired = heapq.heappop(self._ends)
            # A client that was given a later slot since then keeps that one.
            if expired in self._slots and self._slots[expired].until_ns == until_ns:
                del self._slots[expired]
        return key in self._slots or len(self._slots) < self._keys_max
