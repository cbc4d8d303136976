"""The state machine that decides who runs, who waits, and who is told when to come back.

    arrive ──► Refused                                 nothing is kept but, perhaps, a slot
       │
       ├─────► Admitted ─────────────────► leave       a place is taken, then given back
       │                      ▲      │
       │                      │      └───► hand_on     given back, and waited for again
       │                      │
       └─────► Waiting ── granted by leave, hand_on, wake or reconfigure
                  └────── refused by wake (its deadline passed), or leave (the client left)

Two rules keep it right. A newcomer never passes somebody of its own share who could run: it joins
the line, and the line hands places on directly. And whatever ends a place goes through `leave`,
wherever the place stands, so that finishing, leaving early and being cancelled in the very tick of
its turn are one path.

No clock, no dice, no I/O, no await: the same inputs give the same outputs.
"""

from collections.abc import Iterator

from middleware.admission.decision import (
    AdmissionReason,
    Admitted,
    Arrival,
    Class,
    Decision,
    Outcome,
    Place,
    Refused,
    Share,
    Snapshot,
    Standing,
    Turn,
    Vitals,
    Waiting,
)
from middleware.admission.drain import Drain
from middleware.admission.line import SIZE_MAX, Line
from middleware.admission.outlook import Outlook, fits, unslotted_ns
from middleware.admission.places import Places
from middleware.admission.quota import Quotas
from middleware.admission.settings import (
    CLASS_TABLE,
    CLASSES_OF,
    SHARES,
    AdmissionSettings,
    share_of,
)
from middleware.admission.shares import Shares
from middleware.admission.slots import Slot, Slots

SLOT_PACE = (100, 99)
"""Slots are 1 % further apart than the drain, so that returners never build a line of their own.
What that leaves free goes to those who come early."""

NOBODY = Turn((), (), None)
"""What follows where nobody waits, which is nearly always."""


class AdmissionCore:
    """Admission for one process. Not thread-safe; it has no need to be."""

    def __init__(self, settings: AdmissionSettings) -> None:
        self._settings = settings
        self._quotas = Quotas(settings.quota)
        self._slots = Slots(settings.slot_horizon_ns, settings.slot_grace_ns)
        self._line = Line()
        self._places = Places(settings)
        self._shares = Shares(settings.weights, settings.limit)
        self._drain = Drain(settings)
        self._outlook = Outlook(settings, self._line, self._places, self._drain)
        self._arrivals = 0
        self._now_ns = 0

    # ── the verbs ────────────────────

    def arrive(self, arrival: Arrival, vitals: Vitals, now_ns: int) -> Decision:
        """Decide about a newcomer: it runs, it waits, or it is told when to come back."""
        now_ns = self._pass_time(now_ns)
        cls = arrival.cls
        assert not arrival.unknown, "nobody runs or waits whose credential was not looked at"
        if CLASS_TABLE[cls].one_client:
            quota_wait_ns = self._quotas.wait_ns(arrival.key, now_ns)
            if quota_wait_ns:
                return Refused(cls, AdmissionReason.OVER_QUOTA, quota_wait_ns)
        slot = self._slot_of(arrival, now_ns) if cls is Class.INITIALIZE else None
        if slot is not None:
            if now_ns < slot.at_ns:
                return self._arrive_early(arrival, slot, now_ns)
            self._slots.come(slot, now_ns)
            cls = Class.RETURNING
        place = self._place(arrival, cls, now_ns)
        if self._can_run(place, now_ns):
            return Admitted(self._start(place, now_ns))
        if not self._may_wait_beside_its_own(place, now_ns):
            return Refused(cls, AdmissionReason.LINE_PER_KEY, unslotted_ns(arrival.jitter))
        if not self._may_wait(place, slot, vitals, now_ns):
            return self._refuse(place, AdmissionReason.LINE_FULL, now_ns)
        self._line.push(place)
        wake_at_ns = self._wake_at_ns(now_ns)
        assert wake_at_ns is not None, "it has a deadline"
        return Waiting(place, wake_at_ns)

    def has_room(self, arrival: Arrival, now_ns: int) -> bool:
        """Return whether a newcomer of this class would run at once, whoever it is."""
        now_ns = self._pass_time(now_ns)
        return self._can_run(self._place(arrival, arrival.cls, now_ns), now_ns)

    def turn_away(self, arrival: Arrival, now_ns: int) -> Refused:
        """Refuse a newcomer whose credential cannot be looked at now.

        It neither runs nor waits. Its moment is its own, by its jitter, and kept for nobody.
        """
        place = self._place(arrival, arrival.cls, self._pass_time(now_ns))
        return self._refuse(place, AdmissionReason.LINE_FULL, place.arrived_at_ns)

    def leave(self, place: Place, outcome: Outcome, now_ns: int) -> Turn:
        """End a place, wherever it stands, and hand on what it held. Twice is once."""
        now_ns = self._pass_time(now_ns)
        standing, place.standing = place.standing, Standing.GONE
        if standing is Standing.GONE:
            return NOBODY
        if standing is Standing.WAITING:
            self._line.remove(place)
        else:
            self._end(place, outcome, now_ns)
            if outcome is Outcome.SUCCESS:
                self._drain.serve(share_of(place.cls), place.held_ns)
        return self._turn(now_ns)

    def hand_on(self, place: Place, now_ns: int) -> Turn:
        """Give a running place back between two pieces of work, and wait for it again.

        It waits ahead of everybody of its class who came later, as long as it may finish. The turn
        may grant it at once. What does not run hands nothing on, and waits for nothing.
        """
        now_ns = self._pass_time(now_ns)
        if place.standing is not Standing.RUNNING:
            return NOBODY
        assert not CLASS_TABLE[place.cls].one_client, "its quota would be taken again"
        self._end(place, Outcome.SUCCESS, now_ns)
        place.standing = Standing.WAITING
        # Too late is only who has to wait for others.
        place.deadline_ns = max(place.deadline_ns, now_ns + 1)
        self._line.push_again(place)
        return self._turn(now_ns)

    def wake(self, now_ns: int) -> Turn:
        """Refuse whoever's deadline has passed, then give every free place to whoever is next."""
        return self._turn(self._pass_time(now_ns))

    def reconfigure(self, settings: AdmissionSettings, now_ns: int) -> Turn:
        """Change what the operator pins. Who runs goes on; promises already made are kept."""
        now_ns = self._pass_time(now_ns)
        self._settings = settings
        self._quotas.reconfigure(settings.quota)
        self._slots.reconfigure(settings.slot_horizon_ns, settings.slot_grace_ns)
        self._places.reconfigure(settings)
        self._shares.reconfigure(settings.weights, settings.limit)
        self._drain.reconfigure(settings)
        self._outlook.reconfigure(settings)
        return self._turn(now_ns)

    def resume(self, booked_until_ns: int, now_ns: int) -> None:
        """Go on where other processes are: until then all moments are promised already."""
        self._slots.book_after(min(booked_until_ns, now_ns + self._settings.slot_horizon_ns))

    # ── what an operator sees ────────────────────

    def snapshot(self, now_ns: int) -> Snapshot:
        """Return what the gate holds now. `promised` counts the moments that are still ahead."""
        now_ns = self._pass_time(now_ns)
        return Snapshot(
            limit=self._settings.limit,
            running=self._places.running,
            places=dict(self._places.of),
            waiting={cls: self._line.waiting(cls) for cls in Class},
            binds={share: self._outlook.binds(share, now_ns) for share in Share},
            held_ns={share: self._drain.held_ns(share) for share in Share},
            promised=self._slots.promised(now_ns, None),
            drain_interval_ns=self._outlook.login_interval_ns(),
            booked_until_ns=self._slots.booked_until_ns,
            horizon_ns=self._slots.horizon_ns(self._slot_interval_ns()),
            kept=self._slots.kept.of(1000) / 1000,
        )

    def __repr__(self) -> str:
        return (
            f"<AdmissionCore {self._places.running}/{self._settings.limit} running, "
            f"{len(self._line)} waiting, {len(self._slots)} slots>"
        )

    # ── deciding ────────────────────

    def _pass_time(self, now_ns: int) -> int:
        """Note who has waited until now, and return the moment. A clock that goes back stands."""
        self._now_ns = now_ns = max(now_ns, self._now_ns)
        places = self._places
        waiting = filter(self._line.waiting_in, SHARES) if self._line else ()
        bound = [(share, places.of[share]) for share in waiting if places.free(share) <= 0]
        span_ns = self._drain.pass_time(now_ns, bound)
        if span_ns and places.running:
            for share in SHARES:
                over_ns = self._shares.use(share, places.of[share] * span_ns)
                if over_ns:
                    self._shares.charge(share, over_ns, still=self._outlook.all_still(now_ns))
        return now_ns

    def _arrive_early(self, arrival: Arrival, slot: Slot, now_ns: int) -> Decision:
        """Serve who comes before its moment if nobody is kept waiting by it, or tell it again.

        Those of other shares who wait cannot use a place that is free, or they would run.
        """
        place = self._place(arrival, Class.RETURNING, now_ns)
        if self._head(Share.LOGINS, now_ns) is None and self._can_run(place, now_ns):
            self._slots.come(slot, now_ns)
            return Admitted(self._start(place, now_ns))
        self._slots.move_up(slot, now_ns, *self._moments(Class.INITIALIZE, now_ns))
        retry_after_ns = slot.at_ns - now_ns
        return Refused(Class.INITIALIZE, AdmissionReason.SLOT_EARLY, retry_after_ns, slot.promise)

    def _slot_of(self, arrival: Arrival, now_ns: int) -> Slot | None:
        if arrival.promise is None:
            return self._slots.find(arrival.key, now_ns)
        return self._slots.adopt(arrival.key, arrival.promise, now_ns)

    def _place(self, arrival: Arrival, cls: Class, now_ns: int) -> Place:
        wait_ns = arrival.wait_ns_max
        if wait_ns is None:
            wait_ns = self._settings.waits_ns[share_of(cls)]
        wait_ns = min(wait_ns, self._settings.wait_ns_max)
        self._arrivals += 1
        return Place(arrival, cls, self._arrivals, now_ns, now_ns + wait_ns)

    def _can_run(self, place: Place, now_ns: int) -> bool:
        share = share_of(place.cls)
        return (
            self._places.free(share) > 0
            and self._places.is_below_cap(place)
            and not self._outlook.token_wait_ns(share, now_ns)
            and not (self._line and self._is_behind(place))
        )

    def _is_behind(self, place: Place) -> bool:
        """Return whether somebody waits who goes before this newcomer and is not at its cap."""
        classes = (cls for cls in CLASSES_OF[share_of(place.cls)] if cls <= place.cls)
        return any(self._line.first(cls, self._places.is_below_cap) for cls in classes)

    def _may_wait_beside_its_own(self, place: Place, now_ns: int) -> bool:
        """Return whether its client's other requests leave it a seat and a turn in time."""
        if not CLASS_TABLE[place.cls].one_client:
            return True
        waiting = self._line.of_key(place.arrival.key)
        if waiting >= self._settings.line_per_key:
            return False
        if self._places.is_below_cap(place):
            return True
        held_ns = self._drain.held_ns(share_of(place.cls))
        wait_ns = (waiting + 1) * held_ns // self._settings.running_per_key
        return fits(wait_ns, place.deadline_ns - now_ns)

    def _may_wait(self, place: Place, slot: Slot | None, vitals: Vitals, now_ns: int) -> bool:
        budget_ns = place.deadline_ns - now_ns
        if budget_ns <= 0 or len(self._line) >= SIZE_MAX:
            return False
        if not self._outlook.line_takes(share_of(place.cls), now_ns):
            return False
        promised = self._promised_before(place, slot, now_ns)
        wait_ns = self._outlook.wait_ns(place.cls, promised, now_ns) + vitals.loop_lag_ns
        return fits(wait_ns, budget_ns)

    def _promised_before(self, place: Place, slot: Slot | None, now_ns: int) -> int:
        """Return how many who are not here yet are expected within the budget, and go first.

        Those with a moment go before the fresh, and those who were refused again before those who
        come for their first moment: or each of these would be refused again and again. The first in
        line may wait all the same: if the others do not come, no place is lost.
        """
        if not CLASS_TABLE[place.cls].rated or not self._line.waiting(place.cls):
            return 0
        if slot is not None and slot.again:
            return 0
        only_again = place.cls is Class.RETURNING
        promised = self._slots.promised(now_ns, place.deadline_ns, again=only_again)
        return self._slots.kept.of(promised)

    def _slot_interval_ns(self) -> int:
        """Return how far apart slots are booked: closer if not all of them are kept."""
        interval_ns = self._outlook.login_interval_ns() * SLOT_PACE[0] // SLOT_PACE[1] + 1
        return max(1, self._slots.kept.of(interval_ns))

    def _moments(self, cls: Class, now_ns: int) -> tuple[int, int]:
        """Return behind how much time the moments of a class begin, and how far apart they are."""
        interval_ns = self._slot_interval_ns()
        horizon_ns = self._slots.horizon_ns(interval_ns)
        return self._outlook.booked_behind_ns(cls, horizon_ns, now_ns), interval_ns

    def _refuse(self, place: Place, reason: AdmissionReason, now_ns: int) -> Refused:
        arrival = place.arrival
        if not CLASS_TABLE[place.cls].rated:
            return Refused(place.cls, reason, unslotted_ns(arrival.jitter))
        again = place.cls is Class.RETURNING
        behind_ns, interval_ns = self._moments(place.cls, now_ns)
        span_ns = None
        if arrival.verified:
            slot = self._slots.reserve(arrival.key, now_ns, behind_ns, interval_ns, again=again)
            if slot is not None:
                return Refused(place.cls, reason, slot.at_ns - now_ns, slot.promise)
        else:
            span_ns = self._slots.next_in_ns(now_ns, behind_ns, interval_ns, again=again)
        retry_after_ns = self._slots.spread_ns(span_ns, interval_ns, arrival.jitter)
        return Refused(place.cls, reason, retry_after_ns)

    # ── handing on ────────────────────

    def _start(self, place: Place, now_ns: int) -> Place:
        share = share_of(place.cls)
        if not self._places.of[share]:
            self._drain.start_from_rest(share)
        self._places.start(place)
        place.charged_ns = self._drain.held_ns(share)
        self._shares.start(share, place.charged_ns)
        if CLASS_TABLE[place.cls].one_client:
            self._quotas.take(place.arrival.key, now_ns)
        elif not place.held_ns:
            place.deadline_ns = now_ns + self._settings.finish_ns_max
        if self._outlook.bucket is not None and share is Share.LOGINS:
            self._outlook.bucket.take(now_ns)
        place.standing = Standing.RUNNING
        place.started_at_ns = now_ns
        return place

    def _end(self, place: Place, outcome: Outcome, now_ns: int) -> None:
        """Free what a running place held, settle its share's account, and learn from it."""
        share = share_of(place.cls)
        self._places.end(place)
        if not self._places.of[share]:
            self._drain.rest(share)
        held_ns = now_ns - place.started_at_ns
        self._shares.end(share, max(0, place.charged_ns - held_ns))
        place.held_ns += held_ns
        if outcome is Outcome.SUCCESS:
            self._drain.end(share, held_ns)
        if share is Share.LOGINS and place.arrival.verified:
            self._settle(place, outcome, now_ns)

    def _settle(self, place: Place, outcome: Outcome, now_ns: int) -> None:
        """End the slot of who was served; give one to who was admitted in vain."""
        if outcome is Outcome.SUCCESS:
            self._slots.serve(place.arrival.key, now_ns)
        elif outcome is Outcome.OVERLOAD:
            self._slots.owe(place.arrival.key, now_ns)

    def _turn(self, now_ns: int) -> Turn:
        if not self._line:
            self._shares.contend(())
            return NOBODY
        refused = tuple(self._expire(now_ns))
        granted = tuple(self._grant(now_ns))
        return Turn(granted, refused, self._wake_at_ns(now_ns))

    def _grant(self, now_ns: int) -> Iterator[Place]:
        """Start whoever is due first and may have a place, until nobody may."""
        while self._places.running < self._settings.limit:
            heads = {share: head for share in SHARES if (head := self._head(share, now_ns))}
            self._shares.contend(heads)
            usable = [share for share in heads if self._places.free(share) > 0]
            if not usable:
                return
            place = heads[self._shares.first(usable)]
            self._line.remove(place)
            yield self._start(place, now_ns)

    def _head(self, share: Share, now_ns: int) -> Place | None:
        """Return who of this share goes next, if it waits for a place and nothing else."""
        if not self._line.waiting_in(share) or self._outlook.token_wait_ns(share, now_ns):
            return None
        for cls in CLASSES_OF[share]:
            head = self._line.first(cls, self._places.is_below_cap)
            if head is not None:
                return head
        return None

    def _expire(self, now_ns: int) -> Iterator[tuple[Place, Refused]]:
        while (place := self._line.pop_expired(now_ns)) is not None:
            place.standing = Standing.GONE
            yield place, self._refuse(place, AdmissionReason.WAIT_EXPIRED, now_ns)

    def _wake_at_ns(self, now_ns: int) -> int | None:
        """Return the next deadline, or the next token if somebody waits for nothing else."""
        deadline_ns = self._line.next_deadline_ns()
        if deadline_ns is None or not self._line.waiting_in(Share.LOGINS):
            return deadline_ns
        token_at_ns = now_ns + self._outlook.token_wait_ns(Share.LOGINS, now_ns)
        if token_at_ns == now_ns and self._head(Share.LOGINS, now_ns) is None:
            return deadline_ns  # they wait for other requests of their own clients
        return min(deadline_ns, token_at_ns) if self._places.free(Share.LOGINS) > 0 else deadline_ns
