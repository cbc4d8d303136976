"""Why an endpoint refuses a request, and how every failure becomes an answer.

    Unavailable                what is stored cannot be reached: `problem_of` says when to come back
    Problem                    everything else that a client is told of (middleware/problem.py)

Anything else that escapes an endpoint is `internal`: the client reads one sentence, the log has the
rest.
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import Contended, NewerLayout, Unavailable
from app.domain.goal import ID_LENGTH_MAX
from middleware.problem import HttpReason, Problem, ProblemResponse, WireReason, come_back


class ServiceReason(WireReason):
    """Why an endpoint, or the lack of one, refuses a request."""

    NOT_FOUND = "not_found", 404, 5, "There is nothing here"
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, 12, "This path has no such method"
    CHALLENGE_NOT_FOUND = "challenge_not_found", 404, 5, "The catalogue has no such challenge"
    GOAL_NOT_FOUND = "goal_not_found", 404, 5, "The challenge has no such goal"
    INSUFFICIENT_GOALS = "insufficient_goals", 400, 3, "No goal is left to select"
    GOAL_NOT_ACTIVE = "goal_not_active", 400, 9, "The goal is not active"
    GOAL_NOT_COMPLETED = "goal_not_completed", 400, 9, "The goal is not completed"
    GOAL_ROTATED = "goal_rotated", 400, 9, "The goal was completed in a period that is over"
    GOAL_LOCKED = "goal_locked", 400, 9, "The goal's prerequisites are not completed"
    ALREADY_CLAIMED = "already_claimed", 409, 6, "The reward was claimed already"
    REWARD_GRANT_FAILED = "reward_grant_failed", 502, 13, "The reward provider refuses the reward"
    FORBIDDEN = "forbidden", 403, 7, "Whoever asks may not do this"
    TOKEN_KEYS_UNAVAILABLE = (
        "token_keys_unavailable",
        503,
        14,
        "The keys that tokens are verified with cannot be had",
    )
    BATCH_TOO_LARGE = "batch_too_large", 413, 3, "There are too many events in one batch"
    UNSUPPORTED_MEDIA_TYPE = (
        "unsupported_media_type",
        415,
        3,
        "This kind of content is not read here",
    )
    DATABASE_UNAVAILABLE = (
        "database_unavailable",
        503,
        14,
        "The database does not answer in time",
    )


REASONS: Final[Mapping[str, WireReason]] = {
    reason.value: reason for reason in (*HttpReason, *ServiceReason)
}
"""Every reason that a client can read, by its name."""


class Return(NamedTuple):
    """What a client is told of something that passes by itself, and when it should come back."""

    detail: str
    after_ms: tuple[int, int]


RETURNS: Final[Mapping[type[Unavailable], Return]] = {
    # Its own retries would only meet each other again: they return spread out.
    Contended: Return("Others keep changing this player; try again shortly.", (200, 1000)),
    NewerLayout: Return("This pod is older than the stored data; try again.", (500, 3000)),
    Unavailable: Return("The database does not answer in time; try again shortly.", (500, 3000)),
}
"""A subclass that is not here is told as the class it comes from."""


def problem_of(failure: Unavailable) -> Problem:
    """Return what the client is told, with a moment at random: not all should return together."""
    told = next(RETURNS[kind] for kind in type(failure).mro() if kind in RETURNS)
    after_ms = random.randint(*told.after_ms)  # noqa: S311 - nothing secret about it
    return come_back(ServiceReason.DATABASE_UNAVAILABLE, after_ms, told.detail)


def short(sent: str) -> str:
    """Return an id as the client sent it, for a problem's text; cut if no id is that long."""
    return sent if len(sent) <= ID_LENGTH_MAX else f"{sent[:ID_LENGTH_MAX]}…"


async def _problem(_: Request, exception: Exception) -> Response:
    assert isinstance(exception, Problem)
    return ProblemResponse(exception)


async def _http_exception(request: Request, exception: Exception) -> Response:
    """Answer what Starlette's router raises: 404, and 405 with `Allow`."""
    assert isinstance(exception, HTTPException)
    method, path = request.method[:16], request.url.path[:100]
    if exception.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        problem = Problem(
            ServiceReason.METHOD_NOT_ALLOWED,
            f"{path} has no method {method}.",
            message="Method Not Allowed",
            headers=exception.headers,
        )
    else:
        problem = Problem(
            ServiceReason.NOT_FOUND, f"There is nothing at {path}.", message="Not Found"
        )
    return ProblemResponse(problem)


async def _unavailable(_: Request, exception: Exception) -> Response:
    """Answer on the operations listener; players' routes raise the problem, which the gate sees."""
    assert isinstance(exception, Unavailable)
    problem = problem_of(exception)
    problem.__cause__ = exception.__cause__ or exception
    return ProblemResponse(problem)


EXCEPTION_HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    Problem: _problem,
    Unavailable: _unavailable,
    HTTPException: _http_exception,
}
"""For Starlette, on both listeners."""
