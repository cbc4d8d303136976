"""The challenges of the player who asks."""

from collections.abc import Callable

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from app.domain.rotation import RotationStatus
from app.handlers.conditional import has, keepable, not_modified, tag_of
from app.routing import JSON, json_response
from app.services.challenges import Seen, read_player, require_challenge, see_rotation, show
from app.services.initialize import initialize_players
from app.state import State


class RotationAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What is told of a challenge's rotation."""

    challenge_id: str
    rotation: RotationStatus


async def list_all(request: Request[State]) -> Response:
    """Show every challenge, or with `active_only=true` what is active."""
    return await _show(request, Seen.list_body)


async def show_one(request: Request[State]) -> Response:
    """Show one challenge as it is in the list; with `active_only=true` maybe without any goal."""
    challenge_id: str = request.path_params["challenge_id"]
    require_challenge(request.state["catalogue"], challenge_id)

    def render(seen: Seen, *, active_only: bool) -> bytes:
        return seen.challenge_body(challenge_id, active_only=active_only)

    return await _show(request, render)


async def show_rotation(request: Request[State]) -> Response:
    """Tell when a challenge turns. Nobody should keep that: it counts seconds."""
    state = request.state
    challenge_id: str = request.path_params["challenge_id"]
    rotation = await see_rotation(state["players"], state["catalogue"], challenge_id)
    return json_response(RotationAnswer(challenge_id, rotation), {"Cache-Control": "no-store"})


async def initialize(request: Request[State]) -> Response:
    """Give the player the default goals. The body means nothing, whatever it holds."""
    state = request.state
    results = await initialize_players(
        state["players"], state["revisions"], state["catalogue"], [state["player"]]
    )
    return Response(results[0].body(), media_type=JSON)


def _active_only(query: QueryParams) -> bool:
    """Return whether it is asked for, in either spelling; of a repeated one the first counts."""
    return ["true"] in (query.getlist("active_only")[:1], query.getlist("activeOnly")[:1])


async def _show(request: Request[State], render: Callable[..., bytes]) -> Response:
    state = request.state
    active_only = bool(request.scope["query_string"]) and _active_only(request.query_params)
    read = await read_player(state["players"], state["player"])
    tag = tag_of(state["catalogue"].catalogue.digest, read, active_only=active_only)
    if has(request.headers, tag):
        return not_modified(tag)
    seen = await show(state["revisions"], state["catalogue"], read)
    return keepable(render(seen, active_only=active_only), tag)
