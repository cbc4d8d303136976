"""The rule of initialize: who gets which defaults, once, and hears of them once."""

from collections.abc import Collection
from typing import NamedTuple

from app.domain.facts import Assignment
from app.domain.plan import Plan
from app.domain.player import Player
from app.domain.rules import Rules


class Initialized(NamedTuple):
    """The facts after an initialize, how many goals are new to the player, and whether to write."""

    player: Player
    new_assignments: int
    changed: bool


class First(NamedTuple):
    """What a first initialize assigns: the defaults of `revision`, nothing if None; how many."""

    revision: int | None
    new_assignments: int


def initialize(
    rules: Rules, plan: Plan, player: Player, revision: int, clock_ms: int
) -> Initialized:
    """Decide an initialize under catalogue `revision`; `plan` is of the player's revisions.

    Defaults that no entry assigns are assigned now, and what was assigned without an initialize is
    reported. What the player decided about is neither: a refusal outranks any default.
    """
    # The clock steps back when another server takes over; what a row has seen stays.
    now_ms = max(clock_ms, player.changed_at_ms)
    assigned = assign_defaults(rules, plan, player, revision, now_ms).assignments
    if player.version and len(assigned) == player.answered:
        return Initialized(player, 0, changed=False)
    new_assignments = sum(
        _undecided(rules, player, numbers)
        for numbers in (*plan.goals[player.answered :], plan.missing)
    )
    facts = player._replace(changed_at_ms=now_ms, answered=len(assigned), assignments=assigned)
    return Initialized(facts, new_assignments, changed=True)


def first_initialize(rules: Rules, plan: Plan, revision: int) -> First:
    """Decide the initialize of whoever has no row; `plan` is of no revisions."""
    decided = initialize(rules, plan, Player.unknown("", 0), revision, 0)
    return First(next(iter(decided.player.revisions), None), decided.new_assignments)


def assign_defaults(rules: Rules, plan: Plan, player: Player, revision: int, now_ms: int) -> Player:
    """Return the player with the defaults of `revision`, if one of them is new to them."""
    if not _undecided(rules, player, plan.missing):
        return player
    return player._replace(assignments=(*player.assignments, Assignment(revision, now_ms)))


def _undecided(rules: Rules, player: Player, numbers: Collection[int]) -> int:
    """Return how many of these goals the player decided nothing about."""
    decided = {goal_id for goal_id, facts in player.goals.items() if facts.active is not None}
    if not decided:
        return len(numbers)
    return sum(rules.goals[number].goal_id not in decided for number in numbers)
