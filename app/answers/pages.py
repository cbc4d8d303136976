"""Answers laid out in pieces, three a goal: what is the goal's, what is the state's, and the end.

Goals that move together have one state between them, whose bytes are made once; so have many of the
others, which a list tells apart by identity (`app.domain.view`). The goals' bytes are those of all
pages.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.answers.fragments import (
    CHALLENGE_END,
    COMMA,
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
"""When the next period of each schedule begins, in milliseconds since 1970; None has none."""


class Part(NamedTuple):
    """Assigned goals with one lead: of one group, which one entry assigned, on one schedule."""

    group: int
    entry: int
    schedule: Schedule | None


InitializePlace = tuple[int, GoalFragments]
"""Where the three pieces of a goal stand, and what they are made from."""

_HIDDEN = (b"", b"", b"")
"""The pieces of a goal that an initialize does not tell."""

_UNTOUCHED = GoalState(0, Status.NOT_STARTED, None, None, False, None, False)
_UNTOUCHED_BYTES = (list_state(_UNTOUCHED), list_state(_UNTOUCHED._replace(is_active=True)))

_ENDS = (LIST_NOT_ROTATING, LIST_NOT_ROTATING + COMMA)
"""Of goals that do not rotate: the last one of its challenge, and any other."""


class ListPage:
    """The list of certain goals."""

    def __init__(
        self,
        goals: Sequence[GoalFragments],
        openings: Sequence[bytes],
        shown: Sequence[int],
        group_of: Mapping[int, int],
    ) -> None:
        """Lay out `shown`, in catalogue order; `openings` are of all challenges.

        `group_of` has the group of each assigned goal.
        """
        self._pieces: list[bytes] = [LIST_START]
        self._slots: list[int | None] = [None] * len(goals)
        self._slots_of_group: defaultdict[int, list[int]] = defaultdict(list)
        self._ends: dict[tuple[Schedule, bool], list[int]] = {}
        self._gated = [
            index for index in shown if goals[index].list_open != goals[index].list_locked
        ]
        self._goals = goals
        challenge = None
        for position, index in enumerate(shown):
            goal = goals[index]
            if goal.challenge != challenge:
                opening = openings[goal.challenge]
                self._pieces.append(opening if challenge is None else NEXT_CHALLENGE + opening)
                challenge = goal.challenge
            is_followed = shown[position + 1 : position + 2] and (
                goals[shown[position + 1]].challenge == challenge
            )
            slot = self._slots[index] = len(self._pieces) + 1
            group = group_of.get(index)
            if group is not None:
                self._slots_of_group[group].append(slot)
            self._pieces += (
                goal.list_locked,
                _UNTOUCHED_BYTES[group is not None],
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
            expiry = list_expiry(boundary_ms, now_ms) + COMMA * is_followed
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
    """Active goals as an initialize tells them: those that were assigned, but for own decisions."""

    def __init__(
        self,
        goals: Sequence[GoalFragments],
        laid_out: Sequence[int],
        parts: Sequence[Part],
        part_of: Mapping[int, int],
    ) -> None:
        """Lay out goals that may be shown, in catalogue order.

        `part_of` has the part of each assigned goal: it is shown unless it was deactivated. Others
        are shown where they were activated.
        """
        self._pieces: list[bytes] = [INITIALIZE_START]
        self._places: list[InitializePlace | None] = [None] * len(goals)
        self._parts = parts
        # Of each part's goals the slot of the lead, and the end of one that has begun.
        self._places_of_part: list[list[tuple[int, bytes]]] = [[] for _ in parts]
        self._assigned = 0
        for index in laid_out:
            goal = goals[index]
            slot, ends = len(self._pieces), goal.initialize_ends
            self._places[index] = slot, goal
            part = part_of.get(index)
            if part is None:
                self._pieces += _HIDDEN
            else:
                self._pieces += (goal.initialize_head, b"", ends[Status.NOT_STARTED])
                self._places_of_part[part].append((slot + 1, ends[Status.IN_PROGRESS]))
                self._assigned += 1

    def render(
        self,
        states: States,
        assigned_at_ms: Sequence[int],
        boundaries: Boundaries,
        new_assignments: int,
    ) -> bytes:
        """Return the answer; goals that are not in `states` are untouched."""
        pieces = self._pieces.copy()
        self._put_assigned(pieces, states.moving, assigned_at_ms, boundaries)
        more = self._put_own(pieces, states.own, boundaries)
        for slot in range(1, len(pieces), len(_HIDDEN)):
            if pieces[slot]:
                pieces[slot] = pieces[slot].removeprefix(COMMA)
                break
        pieces.append(initialize_end(new_assignments, self._assigned + more))
        return b"".join(pieces)

    def _put_assigned(
        self,
        pieces: list[bytes],
        moving: Mapping[int, GoalState],
        assigned_at_ms: Sequence[int],
        boundaries: Boundaries,
    ) -> None:
        for part, places in zip(self._parts, self._places_of_part, strict=True):
            state = moving.get(part.group)
            lead = initialize_lead(assigned_at_ms[part.entry], boundaries[part.schedule])
            if state is None:
                lead += b"0"
                for slot, _ in places:
                    pieces[slot] = lead
            else:
                lead += b"%d" % state.progress
                for slot, end in places:
                    pieces[slot] = lead
                    pieces[slot + 1] = end

    def _put_own(
        self, pieces: list[bytes], own: Mapping[int, GoalState], boundaries: Boundaries
    ) -> int:
        """Return how many more are shown than were assigned."""
        more = 0
        leads: dict[tuple[int | None, Schedule | None], bytes] = {}
        for index, state in own.items():
            laid_out = self._places[index]
            if laid_out is None:
                continue
            slot, goal = laid_out
            progress, status, _, _, is_active, assigned_at_ms, _ = state
            more += is_active - bool(pieces[slot])
            if not is_active:
                pieces[slot : slot + len(_HIDDEN)] = _HIDDEN
                continue
            key = assigned_at_ms, goal.schedule
            lead = leads.get(key)
            if lead is None:
                lead = leads[key] = initialize_lead(assigned_at_ms, boundaries[goal.schedule])
            pieces[slot] = goal.initialize_head
            pieces[slot + 1] = b"%b%d" % (lead, progress)
            pieces[slot + 2] = goal.initialize_ends[status]
        return more
