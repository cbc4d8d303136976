"""A login burst against the pure core, in simulated time: no loop, no sleep, one result."""

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

from middleware.admission import (
    AdmissionCore,
    AdmissionSettings,
    Admitted,
    Arrival,
    Class,
    Outcome,
    Place,
    Refused,
    Turn,
    Vitals,
    Waiting,
)

SECOND_NS = 1_000_000_000


@dataclass
class Burst:
    """`rate` arrivals a second for `seconds`; the server does `held` a second."""

    settings: AdmissionSettings
    rate: int
    seconds: int
    held: int
    returning_share: float = 1.0
    until_s: int = 600


@dataclass
class Played:
    """What the burst's clients saw."""

    in_at_ns: dict[int, int] = field(default_factory=dict)
    attempts: Counter[int] = field(default_factory=Counter)
    waited_ns: list[int] = field(default_factory=list)
    refused_waited_ns: list[int] = field(default_factory=list)
    moments_ns: list[int] = field(default_factory=list)

    @property
    def last_in_s(self) -> float:
        """When the last client got in, in seconds."""
        return max(self.in_at_ns.values()) / SECOND_NS


class Simulation:
    """Events in time order: arrivals, ends of service, timers."""

    def __init__(self, burst: Burst, seed: int = 1) -> None:
        self._burst = burst
        self._core = AdmissionCore(burst.settings)
        self._dice = random.Random(seed)
        self._events: list[tuple[int, int, str, object]] = []
        self._order = count()
        self._clients: dict[Place, int] = {}
        self._server_free_ns = 0
        self._wake_ns: int | None = None
        self.played = Played()

    def run(self) -> Played:
        """Play the burst to its end."""
        total = self._burst.rate * self._burst.seconds
        for client in range(total):
            self._at(client * SECOND_NS // self._burst.rate, "arrive", client)
        while self._events:
            now_ns, _, kind, subject = heapq.heappop(self._events)
            if now_ns > self._burst.until_s * SECOND_NS:
                break
            getattr(self, f"_{kind}")(subject, now_ns)
        return self.played

    def _at(self, at_ns: int, kind: str, subject: object) -> None:
        heapq.heappush(self._events, (at_ns, next(self._order), kind, subject))

    def _arrive(self, client: int, now_ns: int) -> None:
        self.played.attempts[client] += 1
        arrival = Arrival(Class.INITIALIZE, client, verified=True, jitter=self._dice.random())
        decision = self._core.arrive(arrival, Vitals(), now_ns)
        if isinstance(decision, Refused):
            self._refused(client, decision, now_ns, 0)
            return
        self._clients[decision.place] = client
        if isinstance(decision, Admitted):
            self._start(decision.place, now_ns)
        elif isinstance(decision, Waiting):
            self._wake_at(decision.wake_at_ns, now_ns)

    def _start(self, place: Place, now_ns: int) -> None:
        self.played.waited_ns.append(now_ns - place.arrived_at_ns)
        self._server_free_ns = max(self._server_free_ns, now_ns) + SECOND_NS // self._burst.held
        self._at(self._server_free_ns, "end", place)

    def _end(self, place: Place, now_ns: int) -> None:
        self.played.in_at_ns[self._clients.pop(place)] = now_ns
        self._take(self._core.leave(place, Outcome.SUCCESS, now_ns), now_ns)

    def _wake_at(self, wake_at_ns: int | None, now_ns: int) -> None:
        if wake_at_ns is not None and (self._wake_ns is None or wake_at_ns < self._wake_ns):
            self._wake_ns = max(wake_at_ns, now_ns)
            self._at(self._wake_ns, "wake", self._wake_ns)

    def _wake(self, asked_ns: object, now_ns: int) -> None:
        if asked_ns != self._wake_ns:
            return
        self._wake_ns = None
        self._take(self._core.wake(now_ns), now_ns)

    def _take(self, turn: Turn, now_ns: int) -> None:
        for place in turn.granted:
            self._start(place, now_ns)
        for place, refused in turn.refused:
            waited_ns = now_ns - place.arrived_at_ns
            self._refused(self._clients.pop(place), refused, now_ns, waited_ns)
        self._wake_at(turn.wake_at_ns, now_ns)

    def _refused(self, client: int, refused: Refused, now_ns: int, waited_ns: int) -> None:
        self.played.refused_waited_ns.append(waited_ns)
        self.played.moments_ns.append(now_ns + refused.retry_after_ns)
        if self._dice.random() < self._burst.returning_share:
            # A client sleeps at least as long as it was told, and a little network lies in between.
            late_ns = self._dice.randrange(20_000_000)
            self._at(now_ns + refused.retry_after_ns + late_ns, "arrive", client)
