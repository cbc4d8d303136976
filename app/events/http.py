"""Events over HTTP: many in one request, and an answer for each."""

from collections import Counter
from time import perf_counter

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from app.domain.intake import Incoming, Outcome
from app.events.cloudevents import decode
from app.routing import Endpoint, json_response
from app.state import State
from app.telemetry import Metrics

log = structlog.get_logger()


class EventAnswer(msgspec.Struct, frozen=True):
    """What a producer is told of one event."""

    id: str
    result: str
    reason: str


class BatchAnswer(msgspec.Struct, frozen=True):
    """The outcomes, in the order of the batch."""

    results: list[EventAnswer]


def receive_events(metrics: Metrics) -> Endpoint:
    """Return the endpoint that takes a batch in. It answers 200 once all is committed."""

    async def receive(request: Request[State]) -> Response:
        state = request.state
        started_s = perf_counter()
        content_type = request.headers.get("content-type", "")
        read = decode(content_type, await request.body(), request.headers.items())
        incoming = [each for each in read if isinstance(each, Incoming)]
        applied = iter(await state["events"].apply(incoming, state["hand_on_place"]))
        outcomes = [next(applied) if isinstance(each, Incoming) else each for each in read]
        _record(metrics, outcomes, perf_counter() - started_s)
        answer = BatchAnswer([EventAnswer(*outcome) for outcome in outcomes])
        return json_response(answer)

    return receive


def _record(metrics: Metrics, outcomes: list[Outcome], seconds: float) -> None:
    counts = Counter((outcome.result, outcome.why) for outcome in outcomes)
    for (result, why), count in counts.items():
        metrics.events.labels(result, why).inc(count)
    metrics.event_batches.observe(seconds)
    log.info(
        "events",
        **{
            f"{result}:{why}" if why else str(result): count
            for (result, why), count in counts.items()
        },
    )
