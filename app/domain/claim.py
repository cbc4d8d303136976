"""The rule of claims: who may have which reward, and the key under which it is granted once."""

from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from msgspec.structs import replace

from app.domain.facts import GoalFacts
from app.domain.period import EPOCH_ORDINAL
from app.domain.player import Player
from app.domain.progress import NO_FACTS, Days, normal, progress_of, settled
from app.domain.rules import Rule
from app.domain.upkeep import drop_what_says_nothing
from app.domain.view import View

CLAIMS = UUID("73ff1a91-6dd7-54cd-a42a-bdd0d9e3aebe")
"""The namespace of claim ids (RFC 9562, version 5)."""

ONCE = "once"
"""The period of a claim that can be made once in a player's life."""


class Refusal(StrEnum):
    """Why a claim is refused. The order is the order in which it is found out."""

    NOT_ACTIVE = "not_active"
    ALREADY_CLAIMED = "already_claimed"
    LOCKED = "locked"
    ROTATED = "rotated"
    NOT_COMPLETED = "not_completed"


class Claimed(NamedTuple):
    """The facts after a claim, its identity, and the goal's facts as they are without it."""

    player: Player
    claim_id: UUID
    period: str
    before: GoalFacts


def claim(view: View, number: int) -> Claimed | Refusal:
    """Decide a claim of goal `number` in the moment of `view`."""
    rule = view.rules.goals[number]
    player = view.player
    entry = view.plan.entry_of.get(number)
    stored = player.goals.get(rule.goal_id, NO_FACTS)
    if stored.active is None and entry is None:
        return Refusal.NOT_COMPLETED
    if stored.active is False:
        return Refusal.NOT_ACTIVE
    days = Days(view.now_ms)
    facts = normal(stored, rule, days.of(rule.span))
    if facts.claimed:
        return Refusal.ALREADY_CLAIMED
    facts = settled(rule, facts, player, entry, days)
    if not facts.completed:
        forfeited = stored.completed and not stored.claimed
        return Refusal.ROTATED if forfeited else Refusal.NOT_COMPLETED
    if view.of(number).locked:
        return Refusal.LOCKED
    carry = max(0, progress_of(rule, facts, player.stats.get(rule.stat), entry, days))
    before, facts = facts, replace(facts, claimed_at_ms=view.now_ms, carry=carry)
    period = claim_period(rule, facts)
    player = player._replace(goals={**player.goals, rule.goal_id: facts})
    return Claimed(
        drop_what_says_nothing(view.rules, player, view.now_ms),
        claim_id(player.player_id, rule.goal_id, period),
        period,
        before,
    )


def claim_period(rule: Rule, facts: GoalFacts) -> str:
    """Return the period of a claim as its key has it, for example `w2026-03-02`, or `once`."""
    letter = rule.claim_letter
    if letter is None or facts.period is None:
        return ONCE
    return letter + date.fromordinal(facts.period + EPOCH_ORDINAL).isoformat()


def claim_id(player_id: str, goal_id: str, period: str) -> UUID:
    """Return the one id that this claim can have, however often it is sent."""
    # Lengths lead, so that no two keys are one text.
    return uuid5(CLAIMS, f"{len(player_id)}:{player_id}{len(goal_id)}:{goal_id}{period}")
