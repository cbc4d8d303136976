"""The challenges of the player who asks."""

from collections.abc import Callable

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import ChallengeUnknown
from app.domain.rotation import RotationStatus
from app.errors import ServiceReason, short
from app.handlers.conditional import has, keepable, not_modified, tag_of
from app.routing import JSON, json_response
from app.services.challenges import Seen
from app.state import State
from middleware.problem import Problem


class RotationAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What is told of a challenge's rotation."""

    challenge_id: str
    rotation: RotationStatus


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
    assigned_at_ms = [entry.at_ms for entry in view.player.given]
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
