import io
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest
import structlog
from opentelemetry import context, trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from app.logs import configure_logs
from app.telemetry import create_tracer_provider


def under_a_client_that_asks_to_be_sampled() -> context.Context:
    parent = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1))
    return trace.set_span_in_context(NonRecordingSpan(parent), context.Context())


def test_without_a_collector_spans_carry_ids_and_record_nothing() -> None:
    provider = create_tracer_provider("headrace", None, 1.0)
    span = provider.get_tracer("test").start_span("request", context.Context())
    assert span.get_span_context().is_valid
    assert not span.is_recording()


def test_a_client_cannot_force_its_trace_to_be_sampled() -> None:
    provider = create_tracer_provider("headrace", "http://127.0.0.1:9", 0.0)
    span = provider.get_tracer("test").start_span("r", under_a_client_that_asks_to_be_sampled())
    assert not span.is_recording()
    assert span.get_span_context().trace_id == 0xABC
    provider.shutdown()


class Collector(HTTPServer):
    """Takes traces as an OTLP/HTTP collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.received: list[ExportTraceServiceRequest] = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_reach_a_collector_under_the_services_name(collector: Collector) -> None:
    host, port = collector.server_address[:2]
    provider = create_tracer_provider("my-headrace", f"http://{host!s}:{port}/", 1.0)
    with provider.get_tracer("test").start_as_current_span("GET /somewhere"):
        pass
    provider.force_flush(5_000)
    provider.shutdown()
    [request] = collector.received
    [resource_spans] = request.resource_spans
    names = {item.key: item.value.string_value for item in resource_spans.resource.attributes}
    assert names["service.name"] == "my-headrace"
    assert resource_spans.scope_spans[0].spans[0].name == "GET /somewhere"


def test_a_log_line_is_one_json_object_with_level_and_time() -> None:
    stream = io.StringIO()
    configure_logs("info", stream)
    structlog.get_logger().debug("unseen")
    structlog.get_logger().info("seen", text="line one\nline two", number=1)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    line = msgspec.json.decode(stream.getvalue())
    assert line["event"] == "seen"
    assert line["level"] == "info"
    assert line["text"] == "line one\nline two"
    assert line["timestamp"].endswith("Z")
    assert "trace_id" not in line


def test_a_log_line_says_what_was_bound_and_what_was_raised() -> None:
    stream = io.StringIO()
    configure_logs("info", stream)
    try:
        int("the secret")
    except ValueError:
        structlog.get_logger().bind(pod="a").exception("failed", method="GET", object=Collector)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    line = msgspec.json.decode(stream.getvalue())
    assert (line["level"], line["event"], line["method"]) == ("error", "failed", "GET")
    assert line["pod"] == "a"
    assert line["object"] == str(Collector)
    assert "ValueError: invalid literal for int() with base 10: 'the secret'" in line["exception"]
    assert "exc_info" not in line
