"""Why a request fails, and the one body that says so.

    Problem              raised by a layer or an endpoint; answered by `ProblemResponse`
      └─ one WireReason  metric label, log field, problem type and runbook heading at once

The body is RFC 9457 problem+json, plus what clients of the Go service read (`code`, `message`,
`details`). Each folder has one enum of reasons; `HttpReason` is that of this folder.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Self

import msgspec
from opentelemetry import trace
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from middleware.admission import AdmissionReason

DETAIL_MAX: Final = 200
"""How many characters of a detail are told that quotes what was sent."""

PROBLEM_TYPE_PREFIX: Final = "urn:headrace:problem:"
CONTENT_TYPE: Final = "application/problem+json"

SCOPE_REASON: Final = "problem_reason"
SCOPE_CAUSE: Final = "problem_cause"
"""Where an answer leaves its reason, and the exception behind it, for whoever watches requests."""


class WireReason(StrEnum):
    """A reason with what it means on the wire. An enum of reasons has this form.

    `code` is the gRPC status number and `error_code` the word that clients of the Go service read;
    it is the reason in capitals, unless the row says otherwise.
    """

    status: int
    code: int
    summary: str
    error_code: str

    def __new__(
        cls, value: str, status: int, code: int, summary: str, error_code: str | None = None
    ) -> Self:
        """Make a member of its row."""
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.status, reason.code, reason.summary = status, code, summary
        reason.error_code = error_code or value.upper()
        return reason


class HttpReason(WireReason):
    """Why a layer before the endpoints refuses a request."""

    BAD_REQUEST = "bad_request", 400, 3, "The request cannot be read"
    UNAUTHENTICATED = "unauthenticated", 401, 16, "Who is asking is not known", "UNAUTHORIZED"
    BODY_TIMEOUT = "body_timeout", 408, 4, "The body came too slowly"
    BODY_TOO_LARGE = "body_too_large", 413, 3, "The body is too large"
    TARGET_TOO_LONG = "target_too_long", 414, 3, "The request target is too long"
    HEADERS_TOO_LARGE = "headers_too_large", 431, 3, "There are too many header bytes or fields"
    INTERNAL = "internal", 500, 13, "The service failed", "INTERNAL_ERROR"
    CONNECTIONS_FULL = "connections_full", 503, 14, "This pod holds all the connections it may"
    OVER_QUOTA = AdmissionReason.OVER_QUOTA, 429, 8, "You are over your own rate"
    LINE_PER_KEY = (
        AdmissionReason.LINE_PER_KEY,
        429,
        8,
        "You already have as many requests in line as one client may",
    )
    LINE_FULL = AdmissionReason.LINE_FULL, 503, 14, "The service is full; come back at your moment"
    WAIT_EXPIRED = (
        AdmissionReason.WAIT_EXPIRED,
        503,
        14,
        "Your turn did not come in time; come back at your moment",
    )
    SLOT_EARLY = AdmissionReason.SLOT_EARLY, 503, 14, "You are early; come back at your moment"


class Problem(Exception):
    """A request's failure that the client is told of. `detail` is safe to show."""

    def __init__(
        self,
        reason: WireReason,
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

    def body(self, trace_id: str | None = None) -> bytes:
        """Return the problem+json body; `trace_id` is what the log lines and the trace carry."""
        reason = self.reason
        document = {
            "type": PROBLEM_TYPE_PREFIX + reason,
            "title": reason.summary,
            "status": reason.status,
            "detail": self.detail,
            "errorCode": reason.error_code,
            "reason": reason.value,
            "code": reason.code,
            "message": self.message,
            "details": [],
            **self.extra,
        }
        if trace_id is not None:
            document["traceId"] = trace_id
        return msgspec.json.encode(document)


def come_back(
    reason: WireReason, retry_after_ms: int, detail: str = "", **extra: object
) -> Problem:
    """Return the refusal that tells a client when the same request may succeed."""
    return Problem(
        reason,
        detail or f"Come back in {retry_after_ms} ms.",
        headers={"Retry-After": str(-(-retry_after_ms // 1000))},
        extra={"retry_after_ms": retry_after_ms, **extra},
    )


def current_trace_id() -> str | None:
    """Return the trace id of the request being served, as 32 hex digits; None without a span."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


class ProblemResponse(Response):
    """The answer that carries a problem, with the trace id of its request where there is one.

    It leaves the reason in the scope, for the log line, the metric and the span; and the exception
    behind it, which the client does not see.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            problem.body(current_trace_id()),
            problem.reason.status,
            headers={**problem.headers, "Content-Type": CONTENT_TYPE},
        )
        self._reason = problem.reason.value
        self._cause = problem.__cause__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as an ASGI application."""
        scope[SCOPE_REASON] = self._reason
        scope[SCOPE_CAUSE] = self._cause
        await super().__call__(scope, receive, send)
