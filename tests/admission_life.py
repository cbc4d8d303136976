"""A long and random life of the admission core: `python -m tests.admission_life` lives a million.

Arrivals of all classes, ends of all kinds, pieces, wakes, new settings, clients that leave, a clock
that stops, jumps and steps back. At the end everybody leaves, and nothing may be left.
"""

import random
import sys

from middleware.admission import (
    AdmissionCore,
    AdmissionSettings,
    Admitted,
    Arrival,
    Class,
    Outcome,
    Place,
    Rate,
    Share,
    Turn,
    Vitals,
    Waiting,
)
from middleware.admission.decision import Standing
from tests.admission import MS, S

CLIENTS = 400
STEPS_NS = (0, 0, MS // 10, MS, MS, 5 * MS, 40 * MS)
RARE_STEPS_NS = (-3600 * S, 250 * MS, 2 * S, 70 * S, 3600 * S)
EVENTS_FULL = 1_000_000


class Life:
    """One core, and everybody who runs or waits at it."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._now_ns = 10_000 * S
        self._settings = self._some_settings()
        self.core = AdmissionCore(self._settings)
        self.places: list[Place] = []

    def live(self, events: int) -> None:
        """Let so many things happen, then let everybody leave."""
        for _ in range(events):
            self._pass_time()
            self._dice.choices((self._arrive, self._leave, self._other), (10, 9, 1))[0]()
        while self.places:
            self._leave()

    def _pass_time(self) -> None:
        steps = RARE_STEPS_NS if self._dice.random() < 0.001 else STEPS_NS
        self._now_ns += self._dice.choice(steps)

    def _arrive(self) -> None:
        arrival = Arrival(
            self._dice.choice(tuple(Class)),
            self._dice.randrange(CLIENTS),
            verified=self._dice.random() < 0.9,
            jitter=self._dice.random(),
            wait_ns_max=self._dice.choice((None, None, 0, 30 * S)),
        )
        decision = self.core.arrive(arrival, Vitals(), self._now_ns)
        if isinstance(decision, Admitted | Waiting):
            self.places.append(decision.place)

    def _leave(self) -> None:
        if self.places:
            place = self.places.pop(self._dice.randrange(len(self.places)))
            outcome = self._dice.choice(tuple(Outcome))
            self._take(self.core.leave(place, outcome, self._now_ns))
            if self._dice.random() < 0.1:
                self._take(self.core.leave(place, outcome, self._now_ns))

    def _other(self) -> None:
        running = [
            place
            for place in self.places
            if place.cls is Class.EVENTS and place.standing is Standing.RUNNING
        ]
        if running and self._dice.random() < 0.5:
            self._take(self.core.hand_on(self._dice.choice(running), self._now_ns))
        elif self._dice.random() < 0.9:
            self._take(self.core.wake(self._now_ns))
        else:
            self._take(self.core.reconfigure(self._some_settings(), self._now_ns))

    def _take(self, turn: Turn) -> None:
        for place in turn.granted:
            assert place.standing is Standing.RUNNING
        refused = {place for place, _ in turn.refused}
        if refused:
            self.places = [place for place in self.places if place not in refused]

    def _some_settings(self) -> AdmissionSettings:
        dice = self._dice
        return AdmissionSettings(
            limit=dice.choice((1, 2, 5, 20)),
            initialize_rate=dice.choice((None, Rate(2 * MS, 5), Rate(50 * MS, 1))),
            quota=Rate(5 * MS, 20),
            weights={share: dice.choice((1, 6, 1000)) for share in Share},
            slot_grace_ns=dice.choice((0, 60 * S, 3600 * S)),
            line_per_key=dice.choice((1, 10)),
        )


def expect_nothing_left(core: AdmissionCore) -> None:
    """Nobody runs or waits, and once all promises are over nobody is remembered."""
    snapshot = core.snapshot(0)
    assert snapshot.running == 0
    assert not any(snapshot.places.values())
    assert not any(snapshot.waiting.values())
    assert not core._places._of_key
    assert not core._line._per_key
    assert not core._line._deadlines
    later_ns = core._now_ns + 8_000 * S
    for turn in range(100 * CLIENTS):
        core._slots.find("nobody", later_ns + turn)
    assert len(core._slots) == 0
    assert not core._slots._looks
    assert core._slots.promised(later_ns, None) == 0
    assert core._slots.kept.of(1000) == 1000


def main() -> int:
    """Live a million events with a seed that is shown."""
    seed = random.randrange(2**32)
    sys.stdout.write(f"{EVENTS_FULL} events, seed {seed}\n")
    life = Life(seed)
    life.live(EVENTS_FULL)
    expect_nothing_left(life.core)
    sys.stdout.write(f"{life.core!r}: nothing is left\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
