"""What operators see: every metric's name, and the tracer.

Metrics are recorded with prometheus-client (a tenth of the cost of the OpenTelemetry SDK's) under
the semantic conventions' names where they have one. Spans go out over OTLP/HTTP only when
OTEL_EXPORTER_OTLP_ENDPOINT is set; without it they carry ids for logs and problems, and record
nothing.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

from app.gate_collector import GateCollector
from middleware.admission import AdmissionEvent, Snapshot, Verdict

DURATION_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

SERIES_MAX = 1_024
"""How many series of one metric are found without looking at their labels."""

SPAN_QUEUE_MAX = 16_384
SPAN_EXPORT_DELAY_MS = 1_000
EXPORT_S_MAX = 2.0
FLUSH_S_MAX = 2.0


class Metrics:
    """Every metric of the service, each named once."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Histogram(
            "http_server_request_duration_seconds",
            "Time from a request's arrival to the end of its answer, by route template and status.",
            ("http_route", "http_response_status_code"),
            buckets=DURATION_BUCKETS_S,
            registry=self.registry,
        )
        self.active_requests = self._gauge(
            "http_server_active_requests",
            "Requests between their arrival and the end of their answer.",
        )
        self.problems = Counter(
            "http_server_problems_total",
            "Answers that are problems, by reason; the runbook has a section for each.",
            ("reason",),
            registry=self.registry,
        )
        self.loop_lag = self._gauge(
            "event_loop_lag_seconds", "How late the event loop runs its timers."
        )
        self.connections = self._gauge(
            "front_door_connections", "Connections open on the player listener."
        )
        self.database_connections = Gauge(
            "db_client_connection_count",
            "Connections of the pool, by state.",
            ("state",),
            registry=self.registry,
        )
        self.database_operations = Histogram(
            "db_client_operation_duration_seconds",
            "Time of each named statement, the wait for a connection included.",
            ("db_operation_name",),
            buckets=DURATION_BUCKETS_S,
            registry=self.registry,
        )
        self._add_admission()
        self._add_events()
        self._add_rewards()
        # Finding a series by its labels costs more than counting in it.
        self.requests_of = lru_cache(SERIES_MAX)(self.requests.labels)
        self.database_operations_of = lru_cache(SERIES_MAX)(self.database_operations.labels)
        self._decisions_of = lru_cache(SERIES_MAX)(self.admission_decisions.labels)
        self.tickets_of = lru_cache(SERIES_MAX)(self.tickets.labels)
        self._waits_of = lru_cache(SERIES_MAX)(self.admission_wait.labels)

    def _add_admission(self) -> None:
        self.admission_decisions = Counter(
            "admission_decisions_total",
            "Arrivals at the gate by class and by how they ended there.",
            ("class", "verdict", "reason"),
            registry=self.registry,
        )
        self.tickets = Counter(
            "admission_tickets_total",
            "Tickets that came with requests: accepted, or why they were ignored.",
            ("result",),
            registry=self.registry,
        )
        self.tokens = Counter(
            "auth_tokens_total",
            "Tokens that were looked at, which each one is once: what came of it.",
            ("result",),
            registry=self.registry,
        )
        self.admission_wait = Histogram(
            "admission_wait_seconds",
            "Time in line of those who were admitted.",
            ("class",),
            buckets=DURATION_BUCKETS_S,
            registry=self.registry,
        )
        self.admission_resume_wait = Histogram(
            "admission_resume_wait_seconds",
            "Time that a batch of events waited for a place again, between two of its pieces.",
            ("class",),
            buckets=DURATION_BUCKETS_S,
            registry=self.registry,
        )

    def _add_events(self) -> None:
        self.events = Counter(
            "events_total",
            "Events that were answered, by result and reason; those of failed requests are not.",
            ("result", "reason"),
            registry=self.registry,
        )
        self.event_batches = Histogram(
            "events_batch_duration_seconds",
            "Time from a batch's decoding to its commit.",
            buckets=DURATION_BUCKETS_S,
            registry=self.registry,
        )

    def _add_rewards(self) -> None:
        self.claims = Counter(
            "reward_claims_total",
            "Claims that were made, by what their players were told: granted, pending, or refused"
            " (those were undone).",
            ("state",),
            registry=self.registry,
        )
        self.claim_conflicts = self._counter(
            "reward_claim_conflicts_total",
            "Claims that existed although their players' facts knew of none: a bug.",
        )
        self.claims_open = Gauge(
            "reward_claims_open",
            "Claims in the database that are not granted, by state; the same on every pod.",
            ("state",),
            registry=self.registry,
        )
        self.reward_calls = Histogram(
            "reward_call_duration_seconds",
            "Time of each call to the reward provider, by its outcome.",
            ("outcome",),
            buckets=DURATION_BUCKETS_S,
            registry=self.registry,
        )

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(name, meaning, registry=self.registry)

    def _counter(self, name: str, meaning: str) -> Counter:
        return Counter(name, meaning, registry=self.registry)

    def watch_admission(self, snapshot: Callable[[], Snapshot]) -> None:
        """Read the gate's state whenever somebody looks."""
        self.registry.register(GateCollector(snapshot))

    def watch_database(self, in_use: Callable[[], int], size: int) -> None:
        """Read the pool's state whenever somebody looks."""
        self.database_connections.labels("used").set_function(in_use)
        self.database_connections.labels("idle").set_function(lambda: size - in_use())

    def on_arrival(self) -> None:
        """Count a request as being served."""
        self.active_requests.inc()

    def on_end(self) -> None:
        """Count a request as over."""
        self.active_requests.dec()

    def on_answer(self, route: str, status: int, seconds: float, reason: str | None) -> None:
        """Time an answer, and count it by its reason if it is a problem."""
        self.requests_of(route, status).observe(seconds)
        if reason is not None:
            self.problems.labels(reason).inc()

    def on_refused(self, reason: str) -> None:
        """Count a problem that was answered before any request reached the application."""
        self.problems.labels(reason).inc()

    def on_admission(self, event: AdmissionEvent) -> None:
        """Count one arrival's end at the gate, or time its wait between two pieces of work."""
        label = event.cls.label
        if event.verdict is Verdict.RESUMED:
            self.admission_resume_wait.labels(label).observe(event.waited_ns / 1e9)
            return
        self._decisions_of(label, event.verdict, event.reason or "").inc()
        if event.verdict is Verdict.ADMITTED:
            self._waits_of(label).observe(event.waited_ns / 1e9)


def create_tracer_provider(
    service_name: str, otlp_endpoint: str | None, sampled_share: float
) -> TracerProvider:
    """Return a provider whose spans go to `otlp_endpoint`; without one, spans only carry ids.

    A client cannot force sampling: its `traceparent` gives the trace id, and the share decides.
    """
    resource = Resource.create({SERVICE_NAME: service_name})
    if otlp_endpoint is None:
        return TracerProvider(sampler=ALWAYS_OFF, resource=resource, shutdown_on_exit=False)
    share = TraceIdRatioBased(sampled_share)
    sampler = ParentBased(share, remote_parent_sampled=share, remote_parent_not_sampled=share)
    # The exit hook would wait for a dead collector without a bound; the lifespan flushes with one.
    provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(
        BatchSpanProcessor(
            OTLPSpanExporter(
                endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_S_MAX
            ),
            max_queue_size=SPAN_QUEUE_MAX,
            schedule_delay_millis=SPAN_EXPORT_DELAY_MS,
        )
    )
    return provider


async def flush_spans(provider: TracerProvider) -> None:
    """Send what is left, for at most `FLUSH_S_MAX`.

    The SDK's own time-out bounds nothing, and a thread of the loop's executor would be waited for
    at the end: so this is a thread that the process leaves behind if the collector does not answer.
    """
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def flush() -> None:
        provider.force_flush()
        with suppress(RuntimeError):  # the loop is gone: nobody waits any more
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=flush, daemon=True).start()
    with suppress(TimeoutError):
        async with asyncio.timeout(FLUSH_S_MAX):
            await done.wait()
