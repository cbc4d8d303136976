"""Lets a player claim a reward: one statement that marks and records, then one call.

    read the facts ─► decide ─► mark the goal and record the claim ─► give the place back
                        ▲              │ lost                              │
                        └──────────────┘                     call the provider, wait a moment

Nothing is locked before the write. It is guarded by the version that was read, so of parallel
claims one is made, and the others read again and find the goal claimed. While the provider is
waited for, neither a connection nor a place is held.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from uuid import UUID

from app.domain.catalogue_state import CatalogueState
from app.domain.claim import Claimed, Refusal, claim, claim_id, claim_period
from app.domain.goal import Goal
from app.domain.period import instant_text
from app.domain.player import Players, Revisions
from app.domain.progress import NO_FACTS, Days, normal
from app.domain.reward import (
    Call,
    Claim,
    Claims,
    ClaimState,
    Deliveries,
    Making,
    restored,
)
from app.domain.rules import Rule
from app.domain.view import DONE, View
from app.errors import Problem, Reason, short
from app.services.challenges import see
from app.services.contention import ROUNDS_MAX, contended


class Claiming(NamedTuple):
    """What a claim needs: where the rows are, who grants, and whose namespace this is."""

    players: Players
    revisions: Revisions
    claims: Claims
    deliveries: Deliveries
    namespace: str


class ClaimResult(NamedTuple):
    """A claim that was made, and how far its reward is: granted, or pending."""

    claim: Claim
    state: ClaimState


async def claim_reward(
    ports: Claiming,
    state: CatalogueState,
    player_id: str,
    challenge_id: str,
    goal_id: str,
    release_place: Callable[[], None],
) -> ClaimResult:
    """Claim a goal's reward; `release_place` is called as soon as the claim is committed.

    Raise Problem with the reason why it cannot be claimed; reward_grant_failed if the provider
    refuses at once, and the claim is undone; or database_unavailable.
    """
    rule = state.rules.by_id.get(goal_id)
    if rule is None or rule.number not in state.rules.challenges.get(challenge_id, ()):
        raise _goal_not_found(challenge_id, goal_id)
    goal = state.catalogue.goals[rule.number]
    held = False
    leased: Call | None = None
    try:
        for _ in range(ROUNDS_MAX):
            seen = (await see(ports.players, ports.revisions, state, player_id)).view
            claimed = _decide(seen, rule, challenge_id)
            held = held or await ports.deliveries.reserve()
            call = _first_call(ports, seen, claimed, goal)
            # From here until it is known what was written, whoever leaves may leave a lease behind.
            leased = call
            making = await _make(ports, claimed, call.claim, held=held)
            if making is Making.LOST:
                leased = None
                continue
            release_place()
            if making is Making.MADE and held:
                held = False  # the delivery has it from now on
                return await _deliver(ports, claimed, call)
            return ClaimResult(call.claim, ports.deliveries.leave())
    finally:
        if held:
            ports.deliveries.cancel(leased)
    raise contended()


def _decide(seen: View, rule: Rule, challenge_id: str) -> Claimed:
    """Return the facts after the claim. Raise Problem with the reason why there is none."""
    decided = claim(seen, rule.number)
    if isinstance(decided, Refusal):
        raise _refused(decided, seen, rule, challenge_id)
    return decided._replace(player=decided.player._replace(changed_at_ms=seen.now_ms))


def _first_call(ports: Claiming, seen: View, claimed: Claimed, goal: Goal) -> Call:
    made = Claim(
        claimed.claim_id,
        claimed.player.player,
        goal.goal_id,
        claimed.period,
        goal.challenge_id,
        ports.namespace,
        goal.reward,
        seen.now_ms,
    )
    return Call(made, attempt=1, tries=1, uncertain=False)


async def _make(ports: Claiming, claimed: Claimed, made: Claim, *, held: bool) -> Making:
    """Write the claim. Raise Problem(already_claimed) if it was made in an earlier life."""
    lease_ms = ports.deliveries.lease_ms if held else None
    making = await ports.claims.make(claimed.player, made, lease_ms)
    if making is Making.ERASED:
        # Marked, so that the list says what this answer says; who lost the race reads again.
        if not await ports.players.update_goals(claimed.player):
            return Making.LOST
        raise _already_claimed(made.goal_id, made.claim_id)
    if making is Making.CONFLICT:
        raise _already_claimed(made.goal_id, made.claim_id)
    return making


async def _deliver(ports: Claiming, claimed: Claimed, call: Call) -> ClaimResult:
    made = call.claim
    goal_id = made.goal_id
    restore = partial(
        restored,
        goal_id=goal_id,
        claimed=claimed.player.goals[goal_id],
        before=claimed.before,
    )
    state = await ports.deliveries.deliver(call, partial(ports.claims.undo, call, restore))
    if state is ClaimState.REFUSED:
        raise Problem(
            Reason.REWARD_GRANT_FAILED,
            "The reward provider refuses this reward; the goal can be claimed again.",
            message=f"Failed to grant reward via Platform Service after 3 retries "
            f"(goal_id: {goal_id})",
            extra={"claimId": str(made.claim_id)},
        )
    return ClaimResult(made, state)


# ── why there is no claim ────────────────────────────────────────────────────────────────────────


def _goal_not_found(challenge_id: str, goal_id: str) -> Problem:
    return Problem(
        Reason.GOAL_NOT_FOUND,
        "Goal not found or removed from config "
        f"(goal_id: {short(goal_id)}, challenge_id: {short(challenge_id)})",
    )


def _refused(refusal: Refusal, seen: View, rule: Rule, challenge_id: str) -> Problem:
    goal_id = rule.goal_id
    match refusal:
        case Refusal.NOT_ACTIVE:
            return Problem(
                Reason.GOAL_NOT_ACTIVE,
                "Goal must be active to claim reward. Activate it first via PUT "
                f"/v1/challenges/{challenge_id}/goals/{goal_id}/active (goal_id: {goal_id})",
            )
        case Refusal.ROTATED:
            return Problem(
                Reason.GOAL_ROTATED,
                "Goal has rotated and must be re-completed "
                f"(goal_id: {goal_id}, challenge_id: {challenge_id})",
            )
        case Refusal.ALREADY_CLAIMED:
            return _already_claimed(goal_id, *_standing_claim(seen, rule))
        case Refusal.LOCKED:
            missing = [
                seen.rules.goals[number].goal_id
                for number in rule.prerequisites
                if seen.of(number).status not in DONE
            ]
            return Problem(
                Reason.GOAL_LOCKED,
                f"Prerequisites not completed (goal_id: {goal_id})",
                extra={"missingPrerequisites": missing},
            )
        case Refusal.NOT_COMPLETED:
            status = seen.of(rule.number).status
            return Problem(
                Reason.GOAL_NOT_COMPLETED,
                "Goal not completed. Please wait 1 second and try again. "
                f"(goal_id: {goal_id}, status: {status})",
            )


def _standing_claim(seen: View, rule: Rule) -> tuple[UUID, int]:
    """Return the id and the moment of the claim that stands in the way."""
    stored = seen.player.goals.get(rule.goal_id, NO_FACTS)
    facts = normal(stored, rule, Days(seen.now_ms).of(rule.span))
    assert facts.claimed_at_ms is not None
    period = claim_period(rule, facts)
    return claim_id(seen.player.player, rule.goal_id, period), facts.claimed_at_ms


def _already_claimed(goal_id: str, claim_id: UUID, claimed_at_ms: int | None = None) -> Problem:
    """Return the problem; of a claim that was forgotten with its player, no moment is known."""
    known = {} if claimed_at_ms is None else {"claimedAt": instant_text(claimed_at_ms)}
    moment = "".join(f", claimed_at: {text}" for text in known.values())
    return Problem(
        Reason.ALREADY_CLAIMED,
        f"Reward has already been claimed (goal_id: {goal_id}{moment})",
        extra={"claimId": str(claim_id), **known},
    )
