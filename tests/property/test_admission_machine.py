"""The core against a slow, obvious account of what it owes, in every order of events."""

from collections import Counter
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from middleware.admission import (
    AdmissionCore,
    AdmissionReason,
    AdmissionSettings,
    Admitted,
    Arrival,
    Class,
    Outcome,
    Place,
    Rate,
    Refused,
    Share,
    Turn,
    Vitals,
    Waiting,
)
from middleware.admission.decision import Standing
from middleware.admission.settings import CLASS_TABLE, share_of

MS = 1_000_000
QUOTA = Rate(interval_ns=20 * MS, burst=6)
BUCKET = Rate(interval_ns=30 * MS, burst=2)
CLIENTS = 5
LINE_PER_KEY = 2
LIMITS = st.sampled_from([1, 2, 3, 4, 9])
HORIZON_NS = 5_000 * MS

WAITED = (Class.EVENTS, Class.GAMEPLAY, Class.INITIALIZE)


class AdmissionMachine(RuleBasedStateMachine):
    """Arrivals, endings and the passing of time, in any order.

    The account: who runs and who waits, in the order in which they joined; when each token and each
    quota was taken; every moment that was promised.
    """

    places = Bundle("places")

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = 1_000_000 * MS
        self.run: list[Place] = []
        # In the order of their arrival; those that handed on stand where they came from.
        self.line: list[Place] = []
        self.begun: set[Place] = set()
        self.tokens_ns: list[int] = []
        self.quota_ns: dict[object, list[int]] = {}
        self.promises: dict[object, int] = {}
        self.moments: set[int] = set()
        self.limit_was_cut = False

    @initialize(limit=LIMITS, rated=st.booleans(), grace_ms=st.sampled_from([0, 3_000]))
    def start(self, limit: int, rated: bool, grace_ms: int) -> None:
        self.settings = AdmissionSettings(
            limit=limit,
            initialize_rate=BUCKET if rated else None,
            quota=QUOTA,
            slot_horizon_ns=HORIZON_NS,
            slot_grace_ns=grace_ms * MS,
            line_per_key=LINE_PER_KEY,
        )
        self.core = AdmissionCore(self.settings)

    # ── what happens ────────────────────

    @rule(
        target=places,
        cls=st.sampled_from(WAITED),
        client=st.integers(0, CLIENTS - 1),
        verified=st.booleans(),
        jitter=st.floats(0, 1, exclude_max=True),
        lag_ms=st.sampled_from([0, 0, 0, 100, 3000]),
    )
    def arrive(self, cls: Class, client: int, verified: bool, jitter: float, lag_ms: int) -> object:
        arrival = Arrival(cls, client, verified, jitter)
        promised_ns = self.promises.get(client)
        decision = self.core.arrive(arrival, Vitals(lag_ms * MS), self.now_ns)
        if isinstance(decision, Refused):
            self.check_refusal(arrival, decision, promised_ns)
            return multiple()
        if isinstance(decision, Admitted):
            self.started(decision.place)
            self.check_nobody_was_passed(decision.place)
            return decision.place
        assert isinstance(decision, Waiting)
        assert decision.wake_at_ns <= decision.place.deadline_ns
        same = [place for place in self.line if place.arrival.key == client]
        assert len(same) < LINE_PER_KEY or not CLASS_TABLE[decision.place.cls].one_client
        self.line.append(decision.place)
        return decision.place

    @rule(place=places)
    def hand_on(self, place: Place) -> None:
        if place.standing is not Standing.RUNNING or place.cls is not Class.EVENTS:
            return
        self.run.remove(place)
        self.line.append(place)
        self.line.sort(key=lambda waiting: waiting.number)
        self.begun.add(place)
        self.took(self.core.hand_on(place, self.now_ns))

    @rule(place=consumes(places), outcome=st.sampled_from(Outcome))
    def leave(self, place: Place, outcome: Outcome) -> None:
        for standing in (self.run, self.line):
            if place in standing:
                standing.remove(place)
        self.took(self.core.leave(place, outcome, self.now_ns))
        again = self.core.leave(place, outcome, self.now_ns)
        assert not again.granted, "a place was given back twice"

    @rule(ms=st.sampled_from([1, 7, 30, 151, 700, 2001]))
    def time_passes(self, ms: int) -> None:
        """Time moves as a shell moves it: `wake` is called no later than the core asked."""
        until_ns = self.now_ns + ms * MS
        while True:
            turn = self.core.wake(self.now_ns)
            self.took(turn)
            if turn.wake_at_ns is None or turn.wake_at_ns > until_ns:
                break
            assert turn.wake_at_ns > self.now_ns, "the core asked to be woken at once, again"
            self.now_ns = turn.wake_at_ns
        self.now_ns = until_ns
        self.took(self.core.wake(self.now_ns))

    @rule(limit=LIMITS, weight=st.sampled_from([1, 1000]))
    def reconfigure(self, limit: int, weight: int) -> None:
        self.limit_was_cut |= limit < self.settings.limit
        weights = {Share.EVENTS: weight, Share.GAMEPLAY: 8, Share.LOGINS: 6}
        self.settings = replace(self.settings, limit=limit, weights=weights)
        self.took(self.core.reconfigure(self.settings, self.now_ns))

    # ── what must hold for each event ────────────────────

    def check_refusal(self, arrival: Arrival, refused: Refused, promised_ns: int | None) -> None:
        assert isinstance(refused.reason, AdmissionReason)
        assert refused.cls in {arrival.cls, Class.RETURNING}
        assert refused.retry_after_ns > 0
        moment_ns = self.now_ns + refused.retry_after_ns
        if refused.reason is AdmissionReason.SLOT_EARLY:
            assert promised_ns is not None
            assert moment_ns <= promised_ns, "the same slot again, or an earlier one"
            self.promises[arrival.key] = moment_ns
            return
        if refused.reserved:
            assert arrival.cls is Class.INITIALIZE
            assert arrival.verified
            assert refused.retry_after_ns <= HORIZON_NS
            # A client has one moment, whatever becomes of its other requests.
            is_its_own = self.promises.get(arrival.key) == moment_ns
            assert is_its_own or moment_ns not in self.moments, "one moment was promised twice"
            self.moments.add(moment_ns)
            self.promises[arrival.key] = moment_ns

    def check_nobody_was_passed(self, newcomer: Place) -> None:
        """Those of its share who wait do so because their clients run enough."""
        for place in self.line:
            if share_of(place.cls) is share_of(newcomer.cls) and place.cls <= newcomer.cls:
                assert self.is_capped(place, at_most=0)

    def is_capped(self, place: Place, at_most: int) -> bool:
        """Return whether its client runs as much as it may, or so many fewer at most."""
        if not CLASS_TABLE[place.cls].one_client:
            return False
        key = place.arrival.key
        mine = [p for p in self.run if p.arrival.key == key and CLASS_TABLE[p.cls].one_client]
        return len(mine) >= max(1, self.settings.limit // 4) - at_most

    def started(self, place: Place) -> None:
        assert place.standing is Standing.RUNNING
        in_time = place.deadline_ns > self.now_ns or place.arrived_at_ns == self.now_ns
        assert in_time or place in self.begun
        self.run.append(place)
        if CLASS_TABLE[place.cls].one_client:
            self.quota_ns.setdefault(place.arrival.key, []).append(self.now_ns)
        if CLASS_TABLE[place.cls].rated and self.settings.initialize_rate:
            self.tokens_ns.append(self.now_ns)

    def took(self, turn: Turn) -> None:
        for place, refused in turn.refused:
            assert place.deadline_ns <= self.now_ns
            assert refused.reason is AdmissionReason.WAIT_EXPIRED
            self.line.remove(place)
            self.check_refusal(place.arrival, refused, None)
        for place in turn.granted:
            for other in self.line:
                if other is not place and share_of(other.cls) is share_of(place.cls):
                    before = (other.cls, other.number) < (place.cls, place.number)
                    # What was granted after this one in the same turn is not counted yet.
                    assert not before or self.is_capped(other, at_most=0), "somebody was passed"
            self.line.remove(place)
            self.started(place)

    # ── what must hold always ────────────────────

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "core"):
            return
        snapshot = self.core.snapshot(self.now_ns)
        assert snapshot.running == len(self.run)
        for cls in Class:
            assert snapshot.waiting[cls] == len([p for p in self.line if p.cls == cls])

    @invariant()
    def no_more_run_than_the_limit(self) -> None:
        if not hasattr(self, "core"):
            return
        if not self.run:
            self.limit_was_cut = False
        assert self.limit_was_cut or len(self.run) <= self.settings.limit

    @invariant()
    def one_place_is_lent_to_nobody_but_gameplay(self) -> None:
        others = [place for place in self.run if place.cls is not Class.GAMEPLAY]
        if hasattr(self, "core") and not self.limit_was_cut:
            assert len(others) <= max(1, self.settings.limit - 1)

    @invariant()
    def no_client_runs_more_than_its_cap(self) -> None:
        if not hasattr(self, "core") or self.limit_was_cut:
            return
        clients = Counter(
            place.arrival.key for place in self.run if CLASS_TABLE[place.cls].one_client
        )
        assert all(count <= max(1, self.settings.limit // 4) for count in clients.values())

    @invariant()
    def nobody_waits_beside_a_free_place_that_it_may_use(self) -> None:
        if not hasattr(self, "core"):
            return
        others = sum(place.cls is not Class.GAMEPLAY for place in self.run)
        free = self.settings.limit - len(self.run)
        for place in self.line:
            is_free = free > 0
            if place.cls is not Class.GAMEPLAY and others >= max(1, self.settings.limit - 1):
                is_free = False
            if not is_free or self.is_capped(place, at_most=0) or self.is_over(place):
                continue
            assert CLASS_TABLE[place.cls].rated, "a place is free"
            assert self.settings.initialize_rate, "only for a token does anybody wait"

    def is_over(self, place: Place) -> bool:
        return place.deadline_ns <= self.now_ns and place not in self.begun

    @invariant()
    def when_all_have_left_nothing_is_left(self) -> None:
        if hasattr(self, "core") and not self.run and not self.line:
            snapshot = self.core.snapshot(self.now_ns)
            assert snapshot.running == 0
            assert not any(snapshot.places.values())
            assert not self.core._places._of_key
            assert not self.core._line._per_key
            assert not self.core._line._deadlines
            assert not self.core._shares._contending

    @invariant()
    def no_more_tokens_than_burst_and_rate_allow(self) -> None:
        check_window(self.tokens_ns, BUCKET)

    @invariant()
    def no_client_gets_more_than_its_quota_and_its_share_of_the_line(self) -> None:
        for taken_ns in self.quota_ns.values():
            # Who already stands in line is not asked again: the cap per key bounds the debt.
            check_window(taken_ns, Rate(QUOTA.interval_ns, QUOTA.burst + LINE_PER_KEY))


def check_window(taken_ns: list[int], rate: Rate) -> None:
    """Over any window: taken ≤ burst + window / interval."""
    for start, start_ns in enumerate(taken_ns):
        for end in range(start, len(taken_ns)):
            window_ns = taken_ns[end] - start_ns
            assert end - start + 1 <= rate.burst + window_ns // rate.interval_ns


TestAdmissionMachine = AdmissionMachine.TestCase
