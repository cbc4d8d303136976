"""Shares that always have more waiting than runs, and what each one gets of the places."""

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
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

    def __init__(self, shares: tuple[Share, ...], limit: int, seed: int) -> None:
        patient = dict.fromkeys(Share, 100 * S)
        self._core = AdmissionCore(
            AdmissionSettings(limit, None, GENEROUS, waits_ns=patient, wait_ns_max=100 * S)
        )
        self._dice = random.Random(seed)
        self._holds = {share: self._dice.choice(HOLDS) for share in Share}
        self._ends: list[tuple[int, int, Place]] = []
        self._order = count()
        self.held_ns: dict[Share, list[int]] = defaultdict(lambda: [0] * (SECONDS * 50 + 1))
        for _ in range(3 * limit):
            for share in shares:
                self._arrive(share, 0)

    def run(self) -> None:
        while True:
            now_ns, _, place = heapq.heappop(self._ends)
            if now_ns > SECONDS * S:
                return
            self._count(place, now_ns)
            for granted in self._core.leave(place, Outcome.SUCCESS, now_ns).granted:
                self._start(granted, now_ns)
            self._arrive(share_of(place.cls), now_ns)

    def _arrive(self, share: Share, now_ns: int) -> None:
        arrival = Arrival(CLASS_OF[share], next(self._order), verified=True, jitter=0.5)
        decision = self._core.arrive(arrival, Vitals(), now_ns)
        assert isinstance(decision, Admitted | Waiting)
        if isinstance(decision, Admitted):
            self._start(decision.place, now_ns)

    def _start(self, place: Place, now_ns: int) -> None:
        end_ns = now_ns + self._holds[share_of(place.cls)](self._dice)
        heapq.heappush(self._ends, (end_ns, next(self._order), place))

    def _count(self, place: Place, now_ns: int) -> None:
        steps, at_ns = self.held_ns[share_of(place.cls)], place.started_at_ns
        while at_ns < now_ns:
            step = at_ns // STEP_NS
            until_ns = min(now_ns, (step + 1) * STEP_NS)
            steps[step] += until_ns - at_ns
            at_ns = until_ns


def expect_fair_shares(shares: tuple[Share, ...], limit: int, seed: int) -> None:
    """Over any second each gets its share within 5 % and one longest hold.

    Without gameplay one place is idle.
    """
    places = limit if Share.GAMEPLAY in shares else max(1, limit - 1)
    backlog = Backlog(shares, limit, seed)
    backlog.run()
    for share in shares:
        due_ns = places * S * WEIGHTS[share] // sum(WEIGHTS[other] for other in shares)
        steps = backlog.held_ns[share]
        for first in range(len(steps) - 51):
            off_ns = abs(sum(steps[first : first + 50]) - due_ns)
            assert off_ns <= due_ns // 20 + HELD_NS_MAX, (share, seed, first)
