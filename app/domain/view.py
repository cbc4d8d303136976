"""What a player sees of each goal, from the facts, the catalogue and the moment."""

from collections.abc import Mapping
from typing import NamedTuple

from app.domain.facts import GoalFacts, Number
from app.domain.goal import GoalState, Status
from app.domain.plan import Plan
from app.domain.player import Player
from app.domain.progress import Days, given_progress, normal, progress_of, shown
from app.domain.rules import Rule, Rules

DONE = frozenset({Status.COMPLETED, Status.CLAIMED})


class View(NamedTuple):
    """The goals that differ from their untouched state, by number, in one moment."""

    rules: Rules
    plan: Plan
    player: Player
    now_ms: int
    states: Mapping[int, GoalState]

    def of(self, number: int) -> GoalState:
        """Return what the player sees of a goal."""
        return self.states.get(number) or _untouched(self.rules, self.plan, self.player, number)


def view(rules: Rules, plan: Plan, player: Player, now_ms: int) -> View:
    """Return what the player sees. `plan` is that of the player's list of revisions."""
    days = Days(now_ms)
    states = _as_they_move(plan, player, days)
    done = set()
    # By the state they moved with, which is kept beside: its identity must not be used again.
    completed: dict[tuple[int, int | None, int | None, Number], tuple[GoalState, GoalState]] = {}
    for goal_id, facts in player.goals.items():
        rule = rules.by_id.get(goal_id)
        if rule is None:
            continue
        number = rule.number
        if facts.active is not None or rule.span is not None:
            state = _with_facts(plan, player, rule, facts, days)
        elif number not in states:
            state = _as_given(_untouched(rules, plan, player, number), facts)
        else:
            # Most facts are of goals that were given and completed, many at one moment.
            moving = states[number]
            key = (id(moving), facts.completed_at_ms, facts.claimed_at_ms, facts.carry)
            if key not in completed:
                completed[key] = moving, _as_given(moving, facts)
            _, state = completed[key]
        states[number] = state
        if state.status in DONE:
            done.add(number)
    _unlock(rules, plan, player, states, done)
    return View(rules, plan, player, now_ms, states)


def _as_they_move(plan: Plan, player: Player, days: Days) -> dict[int, GoalState]:
    """Return the states of given goals with progress, as long as nothing else is known of them.

    One state for all that move together: 500 goals take no longer than five.
    """
    states: dict[int, GoalState] = {}
    for key, stat in player.stats.items():
        for group in plan.groups.get(key, ()):
            progress = shown(given_progress(group, stat, group.entry, days))
            if progress > 0:
                assigned_at_ms = player.given[group.entry].at_ms
                state = GoalState(
                    progress, Status.IN_PROGRESS, None, None, True, assigned_at_ms, False
                )
                states.update(dict.fromkeys(group.free, state))
                if group.gated:
                    states.update(dict.fromkeys(group.gated, state._replace(locked=True)))
    return states


def _as_given(state: GoalState, facts: GoalFacts) -> GoalState:
    """Return the state of a goal that was given, never resets and was completed."""
    claimed_at_ms = facts.claimed_at_ms
    if claimed_at_ms is not None:
        progress, status = shown(facts.carry), Status.CLAIMED
    else:
        progress, status = state.progress, Status.COMPLETED
    return GoalState(progress, status, facts.completed_at_ms, claimed_at_ms, *state[4:])


def _with_facts(plan: Plan, player: Player, rule: Rule, stored: GoalFacts, days: Days) -> GoalState:
    entry = plan.entry_of.get(rule.number)
    facts = normal(stored, rule, days.of(rule.span))
    progress = shown(progress_of(rule, facts, player.stats.get(rule.stat), entry, days))
    if facts.claimed:
        status = Status.CLAIMED
    elif facts.completed:
        status = Status.COMPLETED
    else:
        status = Status.IN_PROGRESS if progress > 0 else Status.NOT_STARTED
    given = entry is not None and facts.active is None
    return GoalState(
        progress,
        status,
        facts.completed_at_ms,
        facts.claimed_at_ms,
        facts.active or given,
        player.given[entry].at_ms if entry is not None and given else facts.assigned_at_ms,
        bool(rule.prerequisites),
    )


def _unlock(
    rules: Rules, plan: Plan, player: Player, states: dict[int, GoalState], done: set[int]
) -> None:
    """Open the locks whose prerequisites are all completed or claimed, active or not."""
    opened = {number for goal in done for number in rules.dependents.get(goal, ())}
    for number in opened:
        if done.issuperset(rules.goals[number].prerequisites):
            state = states.get(number) or _untouched(rules, plan, player, number)
            states[number] = state._replace(locked=False)


def _untouched(rules: Rules, plan: Plan, player: Player, number: int) -> GoalState:
    entry = plan.entry_of.get(number)
    return GoalState(
        0,
        Status.NOT_STARTED,
        None,
        None,
        entry is not None,
        None if entry is None else player.given[entry].at_ms,
        bool(rules.goals[number].prerequisites),
    )
