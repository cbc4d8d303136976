"""The challenges of the player who asks."""

from starlette.requests import Request
from starlette.responses import Response

from app.services.challenges import see
from app.services.initialize import initialize_players
from app.state import State

JSON = "application/json"


async def list_all(request: Request[State]) -> Response:
    """Show every challenge, or with `active_only=true` what is active."""
    state = request.state
    seen = await see(state["players"], state["revisions"], state["catalogue"], state["player"])
    query = request.query_params
    active_only = "true" in {query.get("active_only"), query.get("activeOnly")}
    return Response(seen.list_body(active_only=active_only), media_type=JSON)


async def initialize(request: Request[State]) -> Response:
    """Give the player the default goals. The body means nothing, whatever it holds."""
    state = request.state
    results = await initialize_players(
        state["players"], state["revisions"], state["catalogue"], [state["player"]]
    )
    return Response(results[0].body(), media_type=JSON)
