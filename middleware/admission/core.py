"""The state machine that decides who runs, who waits, and who is told when to come back.

    arrive ──► Refused                                 nothing is kept but, perhaps, a slot
       │
       ├─────► Admitted ─────────────────► leave       a place is taken, then given back
       │                      ▲
       └─────► Waiting ── granted by leave, wake or reconfigure
                  └────── refused by wake (its deadline passed), or leave (the client left)

Two rules keep it right. A newcomer never passes somebody of its own class or a more urgent one: it
joins the line, and the line hands places on directly. And whatever ends a place goes through
`leave`, wherever the place stands, so that finishing, leaving early and being cancelled in the
very tick of its turn are one path.

No clock, no dice, no I/O, no await: the same inputs give the same outputs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from middleware.admission.bucket import Bucket
from middleware.admission.decision import (
    Admitted,
    Arrival,
    Class,
    Decision,
    Outcome,
    Place,
    Reason,
    Refused,
    Standing,
    Turn,
    Vitals,
    Waiting,
)
from middleware.admission.line import SIZE_MAX, Line
from middleware.admission.quota import Quotas
from middleware.admission.settings import (
    CLASS_TABLE,
    CONTROL_RATE,
    MILLISECOND_NS,
    AdmissionSettings,
)
from middleware.admission.slots import Slots

SERVICE_NS_PRIOR = 20 * MILLISECOND_NS
"""What a place is taken to last before the first one has ended."""

SAMPLE_SHIFT = 4
"""The service time is an exponential average in which each sample weighs 1/16."""

WAIT_SHARE = (19, 20)
"""Whoever expects to need more than this share of its budget does not wait: the expectation is an
average, and to be refused after waiting is the slowest way to be refused."""

SLOT_PACE = (50, 49)
"""Slots are 2 % further apart than the drain, so that returners never build a line of their own."""

UNSLOTTED_NS = (200 * MILLISECOND_NS, 800 * MILLISECOND_NS)
"""Classes without slots return after the first, plus a random part of the second: within 1 s."""

NOBODY = Turn((), (), None)
"""What follows where nobody waits, which is nearly always."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The core at a glance."""

    limit: int
    running: int
    waiting: dict[Class, int]
    promised: int
    drain_interval_ns: int


class AdmissionCore:
    """Admission for one process. Not thread-safe; it has no need to be."""

    def __init__(self, settings: AdmissionSettings) -> None:
        self._settings = settings
        self._bucket = Bucket(settings.initialize_rate) if settings.initialize_rate else None
        self._control = Bucket(CONTROL_RATE)
        self._quotas = Quotas(settings.quota)
        self._slots = Slots(settings.slot_horizon_ns)
        self._line = Line()
        self._running = 0
        self._service_ns = SERVICE_NS_PRIOR

    # ── the four verbs ────────────────────

    def arrive(self, arrival: Arrival, vitals: Vitals, now_ns: int) -> Decision:
        """Decide about a newcomer: it runs, it waits, or it is told when to come back."""
        if arrival.cls is Class.CONTROL:
            return self._arrive_control(arrival, now_ns)
        cls = arrival.cls
        one_client = CLASS_TABLE[cls].one_client
        if one_client:
            quota_wait_ns = self._quotas.wait_ns(arrival.key, now_ns)
            if quota_wait_ns:
                return Refused(cls, Reason.OVER_QUOTA, quota_wait_ns)
        if cls is Class.INITIALIZE:
            slot = self._slots.find(arrival.key, now_ns)
            if slot is not None and now_ns < slot.at_ns:
                return Refused(cls, Reason.SLOT_EARLY, slot.at_ns - now_ns, reserved=True)
            if slot is not None:
                cls = Class.RETURNING
        place = self._place(arrival, cls, now_ns)
        if self._can_run(place, now_ns):
            return Admitted(self._start(place, now_ns))
        if one_client and self._line.of_key(arrival.key) >= self._settings.line_per_key:
            return Refused(cls, Reason.LINE_PER_KEY, self._unslotted_ns(arrival))
        if not self._may_wait(place, vitals, now_ns):
            return self._refuse(place, Reason.LINE_FULL, now_ns)
        self._line.push(place)
        wake_at_ns = self._wake_at_ns(now_ns)
        assert wake_at_ns is not None, "somebody waits"
        return Waiting(place, wake_at_ns)

    def leave(self, place: Place, outcome: Outcome, now_ns: int) -> Turn:
        """End a place, wherever it stands, and hand on what it held. Twice is once."""
        if place.standing is Standing.GONE:
            return NOBODY
        if place.standing is Standing.WAITING:
            self._line.remove(place)
        elif place.standing is Standing.RUNNING and place.cls is not Class.CONTROL:
            self._running -= 1
            self._learn(now_ns - place.started_at_ns, outcome)
        place.standing = Standing.GONE
        return self.wake(now_ns)

    def wake(self, now_ns: int) -> Turn:
        """Refuse whoever's deadline has passed, then give every free place to whoever is next."""
        if not self._line:
            return NOBODY
        refused = tuple(self._expire(now_ns))
        granted = tuple(self._grant(now_ns))
        return Turn(granted, refused, self._wake_at_ns(now_ns))

    def reconfigure(self, settings: AdmissionSettings, now_ns: int) -> Turn:
        """Change what the operator pins. Who runs goes on; promises already made are kept."""
        self._settings = settings
        self._quotas.reconfigure(settings.quota)
        self._slots.reconfigure(settings.slot_horizon_ns)
        if settings.initialize_rate is None:
            self._bucket = None
        elif self._bucket is None:
            self._bucket = Bucket(settings.initialize_rate)
        else:
            self._bucket.rate = settings.initialize_rate
        return self.wake(now_ns)

    # ── what an operator sees ────────────────────

    def snapshot(self, now_ns: int) -> Snapshot:
        """Return what the gate holds now. `promised` counts the moments that are still ahead."""
        return Snapshot(
            limit=self._settings.limit,
            running=self._running,
            waiting={cls: self._line.waiting(cls) for cls in Class},
            promised=self._slots.promised(now_ns, None),
            drain_interval_ns=self._drain_interval_ns(),
        )

    def __repr__(self) -> str:
        return (
            f"<AdmissionCore {self._running}/{self._settings.limit} running, "
            f"{len(self._line)} waiting, {len(self._slots)} slots>"
        )

    # ── deciding ────────────────────

    def _arrive_control(self, arrival: Arrival, now_ns: int) -> Decision:
        wait_ns = self._control.wait_ns(now_ns)
        if wait_ns:
            return Refused(Class.CONTROL, Reason.OVER_QUOTA, wait_ns)
        self._control.take(now_ns)
        place = self._place(arrival, Class.CONTROL, now_ns)
        place.standing = Standing.RUNNING
        return Admitted(place)

    def _place(self, arrival: Arrival, cls: Class, now_ns: int) -> Place:
        wait_ns = arrival.wait_ns_max
        if wait_ns is None:
            wait_ns = CLASS_TABLE[cls].wait_ns
        wait_ns = min(wait_ns, self._settings.wait_ns_max)
        return Place(arrival, cls, now_ns, now_ns + wait_ns)

    def _can_run(self, place: Place, now_ns: int) -> bool:
        return (
            self._running < self._settings.limit
            and not self._line.ahead_of(place.cls)
            and not self._token_wait_ns(place.cls, now_ns)
        )

    def _may_wait(self, place: Place, vitals: Vitals, now_ns: int) -> bool:
        budget_ns = place.deadline_ns - now_ns
        if budget_ns <= 0 or len(self._line) >= SIZE_MAX:
            return False
        promised = 0
        if place.cls is Class.INITIALIZE and self._line.waiting(Class.INITIALIZE):
            # Those who were promised a moment within the budget will go first, if they come. The
            # first in the line may wait all the same: if they do not come, no place is lost.
            promised = self._slots.promised(now_ns, place.deadline_ns)
        wait_ns = self._expected_wait_ns(place.cls, promised, now_ns) + vitals.loop_lag_ns
        return wait_ns * WAIT_SHARE[1] <= budget_ns * WAIT_SHARE[0]

    def _expected_wait_ns(self, cls: Class, promised: int, now_ns: int) -> int:
        """Return how long a newcomer should wait behind the line and so many promised ones.

        Little's law: with every place taken, one ends every `service time / limit`. Only those of
        rated classes need tokens.
        """
        free = max(0, self._settings.limit - self._running)
        completions = max(0, self._line.ahead_of(cls) + promised + 1 - free)
        wait_ns = completions * (self._service_ns // self._settings.limit)
        tokens = self._line.rated_ahead_of(cls) + promised + 1
        return max(wait_ns, self._token_wait_ns(cls, now_ns, tokens))

    def _learn(self, sample_ns: int, outcome: Outcome) -> None:
        """Average a service time in. A failure that was quick is no sign of speed."""
        if outcome is Outcome.OVERLOAD:
            sample_ns = max(sample_ns, self._service_ns)
        if outcome is not Outcome.IGNORE:
            self._service_ns += (sample_ns - self._service_ns) >> SAMPLE_SHIFT

    def _token_wait_ns(self, cls: Class, now_ns: int, tokens: int = 1) -> int:
        if self._bucket is None or not CLASS_TABLE[cls].rated:
            return 0
        return self._bucket.wait_ns(now_ns, tokens)

    def _drain_interval_ns(self) -> int:
        by_limit_ns = max(1, self._service_ns // self._settings.limit)
        return max(by_limit_ns, self._bucket.rate.interval_ns) if self._bucket else by_limit_ns

    def _refuse(self, place: Place, reason: Reason, now_ns: int) -> Refused:
        arrival = place.arrival
        if not CLASS_TABLE[place.cls].rated:
            return Refused(place.cls, reason, self._unslotted_ns(arrival))
        again = place.cls is Class.RETURNING
        behind = Class.RETURNING if again else Class.INITIALIZE
        behind_ns = self._expected_wait_ns(behind, 0, now_ns)
        interval_ns = self._drain_interval_ns() * SLOT_PACE[0] // SLOT_PACE[1] + 1
        if not arrival.verified:
            span_ns = self._slots.next_in_ns(now_ns, behind_ns, interval_ns, again=again)
            return Refused(place.cls, reason, self._slots.spread_ns(span_ns, arrival.jitter))
        slot = self._slots.reserve(arrival.key, now_ns, behind_ns, interval_ns, again=again)
        if slot is None:
            return Refused(place.cls, reason, self._slots.spread_ns(None, arrival.jitter))
        return Refused(place.cls, reason, slot.at_ns - now_ns, reserved=True)

    @staticmethod
    def _unslotted_ns(arrival: Arrival) -> int:
        base_ns, spread_ns = UNSLOTTED_NS
        return base_ns + int(arrival.jitter * spread_ns)

    # ── handing on ────────────────────

    def _start(self, place: Place, now_ns: int) -> Place:
        assert self._running < self._settings.limit
        self._running += 1
        if CLASS_TABLE[place.cls].one_client:
            self._quotas.take(place.arrival.key, now_ns)
        if self._bucket is not None and CLASS_TABLE[place.cls].rated:
            self._bucket.take(now_ns)
        place.standing = Standing.RUNNING
        place.started_at_ns = now_ns
        return place

    def _grant(self, now_ns: int) -> Iterator[Place]:
        while self._running < self._settings.limit:
            for place in self._line.heads():
                if not self._token_wait_ns(place.cls, now_ns):
                    break
            else:
                return
            self._line.remove(place)
            yield self._start(place, now_ns)

    def _expire(self, now_ns: int) -> Iterator[tuple[Place, Refused]]:
        while (place := self._line.pop_expired(now_ns)) is not None:
            place.standing = Standing.GONE
            yield place, self._refuse(place, Reason.WAIT_EXPIRED, now_ns)

    def _wake_at_ns(self, now_ns: int) -> int | None:
        wake_at_ns = self._line.next_deadline_ns()
        if wake_at_ns is None or self._running >= self._settings.limit:
            return wake_at_ns
        rated = self._line.waiting(Class.RETURNING) + self._line.waiting(Class.INITIALIZE)
        if not rated:
            return wake_at_ns
        assert self._bucket is not None, "nobody waits beside a free place but for a token"
        return min(wake_at_ns, now_ns + self._bucket.wait_ns(now_ns))
