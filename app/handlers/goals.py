"""What a player decides about goals. Names and codes are the contract's.

A body is read before anything is looked up, so what cannot be read is told first.
"""

import random
from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from app.domain.catalogue_state import CatalogueState
from app.domain.period import instant_text
from app.domain.player import Players, Revisions
from app.domain.selection import Sample
from app.handlers.body import JsonInt32, decode_message, int32
from app.handlers.selection_answer import selection_answer
from app.routing import json_response
from app.services.selections import (
    Draw,
    Selection,
    batch_select,
    random_select,
    set_goal_active,
)
from app.state import State

# The system's own dice: each set of goals is as likely as the other, and nobody can foresee it.
FAIR_SAMPLE: Final[Sample] = random.SystemRandom().sample


class ActiveBody(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a goal shall be active. What says nothing deactivates it, as in the contract."""

    is_active: bool = False


class BatchBody(msgspec.Struct, frozen=True, rename="camel"):
    """Which goals shall be active, and whether in place of those that are."""

    goal_ids: Sequence[str] = ()
    replace_existing: bool = False


class RandomBody(msgspec.Struct, frozen=True, rename="camel"):
    """How many goals shall be active, and whether in place of, or beside, those that are."""

    count: JsonInt32 = 0
    replace_existing: bool = False
    exclude_active: bool = False


class ActiveAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What was decided; `assigned_at` is the goal's last activation, empty if there was none."""

    challenge_id: str
    goal_id: str
    is_active: bool
    assigned_at: str
    message: str


async def set_active(request: Request[State]) -> Response:
    """Activate or deactivate one goal."""
    challenge_id: str = request.path_params["challenge_id"]
    goal_id: str = request.path_params["goal_id"]
    active = decode_message(await request.body(), ActiveBody).is_active
    goal = await set_goal_active(*_asking(request), challenge_id, goal_id, active=active)
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
    challenge_id: str = request.path_params["challenge_id"]
    body = decode_message(await request.body(), BatchBody)
    selection = await batch_select(
        *_asking(request), challenge_id, body.goal_ids, replace_existing=body.replace_existing
    )
    return _selected(request, challenge_id, selection)


async def select_random(request: Request[State]) -> Response:
    """Activate some goals, whichever the dice say."""
    challenge_id: str = request.path_params["challenge_id"]
    body = decode_message(await request.body(), RandomBody)
    draw = Draw(int32(body.count, "count"), body.replace_existing, body.exclude_active)
    selection = await random_select(*_asking(request), challenge_id, draw, FAIR_SAMPLE)
    return _selected(request, challenge_id, selection)


def _asking(request: Request[State]) -> tuple[Players, Revisions, CatalogueState, str]:
    state = request.state
    return state["players"], state["revisions"], state["catalogue"], state["player"]


def _selected(request: Request[State], challenge_id: str, selection: Selection) -> Response:
    return json_response(selection_answer(request.state["catalogue"], challenge_id, selection))
