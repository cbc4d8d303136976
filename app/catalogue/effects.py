"""Whom a catalogue affects that is not served yet: what it changes, and how many players have it.

Players are counted page by page. What is kept of them are numbers by goal, and how many players
have the same list of catalogue revisions: of so many lists at most, then they are added up.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from app.domain.goal import Catalogue
from app.domain.identity import Before
from app.domain.player import Player

LISTS_MAX: Final = 128


class Change(StrEnum):
    """What becomes of a goal."""

    GOES = "goes"
    GONE = "went before"
    RAISED = "target raised"
    LOWERED = "target lowered"
    ASSIGNED = "assigned by default"
    NOT_ASSIGNED = "no default any more"


class GoalChange(NamedTuple):
    """One change of one goal; the targets of a goal whose target changes, else None."""

    goal_id: str
    change: Change
    was: int | None = None
    now: int | None = None


class Affected(NamedTuple):
    """How many players a change is about.

    `players` have the goal: it was assigned to them, or something is stored of it. Of a new default
    they are those who would be assigned it. `unclaimed` completed it and did not claim it.
    """

    players: int
    unclaimed: int


def changes(catalogue: Catalogue, before: Before, ever: Iterable[str]) -> list[GoalChange]:
    """Return what changes, the most far-reaching first. `ever` are all goals that ever were."""
    ids = {goal.goal_id for goal in catalogue.goals}
    targets = before.targets or {}
    found = [GoalChange(goal_id, Change.GOES) for goal_id in sorted(before.goals - ids)]
    found += [GoalChange(goal_id, Change.GONE) for goal_id in sorted({*ever} - before.goals - ids)]
    for goal in catalogue.goals:
        now = goal.requirement.target_value
        was = targets.get(goal.goal_id, now)
        if was != now:
            change = Change.RAISED if now > was else Change.LOWERED
            found.append(GoalChange(goal.goal_id, change, was, now))
    for goal in catalogue.goals:
        if goal.default_assigned != (goal.goal_id in before.defaults):
            change = Change.ASSIGNED if goal.default_assigned else Change.NOT_ASSIGNED
            found.append(GoalChange(goal.goal_id, change))
    order = list(Change)
    return sorted(found, key=lambda each: order.index(each.change))


class _Alike(NamedTuple):
    """Of players with one list of revisions: the goals in question that they have, or lack."""

    has: frozenset[str]
    lacks: frozenset[str]


class Tally:
    """Counts whom changes affect. `players` are all; to `newly_assigned` something new comes."""

    def __init__(self, found: Sequence[GoalChange]) -> None:
        self.players = 0
        self.newly_assigned = 0
        self._goals = frozenset(each.goal_id for each in found)
        self._new = frozenset(each.goal_id for each in found if each.change is Change.ASSIGNED)
        self._alike: dict[tuple[int, ...], _Alike] = {}
        self._lists: Counter[tuple[int, ...]] = Counter()
        self._have: Counter[str] = Counter()
        self._lack: Counter[str] = Counter()
        self._unclaimed: Counter[str] = Counter()

    def add(self, players: Iterable[Player], defaults_of: Mapping[int, frozenset[str]]) -> None:
        """Count players; `defaults_of` has the defaults of each of their revisions."""
        for player in players:
            alike = self._find_alike(player.revisions, defaults_of)
            self._lists[player.revisions] += 1
            self._add(player, alike)

    def affected(self, change: GoalChange) -> Affected:
        """Return how many of those who were counted a change is about."""
        self._fold()
        counted = self._lack if change.change is Change.ASSIGNED else self._have
        return Affected(counted[change.goal_id], self._unclaimed[change.goal_id])

    def _add(self, player: Player, alike: _Alike) -> None:
        decided = 0
        for goal_id in player.goals.keys() & self._goals:
            facts = player.goals[goal_id]
            if goal_id not in alike.has:
                self._have[goal_id] += 1
            if facts.completed and not facts.claimed:
                self._unclaimed[goal_id] += 1
            if facts.active is not None and goal_id in alike.lacks:
                # What a player decided outranks any default.
                self._lack[goal_id] -= 1
                decided += 1
        self.players += 1
        self.newly_assigned += len(alike.lacks) > decided

    def _find_alike(
        self, revisions: tuple[int, ...], defaults_of: Mapping[int, frozenset[str]]
    ) -> _Alike:
        alike = self._alike.get(revisions)
        if alike is None:
            if len(self._alike) == LISTS_MAX:
                self._fold()
            assigned = frozenset[str]().union(*(defaults_of[number] for number in revisions))
            alike = _Alike(assigned & self._goals, self._new - assigned)
            self._alike[revisions] = alike
        return alike

    def _fold(self) -> None:
        for revisions, count in self._lists.items():
            alike = self._alike[revisions]
            for goal_id in alike.has:
                self._have[goal_id] += count
            for goal_id in alike.lacks:
                self._lack[goal_id] += count
        self._lists.clear()
        self._alike.clear()
