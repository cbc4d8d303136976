"""Answers spliced from fragments: what does not change is encoded once per catalogue revision.

    Fragments   one per catalogue revision: every goal's constant bytes
      └─ Template   one per history of given goals: both answers of a player who changed nothing
           └─ list_answer, initialize_answer   per call: what this player changed is put in between

Goals are addressed by their index in catalogue order. A goal that is not in `states` is
*untouched*: progress 0, not started, locked if it has prerequisites, active if it was given.
So a goal of which only the lock has opened belongs into `states`, too. Answers are UTF-8 JSON
without white space, each member once and in a fixed order.
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
    assigned_text,
    challenge_opening,
    encode_goal,
    initialize_end,
    list_expiry,
)
from app.domain.goal import Catalogue, GoalState, Schedule
from app.domain.period import next_boundary_ms, rfc3339


class Fragments:
    """The constant bytes of every answer under one catalogue. They never change, so calls share."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.goals: tuple[GoalFragments, ...] = tuple(
            encode_goal(number, goal)
            for number, challenge in enumerate(catalogue.challenges)
            for goal in challenge.goals
        )
        self.challenge_openings = tuple(map(challenge_opening, catalogue.challenges))
        self._schedules = sorted({goal.schedule for goal in self.goals if goal.schedule})

    def template(self, given: Sequence[Collection[int]]) -> "Template":
        """Return the template for players to whom the k-th entry gave the goals in `given[k]`.

        A goal in several entries belongs to the first. Making one costs about as much as twenty
        answers, so keep it; its own memory is small, since the bytes are shared.
        """
        return Template(self, given)

    def boundaries_ms(self, now_ms: int) -> dict[Schedule, int]:
        """Return when each schedule that some goal follows turns next."""
        return {schedule: next_boundary_ms(schedule, now_ms) for schedule in self._schedules}


class Template:
    """The answers for all players with the same given goals, open where one may differ."""

    def __init__(self, fragments: Fragments, given: Sequence[Collection[int]]) -> None:
        self._fragments = fragments
        self._entry_of: dict[int, int] = {}
        for entry, indexes in enumerate(given):
            for index in indexes:
                self._entry_of.setdefault(index, entry)
        self._given_in_order = sorted(self._entry_of)
        self._all = _ListPage(fragments, range(len(fragments.goals)), self._entry_of)
        self._active = _ListPage(fragments, self._given_in_order, self._entry_of)
        self._initialize = _InitializePage(fragments, self._given_in_order, self._entry_of)

    def list_answer(
        self, states: Mapping[int, GoalState], now_ms: int, *, active_only: bool = False
    ) -> bytes:
        """Return the body of `GET /v1/challenges`; `active_only` leaves out what is not active."""
        page = self._all
        if active_only:
            page = self._active
            if self._toggled(states):
                page = _ListPage(self._fragments, self._active_indexes(states), self._entry_of)
        return page.render(states, now_ms)

    def initialize_answer(
        self,
        states: Mapping[int, GoalState],
        assigned_at_ms: Sequence[int],
        now_ms: int,
        new_assignments: int,
    ) -> bytes:
        """Return the body of `POST /v1/challenges/initialize`: active goals, and how many are new.

        `assigned_at_ms[k]` is the instant of the k-th entry of given goals.
        """
        page = self._initialize
        if self._toggled(states):
            page = _InitializePage(self._fragments, self._active_indexes(states), self._entry_of)
        return page.render(states, assigned_at_ms, now_ms, new_assignments)

    def _toggled(self, states: Mapping[int, GoalState]) -> bool:
        """Return whether other goals are active than those that were given."""
        given = self._entry_of
        return any(state.is_active != (index in given) for index, state in states.items())

    def _active_indexes(self, states: Mapping[int, GoalState]) -> list[int]:
        active = {index for index in self._given_in_order if index not in states}
        active.update(index for index, state in states.items() if state.is_active)
        return sorted(active)


class _ListPage:
    """The list of certain goals: three pieces each, what opens it, the goal, and its expiry."""

    def __init__(self, fragments: Fragments, shown: Sequence[int], given: Collection[int]) -> None:
        self._fragments = fragments
        self._pieces: list[bytes] = [LIST_START]
        self._slots: dict[int, int] = {}
        self._expiries: dict[Schedule, list[int]] = {}
        challenge = None
        for index in shown:
            goal = fragments.goals[index]
            if goal.challenge == challenge:
                self._pieces.append(BETWEEN)
            else:
                opening = fragments.challenge_openings[goal.challenge]
                self._pieces.append(opening if challenge is None else NEXT_CHALLENGE + opening)
                challenge = goal.challenge
            self._slots[index] = len(self._pieces)
            self._pieces += (goal.list_untouched[index in given], LIST_NOT_ROTATING)
            if goal.schedule:
                self._expiries.setdefault(goal.schedule, []).append(len(self._pieces) - 1)
        self._pieces.append(LIST_END if challenge is None else CHALLENGE_END + LIST_END)

    def render(self, states: Mapping[int, GoalState], now_ms: int) -> bytes:
        pieces = self._pieces.copy()
        boundaries_ms = self._fragments.boundaries_ms(now_ms)
        for schedule, expiry_slots in self._expiries.items():
            expiry = list_expiry(boundaries_ms[schedule], now_ms)
            for slot in expiry_slots:
                pieces[slot] = expiry
        goals = self._fragments.goals
        slots = self._slots
        for index, state in states.items():
            if index in slots:
                pieces[slots[index]] = goals[index].list_state(state)
        return b"".join(pieces)


class _InitializePage:
    """Active goals as initialize tells them: what leads, two instants, the rest, a comma."""

    def __init__(
        self, fragments: Fragments, shown: Sequence[int], entry_of: Mapping[int, int]
    ) -> None:
        self._fragments = fragments
        self._total = len(shown)
        self._pieces: list[bytes] = [INITIALIZE_START]
        self._slots: dict[int, int] = {}
        self._instants: dict[tuple[int, Schedule | None], list[int]] = {}
        for index in shown:
            goal = fragments.goals[index]
            slot = self._slots[index] = len(self._pieces) + 1
            self._pieces += (goal.initialize_head, b"", goal.initialize_untouched, BETWEEN)
            if index in entry_of:
                self._instants.setdefault((entry_of[index], goal.schedule), []).append(slot)
        if shown:
            self._pieces.pop()

    def render(
        self,
        states: Mapping[int, GoalState],
        assigned_at_ms: Sequence[int],
        now_ms: int,
        new_assignments: int,
    ) -> bytes:
        pieces = self._pieces.copy()
        boundaries_ms = self._fragments.boundaries_ms(now_ms)
        expires: dict[Schedule | None, bytes] = {
            turning: rfc3339(boundary_ms) for turning, boundary_ms in boundaries_ms.items()
        }
        expires[None] = b""
        for (entry, schedule), slots in self._instants.items():
            instants = assigned_text(assigned_at_ms[entry]) + expires[schedule]
            for slot in slots:
                pieces[slot] = instants
        # Most goals were assigned at few instants, so each text is made once.
        assigned_texts: dict[int | None, bytes] = {}
        goals = self._fragments.goals
        for index, state in states.items():
            if index in self._slots:
                slot = self._slots[index]
                moment_ms = state.assigned_at_ms
                if moment_ms not in assigned_texts:
                    assigned_texts[moment_ms] = assigned_text(moment_ms)
                pieces[slot] = assigned_texts[moment_ms] + expires[goals[index].schedule]
                pieces[slot + 1] = goals[index].initialize_state(state)
        pieces.append(initialize_end(new_assignments, self._total))
        return b"".join(pieces)
