"""A player has his data deleted."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from app.state import State


class DeletionAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Whose rows are gone, and how many they were; 0 if there were none any more."""

    user_id: str
    rows_deleted: int


async def delete(request: Request[State]) -> Response:
    """Delete what is stored of the player.

    Rewards that are still owed are granted first; until then their claims stay. That something was
    claimed is kept as a keyed hash, which tells nobody by whom.
    """
    state = request.state
    erased = await state["claims"].erase(state["player"])
    answer = DeletionAnswer(state["player"], erased.removed)
    return Response(msgspec.json.encode(answer), media_type="application/json")
