"""What a player decides about goals: one at a time, a list of them, or a number of them at random.

All of them end in `_decide`: deactivating freezes a goal's progress, and activating goes on from
there. Between a decision and the event after it nothing moves.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from app.domain.facts import GoalFacts
from app.domain.goal import Status
from app.domain.player import Player
from app.domain.progress import NO_FACTS, Days, normal, progress_of, settled
from app.domain.rules import Rule
from app.domain.upkeep import drop_what_says_nothing
from app.domain.view import DONE, View

Sample = Callable[[Sequence[int], int], Sequence[int]]
"""Draws n of these without replacement, in any order, each as likely as the other."""


class Selected(NamedTuple):
    """The facts after a selection. Numbers are of goals: those selected, and those replaced."""

    player: Player
    selected: tuple[int, ...]
    replaced: tuple[int, ...]


def set_active(view: View, number: int, *, active: bool) -> Player:
    """Return the facts after one decision; the same object if it is what stands already."""
    return _decide(view, [number], active=active)


def select(
    view: View, challenge: Sequence[int], chosen: Sequence[int], *, replace_existing: bool
) -> Selected:
    """Activate `chosen`, goals of `challenge`; with `replace_existing` instead of what is active.

    What is completed stays active: its reward can still be claimed. A chosen goal that was active
    is among the replaced ones, too, as in the contract.
    """
    replaced: tuple[int, ...] = ()
    if replace_existing:
        replaced = tuple(
            number
            for number in challenge
            if view.of(number).is_active and view.of(number).status is not Status.COMPLETED
        )
    player = _decide(view, set(replaced).difference(chosen), active=False)
    player = _decide(view._replace(player=player), chosen, active=True)
    return Selected(player, tuple(chosen), replaced)


def pool(view: View, challenge: Iterable[int], *, without_active: bool) -> list[int]:
    """Return the goals that a random selection may draw, in catalogue order."""
    return [
        number
        for number in challenge
        if (state := view.of(number)).status not in DONE
        and not state.locked
        and not (without_active and state.is_active)
    ]


def _decide(view: View, numbers: Collection[int], *, active: bool) -> Player:
    player = view.player
    days = Days(view.now_ms)
    changed: dict[str, GoalFacts] = {}
    for number in numbers:
        rule = view.rules.goals[number]
        facts = _decided(view, rule, days, active=active)
        if facts is not None:
            changed[rule.goal_id] = facts
    if not changed:
        return player
    player = player._replace(goals={**player.goals, **changed})
    return drop_what_says_nothing(view.rules, player, view.now_ms)


def _decided(view: View, rule: Rule, days: Days, *, active: bool) -> GoalFacts | None:
    """Return a goal's facts after a decision, or None where it says what is so already."""
    player = view.player
    entry = view.plan.entry_of.get(rule.number)
    stored = player.goals.get(rule.goal_id, NO_FACTS)
    current = stored.active if stored.active is not None else (True if entry is not None else None)
    if current is active:
        return None
    facts = normal(stored, rule, days.of(rule.span))
    # What was seen as completed stays so.
    facts = settled(rule, facts, player, entry, days)
    assigned_at_ms = facts.assigned_at_ms
    if facts.active is None and entry is not None:
        assigned_at_ms = player.assignments[entry].at_ms
    if active:
        return replace(facts, active=True, assigned_at_ms=view.now_ms, offset=None)
    carry = facts.carry
    if not facts.claimed:
        carry = max(0, progress_of(rule, facts, player.stats.get(rule.stat), entry, days))
    return replace(facts, active=False, assigned_at_ms=assigned_at_ms, carry=carry, offset=None)
