"""The waiting line: by class, then first come first served; the core's deadlines bound it."""

import heapq
from bisect import insort
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from itertools import chain
from operator import attrgetter

from middleware.admission.decision import Class, Place, Share, Standing
from middleware.admission.settings import share_of

SIZE_MAX = 20_000
"""A bound on memory. The one that matters is time: who cannot be served in time never enters."""

_by_number = attrgetter("number")
_by_deadline = attrgetter("deadline_ns")


class Line:
    """Places that wait. Whoever pushes one has checked that it may wait."""

    def __init__(self) -> None:
        self._queues: dict[Class, OrderedDict[Place, None]] = {cls: OrderedDict() for cls in Class}
        # Those that ran already and handed their place on. No more than places there are.
        self._ahead: dict[Class, list[Place]] = {cls: [] for cls in Class}
        self._per_key: Counter[Hashable] = Counter()
        self._per_share = dict.fromkeys(Share, 0)  # asked several times a request
        # Entries of places that no longer wait stay until their deadline, at most one wait budget,
        # or until nobody waits.
        self._deadlines: list[tuple[int, int, Place]] = []

    def __len__(self) -> int:
        return sum(self._per_share.values())

    def __bool__(self) -> bool:
        return bool(self._per_key)

    def push(self, place: Place) -> None:
        """Put a waiting place at the end of its class, until its deadline."""
        self._add(place)
        self._queues[place.cls][place] = None
        heapq.heappush(self._deadlines, (place.deadline_ns, place.number, place))

    def push_again(self, place: Place) -> None:
        """Put a place that ran back to where it came from: ahead of all who came later.

        No more do than there are places.
        """
        self._add(place)
        insort(self._ahead[place.cls], place, key=_by_number)

    def remove(self, place: Place) -> None:
        """Take a place out, wherever it stands."""
        if place in self._queues[place.cls]:
            del self._queues[place.cls][place]
        else:
            self._ahead[place.cls].remove(place)
        self._per_share[share_of(place.cls)] -= 1
        key = place.arrival.key
        self._per_key[key] -= 1
        if not self._per_key[key]:
            del self._per_key[key]
        if not self._per_key:
            self._deadlines.clear()

    def waiting(self, cls: Class) -> int:
        """Return how many of this class wait."""
        return len(self._queues[cls]) + len(self._ahead[cls])

    def waiting_in(self, share: Share) -> int:
        """Return how many of this share wait."""
        return self._per_share[share]

    def of_key(self, key: Hashable) -> int:
        """Return how many places of this client wait."""
        return self._per_key.get(key, 0)

    def first(self, cls: Class, may_run: Callable[[Place], bool]) -> Place | None:
        """Return the first place of this class that may run, or None.

        What is passed over keeps its position. Only places of clients at their cap are, so their
        number is bounded by the caps: about as many clients as places, and each one's share of the
        line.
        """
        return next(filter(may_run, chain(self._ahead[cls], self._queues[cls])), None)

    def pop_expired(self, now_ns: int) -> Place | None:
        """Take out and return one place whose deadline has passed, or None."""
        place = min(self._first_to_expire(), key=_by_deadline, default=None)
        if place is None or place.deadline_ns > now_ns:
            return None
        self.remove(place)
        return place

    def next_deadline_ns(self) -> int | None:
        """Return the earliest deadline of those who wait, or None."""
        return min(map(_by_deadline, self._first_to_expire()), default=None)

    def _first_to_expire(self) -> Iterator[Place]:
        """Yield who expires first of those who never ran, and all who wait again."""
        while self._deadlines:
            place = self._deadlines[0][2]
            if place in self._queues[place.cls]:
                yield place
                break
            heapq.heappop(self._deadlines)
        yield from chain.from_iterable(self._ahead.values())

    def _add(self, place: Place) -> None:
        assert place.standing is Standing.WAITING
        self._per_key[place.arrival.key] += 1
        self._per_share[share_of(place.cls)] += 1
