"""Answers spliced from fragments: what does not change is encoded once per catalogue revision.

    Fragments   one per catalogue revision: every goal's constant bytes
      └─ Template   one per history of assigned goals: the answers of a player who changed nothing
           └─ list_answer, challenge_answer, initialize_answer
                    per call: what this player changed is put in between

Goals are addressed by their index in catalogue order. A goal that is not in `states` is
*untouched*: progress 0, not started, locked if it has prerequisites, active if it was assigned.
So a goal of which only the lock has opened belongs into `states`, too. Answers are UTF-8 JSON
without white space, each member once and in a fixed order.
"""

from collections.abc import Collection, Sequence
from functools import cached_property
from operator import eq

from app.answers.fragments import (
    CHALLENGE_END,
    LIST_END,
    LIST_START,
    GoalFragments,
    challenge_opening,
    encode_goal,
)
from app.answers.pages import Boundaries, InitializePage, ListPage, Part
from app.domain.goal import Catalogue, Schedule, States
from app.domain.period import next_boundary_ms


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

    def template(self, groups: Sequence[tuple[int, Collection[int]]]) -> "Template":
        """Return the template for players to whom these groups of goals were assigned.

        A group is the number of the entry that assigned it, and its goals, which move together
        (`app.domain.plan`). Making a template costs as much as some dozens of answers, so keep it;
        its own memory is small, since the bytes are shared.
        """
        return Template(self, groups)

    def boundaries(self, now_ms: int) -> Boundaries:
        """Return when the next period of each schedule begins that a goal follows."""
        boundaries: dict[Schedule | None, int | None] = {None: None}
        for schedule in self._schedules:
            boundaries[schedule] = next_boundary_ms(schedule, now_ms)
        return boundaries


class Template:
    """The answers for all players with the same assigned goals, open where one may differ."""

    def __init__(self, fragments: Fragments, groups: Sequence[tuple[int, Collection[int]]]) -> None:
        self._fragments = fragments
        self._group_of: dict[int, int] = {}
        self._part_of: dict[int, int] = {}
        numbers: dict[Part, int] = {}
        for group, (entry, indexes) in enumerate(groups):
            for index in indexes:
                part = Part(group, entry, fragments.goals[index].schedule)
                self._group_of[index] = group
                self._part_of[index] = numbers.setdefault(part, len(numbers))
        self._parts = tuple(numbers)
        self._assigned_in_order = sorted(self._group_of)
        self._all = self._list_page(range(len(fragments.goals)))
        self._active = self._list_page(self._assigned_in_order)
        self._initialize = self._initialize_page(self._assigned_in_order)

    def list_answer(self, states: States, now_ms: int, *, active_only: bool = False) -> bytes:
        """Return the body of `GET /v1/challenges`; `active_only` leaves out what is not active."""
        page = self._all
        if active_only:
            page = self._active
            if self._toggled(states):
                page = self._list_page(self._active_indexes(states))
        return page.render(states, self._fragments.boundaries(now_ms), now_ms)

    def challenge_answer(
        self,
        indexes: Sequence[int],
        states: States,
        now_ms: int,
        *,
        active_only: bool = False,
    ) -> bytes:
        """Return one challenge as it is in the list, byte for byte.

        `indexes` are all its goals. With `active_only` it may be left without any; the list then
        leaves out the challenge.
        """
        shown = indexes
        if active_only:
            active = set(self._active_indexes(states))
            shown = [index for index in indexes if index in active]
        if not shown:
            challenge = self._fragments.goals[indexes[0]].challenge
            return self._fragments.challenge_openings[challenge] + CHALLENGE_END
        answer = self._list_page(shown).render(states, self._fragments.boundaries(now_ms), now_ms)
        return answer[len(LIST_START) : -len(LIST_END)]

    def initialize_answer(
        self,
        states: States,
        assigned_at_ms: Sequence[int],
        now_ms: int,
        new_assignments: int,
    ) -> bytes:
        """Return the body of `POST /v1/challenges/initialize`: active goals, and how many are new.

        `assigned_at_ms[k]` is the instant of the k-th entry of assigned goals.
        """
        active = (index for index, state in states.own.items() if state.is_active)
        more = not all(map(self._group_of.__contains__, active))
        page = self._initialize_any if more else self._initialize
        boundaries = self._fragments.boundaries(now_ms)
        return page.render(states, assigned_at_ms, boundaries, new_assignments)

    def _toggled(self, states: States) -> bool:
        """Return whether other goals are active than those that were assigned."""
        are_assigned = map(self._group_of.__contains__, states.own)
        are_active = [state.is_active for state in states.own.values()]
        return not all(map(eq, are_active, are_assigned))

    def _active_indexes(self, states: States) -> list[int]:
        active = {index for index in self._assigned_in_order if index not in states.own}
        active.update(index for index, state in states.own.items() if state.is_active)
        return sorted(active)

    def _list_page(self, shown: Sequence[int]) -> ListPage:
        fragments = self._fragments
        return ListPage(fragments.goals, fragments.challenge_openings, shown, self._group_of)

    @cached_property
    def _initialize_any(self) -> InitializePage:
        return self._initialize_page(range(len(self._fragments.goals)))

    def _initialize_page(self, laid_out: Sequence[int]) -> InitializePage:
        return InitializePage(self._fragments.goals, laid_out, self._parts, self._part_of)
