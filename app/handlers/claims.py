"""A player claims a reward."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from app.domain.goal import Reward, Status
from app.domain.period import instant_text
from app.domain.reward import ClaimState
from app.routing import json_response
from app.services.claims import Claiming, claim_reward
from app.state import State


class ClaimAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A claim that was made; `reward_state` is pending until the provider has spoken."""

    goal_id: str
    status: Status
    reward: Reward
    claimed_at: str
    claim_id: str
    reward_state: ClaimState


async def claim(request: Request[State]) -> Response:
    """Claim one goal's reward. The body means nothing, whatever it holds."""
    state = request.state
    challenge_id, goal_id = (request.path_params[name] for name in ("challenge_id", "goal_id"))
    made, reward_state = await claim_reward(
        Claiming(
            state["players"],
            state["revisions"],
            state["claims"],
            state["deliveries"],
            state["namespace"],
        ),
        state["catalogue"],
        state["player"],
        challenge_id,
        goal_id,
        # Without a gate there is no place to give back.
        request.scope["state"].get("release_place", _nothing),
    )
    answer = ClaimAnswer(
        goal_id=made.goal_id,
        status=Status.CLAIMED,
        reward=made.reward,
        claimed_at=instant_text(made.claimed_at_ms),
        claim_id=str(made.claim_id),
        reward_state=reward_state,
    )
    return json_response(answer)


def _nothing() -> None:
    pass
