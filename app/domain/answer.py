"""Answers spliced from fragments: what does not change is encoded once per catalogue revision.

    Fragments   one per catalogue revision: every goal's constant bytes
      └─ Template   one per history of given goals: the answers of a player who changed nothing
           └─ list_answer, challenge_answer, initialize_answer
                    per call: what this player changed is put in between

Goals are addressed by their index in catalogue order. A goal that is not in `states` is
*untouched*: progress 0, not started, locked if it has prerequisites, active if it was given.
So a goal of which only the lock has opened belongs into `states`, too. Answers are UTF-8 JSON
without white space, each member once and in a fixed order.
"""

from collections.abc import Collection, Mapping, Sequence
from operator import eq

from app.domain.fragments import (
    CHALLENGE_END,
    LIST_END,
    LIST_START,
    GoalFragments,
    challenge_opening,
    encode_goal,
)
from app.domain.goal import Catalogue, Schedule, States
from app.domain.pages import Boundaries, InitializePage, ListPage
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

    def template(self, given: Sequence[Collection[int]], group_of: Mapping[int, int]) -> "Template":
        """Return the template for players to whom the k-th entry gave the goals in `given[k]`.

        A goal in several entries belongs to the first. `group_of` has the group of each given goal
        that moves with others of the same entry (`app.domain.plan`). Making one costs about as much
        as twenty answers, so keep it; its own memory is small, since the bytes are shared.
        """
        return Template(self, given, group_of)

    def boundaries(self, now_ms: int) -> Boundaries:
        """Return when each schedule that some goal follows turns next."""
        boundaries: dict[Schedule | None, int | None] = {None: None}
        for schedule in self._schedules:
            boundaries[schedule] = next_boundary_ms(schedule, now_ms)
        return boundaries


class Template:
    """The answers for all players with the same given goals, open where one may differ."""

    def __init__(
        self,
        fragments: Fragments,
        given: Sequence[Collection[int]],
        group_of: Mapping[int, int],
    ) -> None:
        self._fragments = fragments
        self._group_of = group_of
        self._entry_of: dict[int, int] = {}
        for entry, indexes in enumerate(given):
            for index in indexes:
                self._entry_of.setdefault(index, entry)
        self._given_in_order = sorted(self._entry_of)
        self._all = self._list_page(range(len(fragments.goals)))
        self._active = self._list_page(self._given_in_order)
        self._initialize = self._initialize_page(self._given_in_order)

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

        `assigned_at_ms[k]` is the instant of the k-th entry of given goals.
        """
        page = self._initialize
        if self._toggled(states):
            page = self._initialize_page(self._active_indexes(states))
        boundaries = self._fragments.boundaries(now_ms)
        return page.render(states, assigned_at_ms, boundaries, new_assignments)

    def _toggled(self, states: States) -> bool:
        """Return whether other goals are active than those that were given."""
        are_given = map(self._entry_of.__contains__, states.own)
        are_active = [state.is_active for state in states.own.values()]
        return not all(map(eq, are_active, are_given))

    def _active_indexes(self, states: States) -> list[int]:
        active = {index for index in self._given_in_order if index not in states.own}
        active.update(index for index, state in states.own.items() if state.is_active)
        return sorted(active)

    def _list_page(self, shown: Sequence[int]) -> ListPage:
        fragments = self._fragments
        return ListPage(
            fragments.goals, fragments.challenge_openings, shown, self._entry_of, self._group_of
        )

    def _initialize_page(self, shown: Sequence[int]) -> InitializePage:
        return InitializePage(self._fragments.goals, shown, self._entry_of, self._group_of)
