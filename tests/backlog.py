"""Shares that always have more waiting than runs, and what each one gets of the places."""

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import count

from middleware.admission import (
    AdmissionCore,
    AdmissionSettings,
    Admitted,
    Arrival,
    Class,
    Outcome,
    Place,
    Share,
    Vitals,
    Waiting,
)
from middleware.admission.settings import WEIGHTS, share_of
from tests.admission import GENEROUS, MS, S

CLASS_OF = {
    Share.EVENTS: Class.EVENTS,
    Share.GAMEPLAY: Class.GAMEPLAY,
    Share.LOGINS: Class.INITIALIZE,
}
STEP_NS = 20 * MS
SECONDS = 3
HELD_NS_MAX = 20 * MS
SLOW_NS = 5 * S

Held = Callable[[random.Random], int]
HOLDS: tuple[Held, ...] = (
    lambda _: 20 * MS,
    lambda _: 2 * MS,
    lambda dice: dice.randint(1, 20 * MS),
    lambda dice: MS if dice.random() < 0.9 else 20 * MS,
    lambda dice: min(20 * MS, 1 + round(dice.expovariate(1 / (4 * MS)))),
)


class Backlog:
    """Shares that always have more waiting than runs. Counts each one's place-time by 20 ms."""

    def __init__(
        self,
        shares: tuple[Share, ...],
        limit: int,
        seed: int,
        *,
        weights: Mapping[Share, int] = WEIGHTS,
        slow: Share | None = None,
        seconds: int = SECONDS,
    ) -> None:
        patient = dict.fromkeys(Share, 1000 * S)
        settings = AdmissionSettings(limit, None, GENEROUS, weights, patient, 1000 * S)
        self._core = AdmissionCore(settings)
        self._dice = random.Random(seed)
        self._holds = {share: self._dice.choice(HOLDS) for share in Share}
        self._slow = slow
        self._ends: list[tuple[int, int, Place]] = []
        self._order = count()
        self._until_ns = seconds * S
        self.held_ns: dict[Share, list[int]] = defaultdict(lambda: [0] * (seconds * 50 + 1))
        for _ in range(3 * limit):
            for share in shares:
                self._arrive(share, 0)

    def run(self) -> None:
        while True:
            now_ns, _, place = heapq.heappop(self._ends)
            if now_ns > self._until_ns:
                self._count_unended(place)
                return
            self._count(place, now_ns)
            slow = share_of(place.cls) is self._slow
            outcome = Outcome.OVERLOAD if slow else Outcome.SUCCESS
            for granted in self._core.leave(place, outcome, now_ns).granted:
                self._start(granted, now_ns)
            self._arrive(share_of(place.cls), now_ns)

    def _arrive(self, share: Share, now_ns: int) -> None:
        arrival = Arrival(CLASS_OF[share], next(self._order), verified=True, jitter=0.5)
        decision = self._core.arrive(arrival, Vitals(), now_ns)
        assert isinstance(decision, Admitted | Waiting)
        if isinstance(decision, Admitted):
            self._start(decision.place, now_ns)

    def _start(self, place: Place, now_ns: int) -> None:
        share = share_of(place.cls)
        held_ns = SLOW_NS if share is self._slow else self._holds[share](self._dice)
        end_ns = now_ns + held_ns
        heapq.heappush(self._ends, (end_ns, next(self._order), place))

    def _count_unended(self, first: Place) -> None:
        for place in [first, *(place for _, _, place in self._ends)]:
            self._count(place, self._until_ns)

    def _count(self, place: Place, now_ns: int) -> None:
        steps, at_ns = self.held_ns[share_of(place.cls)], place.started_at_ns
        while at_ns < now_ns:
            step = at_ns // STEP_NS
            until_ns = min(now_ns, (step + 1) * STEP_NS)
            steps[step] += until_ns - at_ns
            at_ns = until_ns


def expect_fair_shares(
    shares: tuple[Share, ...], limit: int, seed: int, weights: Mapping[Share, int] = WEIGHTS
) -> None:
    """Over any second each gets its share within 5 % and one longest hold."""
    backlog = Backlog(shares, limit, seed, weights=weights)
    backlog.run()
    due_ns = _due_ns(shares, limit, weights)
    for share in shares:
        steps = backlog.held_ns[share]
        # What ran before others waited ends within the first step.
        for first in range(1, len(steps) - 51):
            off_ns = abs(sum(steps[first : first + 50]) - due_ns[share])
            assert off_ns <= due_ns[share] // 20 + HELD_NS_MAX, (share, seed, first)


def expect_fair_shares_beside_slow(slow: Share, limit: int, seconds: int) -> None:
    """In all these seconds each gets its share within 5 % and one longest hold.

    Those of one share hold a place for 5 s, and time out.
    """
    backlog = Backlog(tuple(Share), limit, 1, slow=slow, seconds=seconds)
    backlog.run()
    due_ns = _due_ns(tuple(Share), limit, WEIGHTS)
    for share in Share:
        off_ns = abs(sum(backlog.held_ns[share]) - seconds * due_ns[share])
        assert off_ns <= seconds * due_ns[share] // 20 + SLOW_NS, (slow, share)


def _due_ns(
    shares: tuple[Share, ...], limit: int, weights: Mapping[Share, int]
) -> dict[Share, int]:
    """Return the place-time that each share is due in a second.

    One place is gameplay's own, and idle without gameplay.
    """
    parts = {share: weights[share] for share in shares}
    due_ns = {share: limit * S * part // sum(parts.values()) for share, part in parts.items()}
    if limit == 1 or due_ns.get(Share.GAMEPLAY, 0) >= S:
        return due_ns
    parts.pop(Share.GAMEPLAY, None)
    rest = (limit - 1) * S
    due_ns = {share: rest * part // sum(parts.values()) for share, part in parts.items()}
    return due_ns | {Share.GAMEPLAY: S}
