"""What a player sees of each goal, from the facts, the catalogue and the moment."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from app.domain.facts import GoalFacts
from app.domain.goal import GoalState, States, Status
from app.domain.plan import Plan
from app.domain.player import Player
from app.domain.progress import (
    NO_FACTS,
    Days,
    assigned_progress,
    normal,
    progress_of,
    settled,
    whole,
)
from app.domain.rules import Rule, Rules

DONE = frozenset({Status.COMPLETED, Status.CLAIMED})


class View(NamedTuple):
    """What a player sees in one moment: the goals that differ from their untouched state."""

    rules: Rules
    plan: Plan
    player: Player
    now_ms: int
    states: States

    def of(self, number: int) -> GoalState:
        """Return what the player sees of a goal."""
        own = self.states.own.get(number)
        return own or _moving_or_untouched(
            self.rules, self.plan, self.player, self.states.moving, number
        )


def view_of(rules: Rules, plan: Plan, player: Player, now_ms: int) -> View:
    """Return what the player sees. `plan` is that of the player's list of revisions."""
    days = Days(now_ms)
    moving = _as_they_move(plan, player, days)
    own = dict(_reached(plan, player, moving, days))
    done = set(own)
    # Most facts are of goals that were assigned and completed, many at one moment.
    alike: dict[tuple[int | None, bool, int | None, int | None, float], GoalState] = {}
    by_id, group_of = rules.by_id, plan.group_of
    for goal_id, facts in player.goals.items():
        rule = by_id.get(goal_id)
        if rule is None:
            continue
        number = rule.number
        if facts.active is not None or rule.span is not None:
            state = _with_facts(plan, player, rule, facts, days)
        else:
            key = (
                group_of.get(number),
                bool(rule.prerequisites),
                facts.completed_at_ms,
                facts.claimed_at_ms,
                facts.carry,
            )
            if key not in alike:
                before = _moving_or_untouched(rules, plan, player, moving, number)
                alike[key] = _as_assigned(before, facts)
            state = alike[key]
        own[number] = state
        if state.status in DONE:
            done.add(number)
    view = View(rules, plan, player, now_ms, States(moving, own))
    for number in _opened(rules, done):
        own[number] = view.of(number)._replace(locked=False)
    return view


def _as_they_move(plan: Plan, player: Player, days: Days) -> dict[int, GoalState]:
    """Return the states of groups with progress, as long as nothing else is known of a goal.

    One state for all that move together: 500 goals take no longer than five.
    """
    moving: dict[int, GoalState] = {}
    for key, stat in player.stats.items():
        for group in plan.by_stat.get(key, ()):
            progress = whole(assigned_progress(group, stat, group.entry, days))
            if progress > 0:
                assigned_at_ms = player.assignments[group.entry].at_ms
                moving[group.number] = GoalState(
                    progress, Status.IN_PROGRESS, None, None, True, assigned_at_ms, False
                )
    return moving


def _reached(
    plan: Plan, player: Player, moving: Mapping[int, GoalState], days: Days
) -> Iterator[tuple[int, GoalState]]:
    """Yield the goals that are completed though no event did it: their target was lowered."""
    goals = player.goals
    for group_number, state in moving.items():
        group = plan.groups[group_number]
        for rule in group.reached(state.progress):
            if rule.goal_id not in goals:
                facts = settled(rule, NO_FACTS, player, group.entry, days)
                before = state._replace(locked=bool(rule.prerequisites))
                yield rule.number, _as_assigned(before, facts)


def _as_assigned(state: GoalState, facts: GoalFacts) -> GoalState:
    """Return the state of a goal that was assigned, never resets and was completed."""
    claimed_at_ms = facts.claimed_at_ms
    if claimed_at_ms is not None:
        progress, status = whole(facts.carry), Status.CLAIMED
    else:
        progress, status = state.progress, Status.COMPLETED
    return GoalState(progress, status, facts.completed_at_ms, claimed_at_ms, *state[4:])


def _with_facts(plan: Plan, player: Player, rule: Rule, stored: GoalFacts, days: Days) -> GoalState:
    entry = plan.entry_of.get(rule.number)
    facts = normal(stored, rule, days.of(rule.span))
    facts = settled(rule, facts, player, entry, days)
    progress = whole(progress_of(rule, facts, player.stats.get(rule.stat), entry, days))
    if facts.claimed:
        status = Status.CLAIMED
    elif facts.completed:
        status = Status.COMPLETED
    else:
        status = Status.IN_PROGRESS if progress > 0 else Status.NOT_STARTED
    assigned = entry is not None and facts.active is None
    return GoalState(
        progress,
        status,
        facts.completed_at_ms,
        facts.claimed_at_ms,
        facts.active or assigned,
        player.assignments[entry].at_ms if entry is not None and assigned else facts.assigned_at_ms,
        bool(rule.prerequisites),
    )


def _opened(rules: Rules, done: set[int]) -> Iterator[int]:
    """Yield the goals whose prerequisites are all completed or claimed, active or not."""
    concerned = {
        number for goal in rules.dependents.keys() & done for number in rules.dependents[goal]
    }
    for number in concerned:
        if done.issuperset(rules.goals[number].prerequisites):
            yield number


def _moving_or_untouched(
    rules: Rules, plan: Plan, player: Player, moving: Mapping[int, GoalState], number: int
) -> GoalState:
    """Return the state of a goal of which nothing is known but that it may have been assigned."""
    gated = bool(rules.goals[number].prerequisites)
    group = plan.group_of.get(number)
    state = None if group is None else moving.get(group)
    if state is not None:
        return state._replace(locked=True) if gated else state
    entry = plan.entry_of.get(number)
    assigned_at_ms = None if entry is None else player.assignments[entry].at_ms
    return GoalState(0, Status.NOT_STARTED, None, None, entry is not None, assigned_at_ms, gated)
