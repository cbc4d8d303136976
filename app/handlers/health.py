"""Three questions, three answers: does it turn, may it get work, does the database answer.

Ready means started, on the right schema, with a first key set where tokens are asked for, not
draining. It is never a matter of load, nor of a blip.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.answers.wire import HealthAnswer
from app.errors import ServiceReason
from app.operation import Operation, Tag
from app.state import State

LIVE = Operation(
    "isAlive",
    Tag.SERVICE,
    "Does the process turn?",
    "Answers as long as the event loop turns, and asks nothing else.",
    "It turns.",
    HealthAnswer,
    HealthAnswer("alive"),
)

READY = Operation(
    "isReady",
    Tag.SERVICE,
    "May new work be sent here?",
    "Started, on the right schema, with the keys of tokens if these are asked for, not draining:"
    " 200. Otherwise 503, with the same body. Load never changes the answer.",
    "Yes.",
    HealthAnswer,
    HealthAnswer("ready"),
)

HEALTHY = Operation(
    "isHealthy",
    Tag.SERVICE,
    "Does the database answer?",
    "Pings the database, for 2 s at most. Kept for clients of the Go service; probes use /healthz"
    " and /readyz.",
    "It answers.",
    HealthAnswer,
    HealthAnswer("healthy"),
    refuses=(ServiceReason.DATABASE_UNAVAILABLE,),
)


async def live(_: Request) -> Response:
    """Answer while the event loop turns. Nothing else is asked: a restart cures nothing else."""
    return JSONResponse({"status": "alive"})


async def ready(request: Request[State]) -> Response:
    """Answer 200 when new work may be routed here, else 503."""
    lifecycle = request.state["lifecycle"]
    return JSONResponse({"status": lifecycle.shown}, 200 if lifecycle.ready else 503)


async def challenge_healthz(request: Request[State]) -> Response:
    """Answer as the contract has it: the database answers, within its bound."""
    await request.state["database"].ping()
    return JSONResponse({"status": "healthy"})
