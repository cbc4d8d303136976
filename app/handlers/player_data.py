"""A player has all data about themselves deleted."""

from starlette.requests import Request
from starlette.responses import Response

from app.answers.wire import Count, Wire
from app.operation import Operation, Tag
from app.routing import json_response
from app.state import State


class DeletionAnswer(Wire, frozen=True):
    """Whose rows are gone, and how many they were; 0 if there were none any more."""

    user_id: str
    rows_deleted: Count


DELETE = Operation(
    "deleteMyData",
    Tag.PLAYER,
    "Delete the player's data",
    "Deletes all that is stored of the player. Claims that are not settled yet are kept until they"
    " are, and of every claim a keyed hash stays, so that no reward is granted twice. Repeating it"
    " is harmless.",
    "Deleted; 0 rows if there was nothing.",
    DeletionAnswer,
    DeletionAnswer("alice", 2),
)


async def delete(request: Request[State]) -> Response:
    """Delete what is stored of the player."""
    state = request.state
    erased = await state["claims"].erase(state["player_id"])
    return json_response(DeletionAnswer(state["player_id"], erased.removed))
