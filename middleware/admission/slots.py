"""A refused client's own moment to return: handed out by a second clock, remembered by key.

The clock runs on refusals, one drain interval for each, as a virtual queue of those who are
outside (the idea of a ticket machine; compare the virtual scheduling form of GCRA, ITU-T I.371).
Two such clocks run: one for those who are refused for the first time, one for those who came back
in time and were refused again, so that these keep their seniority instead of starting over at the
far end. The order of booking stays, whatever happens to the moments.

    booked ── its owner comes early ──► told again, or served
       │
    due ───── its owner comes ────────► served: any number of times until the window is over
       │ the window is over
    missing ─ its owner comes late ───► served, once
       │ the grace is over
    forgotten
"""

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import count

from sortedcontainers import SortedList

from middleware.admission.decision import Promise
from middleware.admission.kept import Kept
from middleware.admission.settings import SECOND_NS

KEYS_MAX = 200_000
WINDOW_NS_MIN = 2 * SECOND_NS
WINDOW_SHARE = 10
"""A slot is due for 2 s, or for a tenth of the time its owner was told to wait."""

SAME_NS = 50_000_000
"""Two promises of one moment differ by so much at most: by rounding, and by what clocks are off."""

OWED_NS = 5 * SECOND_NS
"""For how long a client that was admitted in vain may come back: it is told to after 0.5 to 3 s."""

SWEPT_MAX = 4
"""How many slots whose window or grace is over are looked at in a call. A call books at most one,
which is looked at up to three times: so the table shrinks faster than it grows, at a bounded
cost."""


@dataclass(slots=True, eq=False)
class Slot:
    """From `at_ns` on its owner is expected, until `until_ns`.

    `rank` is the moment that it was booked for, and a number that no other slot has. It never
    changes. `first_ns` is when its owner was refused for the first time. `adopted`: another process
    promised it; `elsewhere`: its owner has gone to another one, as far as can be told. Promises
    whose windows end until `spent_ns` were kept already, and are not kept again.
    """

    key: Hashable
    rank: tuple[int, int]
    at_ns: int
    until_ns: int
    first_ns: int
    again: bool
    look_ns: int
    """When it is looked at next, since its window or its grace is over then."""
    came: bool = False
    missed: bool = False
    served: bool = False
    adopted: bool = False
    elsewhere: bool = False
    spent_ns: int = 0

    @property
    def promise(self) -> Promise:
        """What its owner was promised."""
        return Promise(self.at_ns, self.until_ns, self.first_ns, self.again)


class Slots:
    """Who was told when. Bounded: expired slots are dropped first, a promise is never evicted."""

    def __init__(self, horizon_ns: int, grace_ns: int, keys_max: int = KEYS_MAX) -> None:
        self._horizon_ns = horizon_ns
        self._grace_ns = grace_ns
        self._keys_max = keys_max
        self._slots: dict[Hashable, Slot] = {}
        # One entry for each slot: when it is looked at next.
        self._looks: SortedList[tuple[int, int, Slot]] = SortedList()
        self._order = count()
        # Moments still ahead, those of them that were booked again, and the ranks of all of them.
        self._ahead: SortedList[tuple[int, tuple[int, int]]] = SortedList()
        self._ahead_again: SortedList[int] = SortedList()
        self._ranks: SortedList[tuple[int, int]] = SortedList()
        self._first_time_ns = 0
        self._again_ns = 0
        self.kept = Kept(grace_ns)

    def __len__(self) -> int:
        return len(self._slots)

    def find(self, key: Hashable, now_ns: int) -> Slot | None:
        """Return this client's slot, if it has one that is not over."""
        self._sweep(now_ns)
        slot = self._slots.get(key)
        if slot is None:
            return None
        grace_ns = 0 if slot.served else self._grace_ns
        return slot if now_ns <= slot.until_ns + grace_ns else None

    def come(self, slot: Slot, now_ns: int) -> None:
        """Note that its owner is there, at its moment or after it."""
        if not slot.came:
            slot.came = True
            if slot.adopted:
                self.kept.came_from_elsewhere(now_ns)
            elif now_ns <= slot.until_ns:
                self.kept.came(now_ns)
            else:
                self._miss(slot, now_ns)
                if not slot.elsewhere:
                    self.kept.came_late(now_ns)

    def serve(self, key: Hashable, now_ns: int) -> None:
        """Note that this client was served: its promise is kept, and ends with its window."""
        slot = self._slots.get(key)
        if slot is not None and not slot.served:
            self._strike(slot)
            if now_ns < slot.at_ns:
                slot.at_ns, slot.until_ns = now_ns, now_ns + WINDOW_NS_MIN
            self.come(slot, now_ns)
            slot.served = True
            slot.spent_ns = max(slot.spent_ns, slot.until_ns)
            self._look_again(slot, self._end_ns(slot))
            self._sweep(now_ns)

    def owe(self, key: Hashable, now_ns: int) -> None:
        """Let a client that was admitted in vain come back whenever it likes, before all others."""
        if self._has_room(key):
            slot = self._slot(key, now_ns, OWED_NS, now_ns, again=True)
            slot.came = True
            self._replace(slot, now_ns)

    def move_up(self, slot: Slot, now_ns: int, behind_ns: int, interval_ns: int) -> None:
        """Move a slot to where it stands behind the line and those ahead, if that is earlier.

        Moments that were booked while the drain was slow are too far away when it is fast again.
        """
        self._forget_past(now_ns)
        ahead = self._ranks.bisect_right(slot.rank)
        at_ns = now_ns + behind_ns + ahead * interval_ns
        if at_ns < slot.at_ns:
            self._move(slot, at_ns, at_ns + _window_ns(at_ns - now_ns))

    def adopt(self, key: Hashable, promise: Promise, now_ns: int) -> Slot | None:
        """Keep what was promised elsewhere, if that is not over: as if it had been booked here.

        Of two promises the earlier one holds; what is as early, to some milliseconds, is the same.
        What was kept is not kept again.
        """
        slot, held = self.find(key, now_ns), self._slots.get(key)
        if held is not None and promise.until_ns <= held.spent_ns + SAME_NS:
            return slot
        if slot is not None:
            if not slot.came and promise.at_ns < slot.at_ns - SAME_NS:
                self._move(slot, promise.at_ns, promise.until_ns)
            return slot
        is_over = now_ns > promise.until_ns + self._grace_ns
        if is_over or not self._has_room(key):
            return None
        window_ns = promise.until_ns - promise.at_ns
        slot = self._slot(key, promise.at_ns, window_ns, promise.first_ns, again=promise.again)
        slot.adopted = slot.elsewhere = True
        self._replace(slot, now_ns)
        return slot

    def reserve(
        self, key: Hashable, now_ns: int, behind_ns: int, interval_ns: int, *, again: bool
    ) -> Slot | None:
        """Book the next moment behind the line, or return None: beyond the horizon, or full.

        A client has one moment, whatever becomes of its other requests meanwhile.
        """
        slot = self.find(key, now_ns)
        if slot is not None and not slot.came and now_ns < slot.at_ns:
            return slot
        first_ns = now_ns if slot is None else slot.first_ns
        at_ns = now_ns + self.next_in_ns(now_ns, behind_ns, interval_ns, again=again)
        if at_ns - now_ns > self.horizon_ns(interval_ns) or not self._has_room(key):
            return None
        if again:
            self._again_ns = at_ns
        else:
            self._first_time_ns = at_ns
        slot = self._slot(key, at_ns, _window_ns(at_ns - now_ns), first_ns, again=again)
        self._replace(slot, now_ns)
        return slot

    @property
    def booked_until_ns(self) -> int:
        """The latest moment that was booked for a client that was refused for the first time."""
        return self._first_time_ns

    def book_after(self, moment_ns: int) -> None:
        """Book from this moment on: those before it were promised elsewhere."""
        self._first_time_ns = max(self._first_time_ns, moment_ns)

    def promised(self, now_ns: int, until_ns: int | None, *, again: bool = False) -> int:
        """Return how many slots begin after now, and not after `until_ns` if that is given.

        `again`: only of those who were refused again.
        """
        self._forget_past(now_ns)
        if again:
            ahead = self._ahead_again
            return len(ahead) if until_ns is None else ahead.bisect_right(until_ns)
        return len(self._ahead) if until_ns is None else self._ahead.bisect_left(_after(until_ns))

    def next_in_ns(self, now_ns: int, behind_ns: int, interval_ns: int, *, again: bool) -> int:
        """Return how far away the next moment is, without booking it."""
        last_ns = self._again_ns if again else self._first_time_ns
        return max(last_ns, now_ns + behind_ns) + interval_ns - now_ns

    def horizon_ns(self, interval_ns: int) -> int:
        """Return how far away a moment may be: so far that there is room for all before it.

        A slot lives on after its moment until its owner was served or its grace is over. What these
        leave of the table, filled at one every `interval_ns`, is as far as promises can reach.
        """
        room = self._keys_max - (len(self._slots) - len(self._ahead))
        return min(self._horizon_ns, max(WINDOW_NS_MIN, room * interval_ns))

    def spread_ns(self, span_ns: int | None, interval_ns: int, jitter: float) -> int:
        """Return a moment for a client that gets no slot: after `span_ns`, at most at the horizon.

        None means the horizon. The moment is spread over a tenth of the span, and over a second
        at least.
        """
        horizon_ns = self.horizon_ns(interval_ns)
        base_ns = horizon_ns if span_ns is None else min(span_ns, horizon_ns)
        return base_ns + int(jitter * max(SECOND_NS, base_ns // 10))

    def reconfigure(self, horizon_ns: int, grace_ns: int) -> None:
        """Change the horizon for slots still to be given, and the grace of all."""
        self._horizon_ns = horizon_ns
        self._grace_ns = grace_ns
        for slot in self._slots.values():
            slot.look_ns = min(slot.look_ns, self._end_ns(slot))
        self._looks = SortedList(map(_look, self._slots.values()))
        self.kept.reconfigure(grace_ns)

    def _slot(
        self, key: Hashable, at_ns: int, window_ns: int, first_ns: int, *, again: bool
    ) -> Slot:
        until_ns = at_ns + window_ns
        rank = (at_ns, next(self._order))
        return Slot(key, rank, at_ns, until_ns, first_ns, again, until_ns)

    def _end_ns(self, slot: Slot) -> int:
        """Return until when a slot is remembered: one that was adopted also when it was kept.

        Else its ticket would be new here each time.
        """
        is_done = slot.served and not slot.adopted
        return slot.until_ns if is_done else slot.until_ns + self._grace_ns

    def _move(self, slot: Slot, at_ns: int, until_ns: int) -> None:
        self._strike(slot)
        slot.at_ns, slot.until_ns = at_ns, until_ns
        self._enter(slot)

    def _has_room(self, key: Hashable) -> bool:
        return key in self._slots or len(self._slots) < self._keys_max

    def _replace(self, slot: Slot, now_ns: int) -> None:
        before = self._slots.get(slot.key)
        if before is not None:
            slot.spent_ns = max(slot.spent_ns, before.spent_ns)
            self._strike(before)
            self._looks.remove(_look(before))
            if before.missed and not before.came and not before.elsewhere:
                self.kept.lapsed(now_ns)
        self._slots[slot.key] = slot
        self._enter(slot)
        self._looks.add(_look(slot))

    def _look_again(self, slot: Slot, at_ns: int) -> None:
        self._looks.remove(_look(slot))
        slot.look_ns = at_ns
        self._looks.add(_look(slot))

    def _sweep(self, now_ns: int) -> None:
        """Look at windows and graces that are over, a few at a time."""
        for _ in range(SWEPT_MAX):
            if not self._looks or self._looks[0][0] >= now_ns:
                break
            slot = self._looks[0][2]
            if now_ns > self._end_ns(slot):
                self._forget(slot, now_ns)
            else:
                if not slot.came:
                    self._miss(slot, now_ns)
                self._look_again(slot, self._end_ns(slot))

    def _miss(self, slot: Slot, now_ns: int) -> None:
        if not slot.missed and not slot.adopted:
            slot.missed = True
            slot.elsewhere = not self.kept.missed(now_ns)

    def _forget(self, slot: Slot, now_ns: int) -> None:
        """End a slot."""
        self._strike(slot)
        self._looks.remove(_look(slot))
        del self._slots[slot.key]
        if not slot.came:
            self._miss(slot, now_ns)
            if not slot.elsewhere:
                self.kept.lapsed(now_ns)
        if not self._slots:
            self.kept.forget()

    def _enter(self, slot: Slot) -> None:
        self._ahead.add((slot.at_ns, slot.rank))
        self._ranks.add(slot.rank)
        if slot.again:
            self._ahead_again.add(slot.at_ns)

    def _strike(self, slot: Slot) -> None:
        moment = (slot.at_ns, slot.rank)
        if moment in self._ahead:
            self._ahead.remove(moment)
            self._ranks.remove(slot.rank)
            if slot.again:
                self._ahead_again.remove(slot.at_ns)

    def _forget_past(self, now_ns: int) -> None:
        past = self._ahead.bisect_left(_after(now_ns))
        if past:
            for _, rank in self._ahead[:past]:
                self._ranks.remove(rank)
            del self._ahead[:past]
            del self._ahead_again[: self._ahead_again.bisect_right(now_ns)]


def _look(slot: Slot) -> tuple[int, int, Slot]:
    return slot.look_ns, slot.rank[1], slot


def _after(at_ns: int) -> tuple[int, tuple[int, int]]:
    """Return what is greater than whatever is at this moment."""
    return at_ns + 1, (0, 0)


def _window_ns(told_ns: int) -> int:
    return max(WINDOW_NS_MIN, told_ns // WINDOW_SHARE)
