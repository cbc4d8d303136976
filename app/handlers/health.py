"""Three questions, three answers: does it turn, may it get work, does the database answer.

Ready means started, on the right schema, not draining. It is never a matter of load, nor of a blip.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.routing import Endpoint
from app.state import Lifecycle, State


async def live(_: Request) -> Response:
    """Answer while the event loop turns. Nothing else is asked: a restart cures nothing else."""
    return JSONResponse({"status": "alive"})


def readiness(lifecycle: Lifecycle) -> Endpoint:
    """Return the endpoint that answers 200 when new work may be routed here, else 503."""

    async def ready(_: Request) -> Response:
        return JSONResponse({"status": lifecycle.phase}, 200 if lifecycle.ready else 503)

    return ready


async def challenge_healthz(request: Request[State]) -> Response:
    """Answer as the contract has it: the database answers, within its bound."""
    await request.state["database"].ping()
    return JSONResponse({"status": "healthy"})
