"""What a request leaves behind: a span, a line, a metric, and an answer whatever happens."""

import io
from collections.abc import Iterator

import msgspec
import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.logs import configure_logs
from app.telemetry import Metrics
from middleware import tracing
from middleware.problem import HttpReason, Problem, ProblemResponse
from middleware.tracing import LogThrottle, TracingMiddleware
from tests.asgi_client import Exchange, http_scope

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01".encode()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "TRACER", provider.get_tracer("test"))
    return exporter


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logs("info", stream)
    monkeypatch.setattr(tracing, "log", structlog.get_logger())
    yield stream
    structlog.reset_defaults()


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    scope["http_route"] = "/hello/{name}"
    await PlainTextResponse("hello")(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await ProblemResponse(Problem(HttpReason.BAD_REQUEST, "no"))(scope, receive, send)


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("secret internals")


async def fail_half_way(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("a bug")


async def request(app: ASGIApp, *headers: tuple[bytes, bytes]) -> Exchange:
    exchange = Exchange(app, http_scope(path="/hello/bob", headers=headers))
    await exchange.task
    return exchange


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]


async def test_a_span_is_named_by_the_route_and_keeps_the_clients_trace_id(
    spans: InMemorySpanExporter,
) -> None:
    app = TracingMiddleware(hello, watcher=Metrics())
    await request(app, (b"traceparent", TRACEPARENT))
    [span] = spans.get_finished_spans()
    assert span.name == "GET /hello/{name}"
    assert span.kind is trace.SpanKind.SERVER
    assert f"{span.context.trace_id:032x}" == TRACE_ID
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["url.path"] == "/hello/bob"


@pytest.mark.parametrize("traceparent", [b"", b"nonsense", b"00-0-0-00", b"\xff\xfe"])
async def test_a_broken_traceparent_begins_a_trace_of_its_own(
    spans: InMemorySpanExporter, traceparent: bytes
) -> None:
    exchange = await request(
        TracingMiddleware(hello, watcher=Metrics()), (b"traceparent", traceparent)
    )
    assert exchange.status == 200
    assert len(spans.get_finished_spans()) == 1


async def test_a_deliberate_refusal_is_no_error_in_the_trace_and_a_bug_is_one(
    spans: InMemorySpanExporter,
) -> None:
    await request(TracingMiddleware(refuse, watcher=Metrics()))
    await request(TracingMiddleware(fail, watcher=Metrics()))
    refused, failed = spans.get_finished_spans()
    assert refused.status.is_ok
    assert refused.status.status_code is not trace.StatusCode.ERROR
    assert failed.status.status_code is trace.StatusCode.ERROR


async def test_a_bug_is_answered_with_one_sentence_and_the_log_has_the_rest(
    spans: InMemorySpanExporter, log_lines: io.StringIO
) -> None:
    exchange = await request(TracingMiddleware(fail, watcher=Metrics()))
    assert exchange.status == 500
    assert b"secret internals" not in exchange.body
    assert exchange.json["reason"] == "internal"
    failure, line = lines(log_lines)
    assert "secret internals" in str(failure["exception"])
    assert failure["trace_id"] == line["trace_id"] == exchange.json["traceId"]
    assert line["status"] == 500


async def test_half_an_answer_is_cut_since_nothing_else_tells_the_client(
    spans: InMemorySpanExporter, log_lines: io.StringIO
) -> None:
    exchange = Exchange(TracingMiddleware(fail_half_way, watcher=Metrics()), http_scope())
    with pytest.raises(RuntimeError):
        await exchange.task


async def test_each_request_is_one_line_that_no_client_can_forge(log_lines: io.StringIO) -> None:
    app = TracingMiddleware(hello, watcher=Metrics())
    exchange = Exchange(app, http_scope(path='/ok\r\n{"event":"forged"}' + "x" * 500))
    await exchange.task
    [line] = lines(log_lines)
    assert line["event"] == "request"
    assert line["status"] == 200
    assert len(str(line["path"])) == 256


async def test_a_stream_of_refusals_is_one_line_a_second_with_the_count_of_the_rest(
    log_lines: io.StringIO,
) -> None:
    now_s = 100.0
    app = TracingMiddleware(refuse, watcher=Metrics(), clock_s=lambda: now_s)
    for _ in range(50):
        await request(app)
    now_s = 101.0
    await request(app)
    first, second = lines(log_lines)
    assert (first["reason"], first["left_out"]) == ("bad_request", 0)
    assert (second["reason"], second["left_out"]) == ("bad_request", 49)


async def test_requests_and_problems_are_counted_by_route_and_reason() -> None:
    metrics = Metrics()
    await request(TracingMiddleware(hello, watcher=metrics))
    await request(TracingMiddleware(refuse, watcher=metrics))
    shown = generate_latest(metrics.registry).decode()
    assert (
        'http_server_request_duration_seconds_count{http_response_status_code="200",'
        'http_route="/hello/{name}"} 1.0'
    ) in shown
    assert 'http_server_problems_total{reason="bad_request"} 1.0' in shown
    assert "http_server_active_requests 0.0" in shown


def test_reasons_do_not_hide_each_other_in_the_log() -> None:
    throttle = LogThrottle()
    assert throttle.take("a", 0.0) == 0
    assert throttle.take("b", 0.0) == 0
    assert throttle.take("a", 0.5) is None
    assert throttle.take("a", 1.0) == 1
