"""What a player decides about goals. Names and codes are the contract's.

A body is read before anything is looked up, so what cannot be read is told first.
"""

import random
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from app.answers.examples import (
    AT,
    CHALLENGE_ID,
    DESCRIPTION,
    GOAL_ID,
    NAME,
    REQUIREMENT,
    REWARD,
)
from app.answers.wire import MaybeInstant, Wire
from app.domain.errors import ChallengeUnknown, GoalNamedTwice, GoalUnknown, NothingToSelect
from app.domain.goal import Status
from app.domain.period import instant_text
from app.domain.selection import Sample
from app.errors import ServiceReason, short
from app.handlers.body import JsonInt32, decode_message, int32
from app.handlers.selection_answer import SelectedGoal, SelectionAnswer, selection_answer
from app.operation import Asked, Operation, Tag
from app.routing import JSON, json_response
from app.services.selections import Draw, Selection
from app.state import State
from middleware.problem import HttpReason, Problem

# The system's own dice: each set of goals is as likely as the other, and nobody can foresee it.
FAIR_SAMPLE: Final[Sample] = random.SystemRandom().sample


class ActiveBody(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a goal shall be active. What says nothing deactivates it, as in the contract."""

    is_active: bool = False


class BatchBody(msgspec.Struct, frozen=True, rename="camel"):
    """Which goals shall be active, and whether in place of those that are."""

    goal_ids: Annotated[Sequence[str], Meta(description="One at least.")] = ()
    replace_existing: bool = False


class RandomBody(msgspec.Struct, frozen=True, rename="camel"):
    """How many goals shall be active, and whether in place of, or beside, those that are."""

    count: JsonInt32 = 0
    replace_existing: bool = False
    exclude_active: bool = False


class ActiveAnswer(Wire, frozen=True):
    """What was decided; `assigned_at` is the goal's last activation, empty if there was none."""

    challenge_id: str
    goal_id: str
    is_active: bool
    assigned_at: MaybeInstant
    message: str


SELECTED = SelectionAnswer(
    [
        SelectedGoal(
            GOAL_ID,
            NAME,
            DESCRIPTION,
            REQUIREMENT,
            REWARD,
            Status.NOT_STARTED,
            progress=0,
            target=10,
            is_active=True,
            assigned_at=AT,
            expires_at="",
        )
    ],
    CHALLENGE_ID,
    total_active_goals=2,
    replaced_goals=[],
)

SET_ACTIVE = Operation(
    "setGoalActive",
    Tag.CHALLENGES,
    "Activate or deactivate a goal",
    "Only active goals take events and can be claimed. Deactivating keeps the progress until the"
    " period ends. What is so already is not written again.",
    "What stands now.",
    ActiveAnswer,
    ActiveAnswer(CHALLENGE_ID, GOAL_ID, True, AT, "Goal activated successfully"),
    asked=Asked(
        "A missing `isActive` is false, as in the Go service.",
        {JSON: (ActiveBody, ActiveBody(is_active=True))},
    ),
    refuses=(HttpReason.BAD_REQUEST, ServiceReason.GOAL_NOT_FOUND),
)

SELECT_BATCH = Operation(
    "selectGoals",
    Tag.CHALLENGES,
    "Activate a list of goals",
    "All of them or none. With `replaceExisting` what is active and not completed is deactivated"
    " first.",
    "What was selected, in the order of the request.",
    SelectionAnswer,
    SELECTED,
    asked=Asked("The goals, all of this challenge.", {JSON: (BatchBody, BatchBody([GOAL_ID]))}),
    refuses=(
        HttpReason.BAD_REQUEST,
        ServiceReason.CHALLENGE_NOT_FOUND,
        ServiceReason.GOAL_NOT_FOUND,
    ),
)

SELECT_RANDOM = Operation(
    "selectRandomGoals",
    Tag.CHALLENGES,
    "Activate some goals at random",
    "Draws from the goals that are neither completed, claimed nor locked, each as likely as the"
    " other. If fewer are left than asked for, all of them are selected.",
    "What was selected.",
    SelectionAnswer,
    SELECTED,
    asked=Asked("How many.", {JSON: (RandomBody, RandomBody(count=1, exclude_active=True))}),
    refuses=(
        HttpReason.BAD_REQUEST,
        ServiceReason.INSUFFICIENT_GOALS,
        ServiceReason.CHALLENGE_NOT_FOUND,
    ),
)


async def set_active(request: Request[State]) -> Response:
    """Activate or deactivate one goal."""
    state = request.state
    challenge_id: str = request.path_params["challenge_id"]
    goal_id: str = request.path_params["goal_id"]
    active = decode_message(await request.body(), ActiveBody).is_active
    try:
        goal = await state["selections"].set_active(
            state["player_id"], challenge_id, goal_id, active=active
        )
    except GoalUnknown as unknown:
        within = "" if unknown.elsewhere else f" in challenge '{short(challenge_id)}'"
        raise _unknown_goal(unknown, within) from None
    return json_response(
        ActiveAnswer(
            challenge_id=challenge_id,
            goal_id=goal_id,
            is_active=goal.is_active,
            assigned_at=instant_text(goal.assigned_at_ms),
            message=f"Goal {'activated' if active else 'deactivated'} successfully",
        )
    )


async def select_batch(request: Request[State]) -> Response:
    """Activate the goals that the player names."""
    state = request.state
    challenge_id: str = request.path_params["challenge_id"]
    body = decode_message(await request.body(), BatchBody)
    if not body.goal_ids:
        raise Problem(HttpReason.BAD_REQUEST, "goal_ids cannot be empty")
    try:
        selection = await state["selections"].select_batch(
            state["player_id"],
            challenge_id,
            body.goal_ids,
            replace_existing=body.replace_existing,
        )
    except ChallengeUnknown:
        raise _unknown_challenge(challenge_id) from None
    except GoalUnknown as unknown:
        raise _unknown_goal(unknown) from None
    except GoalNamedTwice as twice:
        detail = f"goal '{twice.goal_id}' is in goal_ids more than once"
        raise Problem(HttpReason.BAD_REQUEST, detail) from None
    return _selected(request, challenge_id, selection)


async def select_random(request: Request[State]) -> Response:
    """Activate some goals, whichever the dice say."""
    state = request.state
    challenge_id: str = request.path_params["challenge_id"]
    body = decode_message(await request.body(), RandomBody)
    draw = Draw(int32(body.count, "count"), body.replace_existing, body.exclude_active)
    if draw.size <= 0:
        raise Problem(HttpReason.BAD_REQUEST, "count must be greater than 0")
    try:
        selection = await state["selections"].select_random(
            state["player_id"], challenge_id, draw, FAIR_SAMPLE
        )
    except ChallengeUnknown:
        raise _unknown_challenge(challenge_id) from None
    except NothingToSelect:
        raise Problem(
            ServiceReason.INSUFFICIENT_GOALS,
            "No goal of this challenge is left to select.",
            message="INSUFFICIENT_GOALS: no goals available for selection "
            f"(available: 0, requested: {draw.size})",
        ) from None
    return _selected(request, challenge_id, selection)


def _selected(request: Request[State], challenge_id: str, selection: Selection) -> Response:
    served = request.state["challenges"].served
    return json_response(selection_answer(served, challenge_id, selection))


def _unknown_challenge(challenge_id: str) -> Problem:
    return Problem(
        ServiceReason.CHALLENGE_NOT_FOUND, f"challenge '{short(challenge_id)}' not found"
    )


def _unknown_goal(unknown: GoalUnknown, within: str = "") -> Problem:
    goal_id, challenge_id = short(unknown.goal_id), short(unknown.challenge_id)
    what = f"does not belong to challenge '{challenge_id}'" if unknown.elsewhere else "not found"
    return Problem(ServiceReason.GOAL_NOT_FOUND, f"goal '{goal_id}' {what}{within}")
