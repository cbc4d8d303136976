"""Every error a client can see, in one table, and the one body that carries it.

    Problem                    raised by handlers, services, auth and limits; answered by
    `problem_response`
      └─ one Reason            metric label, log field, problem type and runbook heading at once

Anything else that escapes a handler is `internal`: the client reads one sentence, the log has the
rest. The body is RFC 9457 problem+json, plus what the Go service's clients read (`code`,
`message`, `details`).
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain.goal import ID_LENGTH_MAX
from app.trace_id import current_trace_id
from middleware.admission import Reason as AdmissionReason

PROBLEM_TYPE_PREFIX = "urn:headrace:problem:"
SCOPE_REASON = "problem_reason"
SCOPE_CAUSE = "problem_cause"
CONTENT_TYPE = "application/problem+json"


class Reason(StrEnum):
    """Why a request failed, other than by admission (see `middleware.admission.Reason`)."""

    BAD_REQUEST = "bad_request"
    UNAUTHENTICATED = "unauthenticated"
    NOT_FOUND = "not_found"
    CHALLENGE_NOT_FOUND = "challenge_not_found"
    GOAL_NOT_FOUND = "goal_not_found"
    INSUFFICIENT_GOALS = "insufficient_goals"
    GOAL_NOT_ACTIVE = "goal_not_active"
    GOAL_NOT_COMPLETED = "goal_not_completed"
    GOAL_ROTATED = "goal_rotated"
    GOAL_LOCKED = "goal_locked"
    ALREADY_CLAIMED = "already_claimed"
    REWARD_GRANT_FAILED = "reward_grant_failed"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TIMEOUT = "body_timeout"
    BODY_TOO_LARGE = "body_too_large"
    BATCH_TOO_LARGE = "batch_too_large"
    TARGET_TOO_LONG = "target_too_long"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    HEADERS_TOO_LARGE = "headers_too_large"
    INTERNAL = "internal"
    DATABASE_UNAVAILABLE = "database_unavailable"
    CONNECTIONS_FULL = "connections_full"


class Kind(NamedTuple):
    """What a reason means on the wire. `code` is the gRPC status number that Go clients read."""

    status: int
    code: int
    error_code: str
    title: str


KINDS: Mapping[str, Kind] = {
    Reason.BAD_REQUEST: Kind(400, 3, "BAD_REQUEST", "The request cannot be read"),
    Reason.UNAUTHENTICATED: Kind(401, 16, "UNAUTHORIZED", "Who is asking is not known"),
    Reason.NOT_FOUND: Kind(404, 5, "NOT_FOUND", "There is nothing here"),
    Reason.CHALLENGE_NOT_FOUND: Kind(
        404, 5, "CHALLENGE_NOT_FOUND", "The catalogue has no such challenge"
    ),
    Reason.GOAL_NOT_FOUND: Kind(404, 5, "GOAL_NOT_FOUND", "The challenge has no such goal"),
    Reason.INSUFFICIENT_GOALS: Kind(400, 3, "INSUFFICIENT_GOALS", "No goal is left to select"),
    Reason.GOAL_NOT_ACTIVE: Kind(400, 9, "GOAL_NOT_ACTIVE", "The goal is not active"),
    Reason.GOAL_NOT_COMPLETED: Kind(400, 9, "GOAL_NOT_COMPLETED", "The goal is not completed"),
    Reason.GOAL_ROTATED: Kind(
        400, 9, "GOAL_ROTATED", "The goal was completed in a period that is over"
    ),
    Reason.GOAL_LOCKED: Kind(400, 9, "GOAL_LOCKED", "The goal's prerequisites are not completed"),
    Reason.ALREADY_CLAIMED: Kind(409, 6, "ALREADY_CLAIMED", "The reward was claimed already"),
    Reason.REWARD_GRANT_FAILED: Kind(
        502, 13, "REWARD_GRANT_FAILED", "The reward provider refuses the reward"
    ),
    Reason.METHOD_NOT_ALLOWED: Kind(405, 12, "METHOD_NOT_ALLOWED", "This path has no such method"),
    Reason.BODY_TIMEOUT: Kind(408, 4, "BODY_TIMEOUT", "The body came too slowly"),
    Reason.BODY_TOO_LARGE: Kind(413, 3, "BODY_TOO_LARGE", "The body is too large"),
    Reason.BATCH_TOO_LARGE: Kind(
        413, 3, "BATCH_TOO_LARGE", "There are too many events in one batch"
    ),
    Reason.UNSUPPORTED_MEDIA_TYPE: Kind(
        415, 3, "UNSUPPORTED_MEDIA_TYPE", "This kind of content is not read here"
    ),
    Reason.TARGET_TOO_LONG: Kind(414, 3, "TARGET_TOO_LONG", "The request target is too long"),
    Reason.HEADERS_TOO_LARGE: Kind(
        431, 3, "HEADERS_TOO_LARGE", "There are too many header bytes or fields"
    ),
    Reason.INTERNAL: Kind(500, 13, "INTERNAL_ERROR", "The service failed"),
    Reason.DATABASE_UNAVAILABLE: Kind(
        503, 14, "DATABASE_UNAVAILABLE", "The database does not answer in time"
    ),
    Reason.CONNECTIONS_FULL: Kind(
        503, 14, "CONNECTIONS_FULL", "This pod holds all the connections it may"
    ),
    AdmissionReason.OVER_QUOTA: Kind(429, 8, "OVER_QUOTA", "You are over your own rate"),
    AdmissionReason.LINE_PER_KEY: Kind(
        429, 8, "LINE_PER_KEY", "You already have as many requests in line as one client may"
    ),
    AdmissionReason.LINE_FULL: Kind(
        503, 14, "LINE_FULL", "The service is full; come back at your moment"
    ),
    AdmissionReason.WAIT_EXPIRED: Kind(
        503, 14, "WAIT_EXPIRED", "Your turn did not come in time; come back at your moment"
    ),
    AdmissionReason.SLOT_EARLY: Kind(
        503, 14, "SLOT_EARLY", "You are early; come back at your moment"
    ),
}


def short(sent: str) -> str:
    """Return an id as the client sent it, for a problem's text; cut if no id is that long."""
    return sent if len(sent) <= ID_LENGTH_MAX else f"{sent[:ID_LENGTH_MAX]}…"


class Problem(Exception):
    """A request's failure that the client is told of. `detail` is safe to show."""

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        message: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        # Go clients compare `message`; it differs from the detail where the contract fixes its
        # text.
        self.message = message or detail
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @property
    def kind(self) -> Kind:
        """Status, code and title of this problem's reason."""
        return KINDS[self.reason]

    def body(self, trace_id: str | None = None) -> bytes:
        """Return the problem+json body; `trace_id` is what the log lines and the trace carry."""
        kind = self.kind
        document = {
            "type": PROBLEM_TYPE_PREFIX + self.reason,
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
            "errorCode": kind.error_code,
            "reason": str(self.reason),
            "code": kind.code,
            "message": self.message,
            "details": [],
            **self.extra,
        }
        if trace_id is not None:
            document["traceId"] = trace_id
        return msgspec.json.encode(document)


class ProblemResponse(Response):
    """The answer that carries a problem, with the trace id of its request where there is one.

    It leaves the reason in the scope, for the log line, the metric and the span; and the exception
    behind it, which the client does not see.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            problem.body(current_trace_id()),
            problem.kind.status,
            headers={**problem.headers, "Content-Type": CONTENT_TYPE},
        )
        self._reason = str(problem.reason)
        self._cause = problem.__cause__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as an ASGI application."""
        scope[SCOPE_REASON] = self._reason
        scope[SCOPE_CAUSE] = self._cause
        await super().__call__(scope, receive, send)


async def _problem(_: Request, exception: Exception) -> Response:
    assert isinstance(exception, Problem)
    return ProblemResponse(exception)


async def _http_exception(request: Request, exception: Exception) -> Response:
    """Answer what Starlette's router raises: 404, and 405 with `Allow`."""
    assert isinstance(exception, HTTPException)
    method, path = request.method[:16], request.url.path[:100]
    if exception.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        problem = Problem(
            Reason.METHOD_NOT_ALLOWED,
            f"{path} has no method {method}.",
            message="Method Not Allowed",
            headers=exception.headers,
        )
    else:
        problem = Problem(Reason.NOT_FOUND, f"There is nothing at {path}.", message="Not Found")
    return ProblemResponse(problem)


EXCEPTION_HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    Problem: _problem,
    HTTPException: _http_exception,
}
"""For Starlette, on both listeners."""
