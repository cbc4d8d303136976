"""The challenges of the player who asks."""

from collections.abc import Callable

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from app.answers.examples import ASSIGNED, CHALLENGE
from app.answers.rotation import GLOBAL, Period, RotationStatus
from app.answers.wire import ChallengeList, InitializeAnswer, ShownChallenge, Wire
from app.domain.errors import ChallengeUnknown
from app.errors import ServiceReason, short
from app.handlers.conditional import has, keepable, not_modified, tag_of
from app.operation import Operation, Tag
from app.routing import JSON, json_response
from app.services.challenges import Seen
from app.state import State
from middleware.problem import Problem
from middleware.tickets import TICKET_HEADER


class RotationAnswer(Wire, frozen=True):
    """What is told of a challenge's rotation."""

    challenge_id: str
    rotation: RotationStatus


LIST = Operation(
    "listChallenges",
    Tag.CHALLENGES,
    "List all challenges",
    "Every challenge and goal in the catalogue's order, with what this player has reached. One"
    " select; takes no lock.",
    "The challenges.",
    ChallengeList,
    ChallengeList([CHALLENGE]),
    parameters=("active_only", "activeOnly", "If-None-Match"),
    headers=("ETag", "Cache-Control"),
    not_modified=True,
)

SHOW = Operation(
    "getChallenge",
    Tag.CHALLENGES,
    "Show one challenge",
    "The same object as in the list.",
    "The challenge.",
    ShownChallenge,
    CHALLENGE,
    parameters=("active_only", "activeOnly", "If-None-Match"),
    headers=("ETag", "Cache-Control"),
    not_modified=True,
    refuses=(ServiceReason.CHALLENGE_NOT_FOUND,),
)

ROTATION = Operation(
    "getRotation",
    Tag.CHALLENGES,
    "When does a challenge rotate?",
    "The period of the challenge's first rotating goal, the same for all players.",
    "The current and the next period.",
    RotationAnswer,
    RotationAnswer(
        "rotation-daily",
        RotationStatus(
            enabled=True,
            type=GLOBAL,
            schedule="daily",
            current_period=Period("2026-03-06T00:00:00Z", "2026-03-07T00:00:00Z", 53_700),
            next_period=Period("2026-03-07T00:00:00Z", "2026-03-08T00:00:00Z", 0),
        ),
    ),
    headers=("Cache-Control",),
    refuses=(ServiceReason.CHALLENGE_NOT_FOUND,),
)

INITIALIZE = Operation(
    "initialize",
    Tag.CHALLENGES,
    "Assign the player the default goals",
    "Makes an unknown player known, and gives a known one the defaults that came since. Repeating"
    " it is harmless: exactly one call is told of each new goal. The body means nothing and may be"
    " missing. With `Prefer: wait=<seconds>` a client offers to wait longer in line, and with the"
    " `Admission-Ticket` that a refusal told it keeps its moment at every pod.",
    "All active goals.",
    InitializeAnswer,
    InitializeAnswer([ASSIGNED], new_assignments=1, total_active=1),
    parameters=("Prefer", TICKET_HEADER),
)


async def list_all(request: Request[State]) -> Response:
    """Show every challenge, or with `active_only=true` what is active."""

    def render(seen: Seen, active_only: bool) -> bytes:
        view, template = seen.view, seen.cohort.template
        return template.list_answer(view.states, view.now_ms, active_only=active_only)

    return await _show(request, render)


async def show_one(request: Request[State]) -> Response:
    """Show one challenge as it is in the list; with `active_only=true` maybe without any goal."""
    challenge_id: str = request.path_params["challenge_id"]
    try:
        goals = request.state["challenges"].goals_of(challenge_id)
    except ChallengeUnknown:
        raise _not_found(challenge_id) from None

    def render(seen: Seen, active_only: bool) -> bytes:
        view, template = seen.view, seen.cohort.template
        return template.challenge_answer(goals, view.states, view.now_ms, active_only=active_only)

    return await _show(request, render)


async def show_rotation(request: Request[State]) -> Response:
    """Tell when a challenge rotates. Nobody should keep that: it counts seconds."""
    challenge_id: str = request.path_params["challenge_id"]
    try:
        rotation = await request.state["challenges"].rotation(challenge_id)
    except ChallengeUnknown:
        raise _not_found(challenge_id) from None
    return json_response(RotationAnswer(challenge_id, rotation), {"Cache-Control": "no-store"})


async def initialize(request: Request[State]) -> Response:
    """Assign the player the default goals. The body means nothing, whatever it holds."""
    state = request.state
    [(view, cohort, new_assignments)] = await state["initialize"].initialize([state["player_id"]])
    assigned_at_ms = [entry.at_ms for entry in view.player.assignments]
    body = cohort.template.initialize_answer(
        view.states, assigned_at_ms, view.now_ms, new_assignments
    )
    return Response(body, media_type=JSON)


def _active_only(query: QueryParams) -> bool:
    """Return whether it is asked for, in either spelling; of a repeated one the first counts."""
    spellings = (query.getlist("active_only"), query.getlist("activeOnly"))
    return any(values[:1] == ["true"] for values in spellings)


async def _show(request: Request[State], render: Callable[[Seen, bool], bytes]) -> Response:
    state, challenges = request.state, request.state["challenges"]
    active_only = bool(request.scope["query_string"]) and _active_only(request.query_params)
    read = await challenges.read(state["player_id"])
    tag = tag_of(challenges.served.catalogue.digest, read, active_only=active_only)
    if has(request.headers, tag):
        return not_modified(tag)
    return keepable(render(await challenges.show(read), active_only), tag)


def _not_found(challenge_id: str) -> Problem:
    return Problem(ServiceReason.CHALLENGE_NOT_FOUND, f"challenge not found: {short(challenge_id)}")
