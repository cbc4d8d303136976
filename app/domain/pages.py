"""Answers laid out in pieces, three a goal: what is the goal's, what is the state's, and the end.

Goals that move together have one state between them, whose bytes are made once; so have many of the
others, which are told apart by identity (`app.domain.view`). The goals' bytes are those of all
pages.
"""

from collections.abc import Collection, Mapping, Sequence

from app.domain.fragments import (
    BETWEEN,
    CHALLENGE_END,
    INITIALIZE_START,
    LIST_END,
    LIST_NOT_ROTATING,
    LIST_START,
    NEXT_CHALLENGE,
    GoalFragments,
    initialize_end,
    initialize_lead,
    list_expiry,
    list_state,
)
from app.domain.goal import GoalState, Schedule, States, Status

Boundaries = Mapping[Schedule | None, int | None]
"""When each schedule turns next, in milliseconds since 1970; None, which never turns, has None."""

Part = tuple[int | None, int, Schedule | None]
"""Given goals with one lead: their group (None: alone), the entry that gave them, the schedule."""

InitializePlace = tuple[int, Schedule | None, Mapping[Status, bytes]]
"""Where a shown goal's lead stands, its schedule, and the ends that may follow."""

_UNTOUCHED = GoalState(0, Status.NOT_STARTED, None, None, False, None, False)
_UNTOUCHED_BYTES = (list_state(_UNTOUCHED), list_state(_UNTOUCHED._replace(is_active=True)))

_ENDS = (LIST_NOT_ROTATING, LIST_NOT_ROTATING + BETWEEN)
"""Of goals that do not rotate: the last one of its challenge, and any other."""


class ListPage:
    """The list of certain goals."""

    def __init__(
        self,
        goals: Sequence[GoalFragments],
        openings: Sequence[bytes],
        shown: Sequence[int],
        given: Collection[int],
        group_of: Mapping[int, int],
    ) -> None:
        """Lay out `shown`, in catalogue order; `openings` are of all challenges."""
        self._pieces: list[bytes] = [LIST_START]
        self._slots: list[int | None] = [None] * len(goals)
        self._slots_of_group: dict[int, list[int]] = {}
        self._ends: dict[tuple[Schedule, bool], list[int]] = {}
        self._gated = [
            index for index in shown if goals[index].list_open != goals[index].list_locked
        ]
        self._goals = goals
        challenge = None
        for place, index in enumerate(shown):
            goal = goals[index]
            if goal.challenge != challenge:
                opening = openings[goal.challenge]
                self._pieces.append(opening if challenge is None else NEXT_CHALLENGE + opening)
                challenge = goal.challenge
            is_followed = shown[place + 1 : place + 2] and (
                goals[shown[place + 1]].challenge == challenge
            )
            slot = self._slots[index] = len(self._pieces) + 1
            if index in group_of:
                self._slots_of_group.setdefault(group_of[index], []).append(slot)
            self._pieces += (
                goal.list_locked,
                _UNTOUCHED_BYTES[index in given],
                _ENDS[bool(is_followed)],
            )
            if goal.schedule:
                ends = self._ends.setdefault((goal.schedule, bool(is_followed)), [])
                ends.append(len(self._pieces) - 1)
        self._pieces.append(LIST_END if challenge is None else CHALLENGE_END + LIST_END)

    def render(self, states: States, boundaries: Boundaries, now_ms: int) -> bytes:
        """Return the answer; goals that are not in `states` are untouched."""
        moving, own = states
        pieces = self._pieces.copy()
        for (schedule, is_followed), ends in self._ends.items():
            boundary_ms = boundaries[schedule]
            assert boundary_ms is not None
            expiry = list_expiry(boundary_ms, now_ms) + BETWEEN * is_followed
            for slot in ends:
                pieces[slot] = expiry
        for group, state in moving.items():
            text = list_state(state)
            for slot in self._slots_of_group.get(group, ()):
                pieces[slot] = text
        slots = self._slots
        known: dict[int, bytes] = {}
        for index, state in own.items():
            slot_or_none = slots[index]
            if slot_or_none is not None:
                identity = id(state)
                if identity not in known:
                    known[identity] = list_state(state)
                pieces[slot_or_none] = known[identity]
        for index in self._gated:
            if index in own and not own[index].locked:
                slot_or_none = slots[index]
                assert slot_or_none is not None
                pieces[slot_or_none - 1] = self._goals[index].list_open
        return b"".join(pieces)


class InitializePage:
    """Active goals as an initialize tells them."""

    def __init__(
        self,
        goals: Sequence[GoalFragments],
        shown: Sequence[int],
        entry_of: Mapping[int, int],
        group_of: Mapping[int, int],
    ) -> None:
        """Lay out `shown`, in catalogue order; `entry_of` says which entry gave a goal."""
        self._total = len(shown)
        self._pieces: list[bytes] = [INITIALIZE_START]
        self._places: list[InitializePlace | None] = [None] * len(goals)
        self._parts: dict[Part, list[int]] = {}
        self._begun_ends: dict[Part, list[bytes]] = {}
        for index in shown:
            goal = goals[index]
            slot = len(self._pieces) + 1
            ends = goal.initialize_ends
            self._places[index] = slot, goal.schedule, ends
            self._pieces += (goal.initialize_head, b"", ends[Status.NOT_STARTED], BETWEEN)
            if index in entry_of:
                part = group_of.get(index), entry_of[index], goal.schedule
                self._parts.setdefault(part, []).append(slot)
                self._begun_ends.setdefault(part, []).append(ends[Status.IN_PROGRESS])
        if shown:
            self._pieces.pop()

    def render(
        self,
        states: States,
        assigned_at_ms: Sequence[int],
        boundaries: Boundaries,
        new_assignments: int,
    ) -> bytes:
        """Return the answer; goals that are not in `states` are untouched."""
        pieces = self._pieces.copy()
        self._put_given(pieces, states.moving, assigned_at_ms, boundaries)
        self._put_own(pieces, states.own, boundaries)
        pieces.append(initialize_end(new_assignments, self._total))
        return b"".join(pieces)

    def _put_given(
        self,
        pieces: list[bytes],
        moving: Mapping[int, GoalState],
        assigned_at_ms: Sequence[int],
        boundaries: Boundaries,
    ) -> None:
        for part, slots in self._parts.items():
            group, entry, schedule = part
            state = None if group is None else moving.get(group)
            progress = 0 if state is None else state.progress
            lead = initialize_lead(assigned_at_ms[entry], boundaries[schedule], progress)
            for slot in slots:
                pieces[slot] = lead
            if state is not None:
                for slot, end in zip(slots, self._begun_ends[part], strict=True):
                    pieces[slot + 1] = end

    def _put_own(
        self, pieces: list[bytes], own: Mapping[int, GoalState], boundaries: Boundaries
    ) -> None:
        known: dict[int, tuple[Status, dict[Schedule | None, bytes]]] = {}
        for index, state in own.items():
            place = self._places[index]
            if place is not None:
                slot, schedule, ends = place
                identity = id(state)
                if identity not in known:
                    known[identity] = state.status, {}
                status, leads = known[identity]
                if schedule not in leads:
                    leads[schedule] = initialize_lead(
                        state.assigned_at_ms, boundaries[schedule], state.progress
                    )
                pieces[slot] = leads[schedule]
                pieces[slot + 1] = ends[status]
