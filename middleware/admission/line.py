"""The waiting line: by class, then first come first served; the core's deadlines bound it."""

import heapq
from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator
from itertools import count

from middleware.admission.decision import Class, Place, Standing
from middleware.admission.settings import CLASS_TABLE

SIZE_MAX = 20_000
"""A bound on memory. The one that matters is time: who cannot be served in time never enters."""


class Line:
    """Places that wait. Whoever pushes one has checked that it may wait."""

    def __init__(self) -> None:
        self._queues: dict[Class, OrderedDict[Place, None]] = {cls: OrderedDict() for cls in Class}
        self._per_key: Counter[Hashable] = Counter()
        # Entries of places that no longer wait stay until their deadline, at most one wait budget,
        # or until nobody waits.
        self._deadlines: list[tuple[int, int, Place]] = []
        self._order = count()

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __bool__(self) -> bool:
        return bool(self._per_key)  # asked several times a request

    def __contains__(self, place: Place) -> bool:
        return place in self._queues[place.cls]

    def push(self, place: Place) -> None:
        """Put a waiting place at the end of its class."""
        assert place.standing is Standing.WAITING
        assert place not in self
        self._queues[place.cls][place] = None
        self._per_key[place.arrival.key] += 1
        heapq.heappush(self._deadlines, (place.deadline_ns, next(self._order), place))

    def remove(self, place: Place) -> None:
        """Take a place out, wherever it stands."""
        del self._queues[place.cls][place]
        key = place.arrival.key
        self._per_key[key] -= 1
        if not self._per_key[key]:
            del self._per_key[key]
        if not self._per_key:
            self._deadlines.clear()

    def waiting(self, cls: Class) -> int:
        """Return how many of this class wait."""
        return len(self._queues[cls])

    def ahead_of(self, cls: Class) -> int:
        """Return how many would be served before a newcomer of this class."""
        if not self:
            return 0
        return sum(len(self._queues[other]) for other in Class if other <= cls)

    def rated_ahead_of(self, cls: Class) -> int:
        """Return how many of those ahead of a newcomer take a token."""
        return sum(
            len(self._queues[other]) for other in Class if other <= cls and CLASS_TABLE[other].rated
        )

    def of_key(self, key: Hashable) -> int:
        """Return how many places of this client wait."""
        return self._per_key.get(key, 0)

    def heads(self) -> Iterator[Place]:
        """Yield the first place of each class that has one, most urgent class first."""
        for queue in self._queues.values():
            if queue:
                yield next(iter(queue))

    def pop_expired(self, now_ns: int) -> Place | None:
        """Take out and return one place whose deadline has passed, or None."""
        deadline_ns = self.next_deadline_ns()
        if deadline_ns is None or deadline_ns > now_ns:
            return None
        place = heapq.heappop(self._deadlines)[2]
        self.remove(place)
        return place

    def next_deadline_ns(self) -> int | None:
        """Return the earliest deadline of those who wait, or None."""
        while self._deadlines and self._deadlines[0][2].standing is not Standing.WAITING:
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None
