"""The outermost layer: server span, trace id, one log line, and the last answer when all failed."""

import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

import structlog
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from middleware.problem import (
    SCOPE_CAUSE,
    SCOPE_REASON,
    HttpReason,
    Problem,
    ProblemResponse,
    WireReason,
)

TRACER = trace.get_tracer("headrace")
PROPAGATOR = TraceContextTextMapPropagator()

SCOPE_ROUTE: Final = "http_route"
"""Where a route leaves its template in the scope. Without one the label is `unmatched`."""

LOGGED_PATH_MAX: Final = 256
CAUSE_MAX: Final = 512
PROBLEM_LOG_PERIOD_S: Final = 1.0

log = structlog.get_logger()


class Watcher(Protocol):
    """Hears of requests, to count them."""

    def on_arrival(self) -> None:
        """Hear that a request has arrived."""

    def on_end(self) -> None:
        """Hear that a request is over, answered or not."""

    def on_answer(self, route: str, status: int, seconds: float, reason: str | None) -> None:
        """Hear of an answer: to which route, how long after the arrival, why it is a problem."""


class TracingMiddleware:
    """Watches every request from its arrival to the end of its answer; answers problems.

    A trace shows the reasons in `failures`, and `internal`, as errors; other refusals are none.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        watcher: Watcher,
        failures: Collection[WireReason] = (),
        clock_s: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app = app
        self._watcher = watcher
        self._failures = frozenset({HttpReason.INTERNAL, *failures})
        self._clock_s = clock_s
        self._throttle = LogThrottle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope, as an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = self._clock_s()
        status = 0

        async def send_watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        span = TRACER.start_span(scope["method"], _parent(scope), SpanKind.SERVER)
        token = context.attach(trace.set_span_in_context(span))
        self._watcher.on_arrival()
        try:
            await self._app(scope, receive, send_watched)
        except Problem as problem:
            if status:
                raise
            await ProblemResponse(problem)(scope, receive, send_watched)
        except Exception:
            left_out = self._throttle.take("request_failed", self._clock_s())
            if left_out is not None:
                log.exception(
                    "request_failed",
                    method=scope["method"],
                    path=_path(scope),
                    left_out=left_out,
                )
            if status:
                raise  # half an answer is out: only closing the connection tells the client
            internal = Problem(HttpReason.INTERNAL, "The service failed; the trace id finds why.")
            await ProblemResponse(internal)(scope, receive, send_watched)
        finally:
            self._watcher.on_end()
            self._record(scope, status, started_s)
            if span.is_recording():
                _describe(span, scope, status, self._failures)
            span.end()
            context.detach(token)

    def _record(self, scope: Scope, status: int, started_s: float) -> None:
        now_s = self._clock_s()
        if not status:
            # The client left, in line or before its body had come: nobody was answered.
            log.info("client_left", method=scope["method"], path=_path(scope))
            return
        route = scope.get(SCOPE_ROUTE, "unmatched")
        reason = scope.get(SCOPE_REASON)
        self._watcher.on_answer(route, status, now_s - started_s, reason)
        fields: dict[str, object] = {}
        if reason is not None:
            left_out = self._throttle.take(reason, now_s)
            if left_out is None:
                return
            fields = {"reason": reason, "left_out": left_out}
            if cause := scope.get(SCOPE_CAUSE):
                fields["cause"] = repr(cause)[:CAUSE_MAX]
        log.info(
            "request",
            method=scope["method"],
            path=_path(scope),
            status=status,
            duration_ms=round((now_s - started_s) * 1e3, 3),
            **fields,
        )


class LogThrottle:
    """One line a second per reason: a line for each refusal would cost more than the refusal."""

    def __init__(self) -> None:
        self._written_at_s: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def take(self, reason: str, now_s: float) -> int | None:
        """Return how many lines were left out since the last, or None: leave this one out too."""
        written_at_s = self._written_at_s.get(reason)
        if written_at_s is not None and now_s - written_at_s < PROBLEM_LOG_PERIOD_S:
            self._left_out[reason] = self._left_out.get(reason, 0) + 1
            return None
        self._written_at_s[reason] = now_s
        return self._left_out.pop(reason, 0)


def _path(scope: Scope) -> str:
    return str(scope["path"])[:LOGGED_PATH_MAX]


def _parent(scope: Scope) -> context.Context:
    carrier = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if name in {b"traceparent", b"tracestate"}
    }
    return PROPAGATOR.extract(carrier, context.Context()) if carrier else context.Context()


def _describe(span: trace.Span, scope: Scope, status: int, failures: Collection[str]) -> None:
    if route := scope.get(SCOPE_ROUTE):
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.request.method", scope["method"])
    span.set_attribute("url.path", _path(scope))
    span.set_attribute("url.scheme", scope["scheme"])
    span.set_attribute("network.protocol.version", scope["http_version"])
    if status:
        span.set_attribute("http.response.status_code", status)
    if reason := scope.get(SCOPE_REASON):
        span.set_attribute("error.type", reason)
        if reason in failures:
            span.set_status(StatusCode.ERROR)
