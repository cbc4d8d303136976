"""A player has all data about themselves deleted."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from app.routing import json_response
from app.state import State


class DeletionAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Whose rows are gone, and how many they were; 0 if there were none any more."""

    user_id: str
    rows_deleted: int


async def delete(request: Request[State]) -> Response:
    """Delete what is stored of the player."""
    state = request.state
    erased = await state["claims"].erase(state["player_id"])
    return json_response(DeletionAnswer(state["player_id"], erased.removed))
