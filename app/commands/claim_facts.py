"""A claim as every command shows it: one JSON object, or lines that nothing cuts."""

from app.commands.facts import Json, instant
from app.domain.reward import ClaimState
from app.domain.text import visible
from db.outbox import StoredClaim
from db.timestamps import to_ms


def claim_json(stored: StoredClaim) -> Json:
    """Return all that is known of a claim."""
    claim = stored.claim
    settled_at = stored.settled_at
    return {
        "claimId": str(claim.claim_id),
        "player": claim.player_id,
        "challengeId": claim.challenge_id,
        "goalId": claim.goal_id,
        "period": claim.period,
        "namespace": claim.namespace,
        "reward": {
            "type": claim.reward.type,
            "rewardId": claim.reward.reward_id,
            "quantity": claim.reward.quantity,
        },
        "claimedAt": instant(claim.claimed_at_ms),
        "state": stored.state,
        "attempts": stored.attempt,
        "underWay": stored.leased,
        "nextAttemptAt": (
            instant(to_ms(stored.due_at)) if stored.state is ClaimState.PENDING else None
        ),
        "settledAt": None if settled_at is None else instant(to_ms(settled_at)),
        "lastError": stored.error,
        "playerDeleted": stored.erase,
    }


def claim_text(stored: StoredClaim) -> str:
    """Return all lines of one claim: no terminal is too narrow, and nothing is cut."""
    claim = stored.claim
    deleted = " (data deleted)" if stored.erase else ""
    lines = {
        "player": claim.player_id + deleted,
        "goal": f"{claim.goal_id}, {claim.period}",
        "reward": f"{claim.reward.quantity} {claim.reward.type} {claim.reward.reward_id}",
        "claimed": instant(claim.claimed_at_ms),
        "attempts": str(stored.attempt),
        "last error": stored.error or "none",
    }
    head = f"{claim.claim_id} {stored.state}\n"
    return head + "".join(f"  {name:10}  {visible(text)}\n" for name, text in lines.items())
