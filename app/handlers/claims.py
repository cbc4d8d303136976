"""A player claims a reward: the contract's answer, and its sentences for each refusal."""

from typing import Annotated, assert_never

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from app.answers.examples import AT, CLAIM_ID, GOAL_ID, REWARD
from app.answers.wire import Instant, Wire
from app.domain.claim import Refusal
from app.domain.errors import ClaimRefused, GoalUnknown, GrantRefused, WhyNoClaim
from app.domain.goal import Reward, Status
from app.domain.period import instant_text
from app.domain.reward import ClaimState
from app.errors import ServiceReason, short
from app.operation import Operation, Tag
from app.routing import json_response
from app.state import State
from middleware.problem import Problem


class ClaimAnswer(Wire, frozen=True):
    """A claim that was made; `reward_state` is pending until the provider has spoken."""

    goal_id: str
    status: Status
    reward: Reward
    claimed_at: Instant
    claim_id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
    reward_state: ClaimState


CLAIM = Operation(
    "claimReward",
    Tag.REWARDS,
    "Claim a goal's reward",
    "Marks the goal as claimed and writes the grant down in one statement; the reward provider is"
    " called after it, with the claim's id as idempotency key. Of parallel claims one is answered"
    " 200. The body means nothing and may be missing.",
    "Claimed. `rewardState` tells how far the grant is: `granted`, the provider said so; `pending`,"
    " it is asked until it says; `in_doubt`, nobody knows, and an operator decides.",
    ClaimAnswer,
    ClaimAnswer(GOAL_ID, Status.CLAIMED, REWARD, AT, CLAIM_ID, ClaimState.GRANTED),
    refuses=(
        ServiceReason.GOAL_NOT_FOUND,
        ServiceReason.GOAL_NOT_ACTIVE,
        ServiceReason.ALREADY_CLAIMED,
        ServiceReason.GOAL_ROTATED,
        ServiceReason.GOAL_NOT_COMPLETED,
        ServiceReason.GOAL_LOCKED,
        ServiceReason.REWARD_GRANT_FAILED,
    ),
)


async def claim(request: Request[State]) -> Response:
    """Claim one goal's reward. The body means nothing, whatever it holds."""
    state = request.state
    challenge_id, goal_id = (request.path_params[name] for name in ("challenge_id", "goal_id"))
    try:
        made, reward_state = await state["claims"].claim(
            state["player_id"], challenge_id, goal_id, state["release_place"]
        )
    except (GoalUnknown, ClaimRefused, GrantRefused) as refused:
        raise claim_problem(refused, challenge_id, goal_id) from None
    return json_response(
        ClaimAnswer(
            goal_id=made.goal_id,
            status=Status.CLAIMED,
            reward=made.reward,
            claimed_at=instant_text(made.claimed_at_ms),
            claim_id=str(made.claim_id),
            reward_state=reward_state,
        )
    )


def claim_problem(
    refused: GoalUnknown | ClaimRefused | GrantRefused, challenge_id: str, goal_id: str
) -> Problem:
    """Return what a client is told of a claim that was not made, in the contract's words."""
    if isinstance(refused, ClaimRefused):
        return _refused(refused.why, challenge_id, goal_id)
    if isinstance(refused, GrantRefused):
        return Problem(
            ServiceReason.REWARD_GRANT_FAILED,
            "The reward provider refuses this reward; the goal can be claimed again.",
            message="Failed to grant reward via Platform Service after 3 retries "
            f"(goal_id: {goal_id})",
            extra={"claimId": str(refused.claim_id)},
        )
    return Problem(
        ServiceReason.GOAL_NOT_FOUND,
        "Goal not found or removed from config "
        f"(goal_id: {short(goal_id)}, challenge_id: {short(challenge_id)})",
    )


def _refused(why: WhyNoClaim, challenge_id: str, goal_id: str) -> Problem:
    match why.refusal:
        case Refusal.NOT_ACTIVE:
            return Problem(
                ServiceReason.GOAL_NOT_ACTIVE,
                "Goal must be active to claim reward. Activate it first via PUT "
                f"/v1/challenges/{challenge_id}/goals/{goal_id}/active (goal_id: {goal_id})",
            )
        case Refusal.ROTATED:
            return Problem(
                ServiceReason.GOAL_ROTATED,
                "Goal has rotated and must be re-completed "
                f"(goal_id: {goal_id}, challenge_id: {challenge_id})",
            )
        case Refusal.ALREADY_CLAIMED:
            return _already_claimed(why, goal_id)
        case Refusal.LOCKED:
            return Problem(
                ServiceReason.GOAL_LOCKED,
                f"Prerequisites not completed (goal_id: {goal_id})",
                extra={"missingPrerequisites": why.missing},
            )
        case Refusal.NOT_COMPLETED:
            return Problem(
                ServiceReason.GOAL_NOT_COMPLETED,
                "Goal not completed. Please wait 1 second and try again. "
                f"(goal_id: {goal_id}, status: {why.status})",
            )
    assert_never(why.refusal)


def _already_claimed(why: WhyNoClaim, goal_id: str) -> Problem:
    known = {} if why.claimed_at_ms is None else {"claimedAt": instant_text(why.claimed_at_ms)}
    moment = "".join(f", claimed_at: {text}" for text in known.values())
    return Problem(
        ServiceReason.ALREADY_CLAIMED,
        f"Reward has already been claimed (goal_id: {goal_id}{moment})",
        extra={"claimId": str(why.claim_id), **known},
    )
