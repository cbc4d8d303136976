"""Events over HTTP: many in one request, and an answer for each."""

from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Annotated

import msgspec
import structlog
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from app.answers.examples import AT
from app.answers.wire import Wire
from app.domain.goal import ID_LENGTH_MAX
from app.domain.intake import (
    EVENTS_MAX,
    MEANINGS,
    NAME_LENGTH_MAX,
    EventOutcome,
    EventReason,
    Incoming,
    Result,
)
from app.errors import ServiceReason
from app.events.cloudevents import BATCH, LINES, SPECVERSION, STRUCTURED, TYPES, decode, is_alone
from app.operation import Asked, Operation, Tag
from app.routing import json_response
from app.state import State
from app.telemetry import Metrics
from middleware.problem import HttpReason, Problem

log = structlog.get_logger()


class EventAnswer(Wire, frozen=True):
    """What a producer is told of one event. `id` is empty where it could not be read."""

    id: str
    result: Result
    reason: EventReason


class EventsAnswer(Wire, frozen=True):
    """The outcomes, in the order of the batch."""

    results: Annotated[Sequence[EventAnswer], Meta(max_length=EVENTS_MAX)]


class EventData(msgspec.Struct, frozen=True, rename="camel"):
    """Of a statistic; `inc` is by how much this event changed it, missing or 0: not known."""

    stat_code: Annotated[str, Meta(min_length=1)]
    latest_value: Annotated[float, Meta(ge=0)]
    inc: float | UnsetType = UNSET


class CloudEvent(msgspec.Struct, frozen=True):
    """A CloudEvent; further attributes are ignored. Without a `time` it happens when received."""

    specversion: Annotated[str, Meta(extra_json_schema={"const": SPECVERSION})]
    id: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
    source: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
    type: Annotated[str, Meta(extra_json_schema={"enum": list(TYPES)})]
    subject: Annotated[
        str, Meta(min_length=1, max_length=ID_LENGTH_MAX, description="The player's id.")
    ]
    time: Annotated[str, Meta(extra_json_schema={"format": "date-time"})] | UnsetType = UNSET
    namespace: str | UnsetType = UNSET
    data: EventData | UnsetType = UNSET


LOGIN = CloudEvent("1.0", "1", "match-server-7", "headrace.login", "alice", AT)
STATISTIC = CloudEvent(
    "1.0",
    "2",
    "match-server-7",
    "headrace.statistic",
    "alice",
    AT,
    "local",
    EventData("snowmen_killed", 22, 12),
)

SEND = Operation(
    "sendEvents",
    Tag.EVENTS,
    "Send logins and statistics",
    "CloudEvents 1.0, up to 500 at once, as a JSON array or one object a line, or a single one in"
    " structured mode or in binary mode (headers ce-...; the body is its data). Every event gets a"
    " result of its own, in order; 200 means that the accepted ones are committed. An event is"
    " known by its source and id, and counts once. The time of an event decides its period; a time"
    " in the future is taken as now.",
    "One result for each event of an array or of lines.",
    EventsAnswer,
    EventsAnswer(
        [
            EventAnswer("1", Result.ACCEPTED, EventReason.NONE),
            EventAnswer("2", Result.DUPLICATE, EventReason.NONE),
        ]
    ),
    asked=Asked(
        "What is not JSON refuses a whole array, but only its own line.",
        {
            BATCH: (
                Annotated[Sequence[CloudEvent], Meta(max_length=EVENTS_MAX)],
                [LOGIN, STATISTIC],
            ),
            LINES: (
                Annotated[str, Meta(description="One CloudEvent a line.")],
                msgspec.json.Encoder().encode_lines([LOGIN, STATISTIC]).decode(),
            ),
            STRUCTURED: (CloudEvent, STATISTIC),
        },
    ),
    no_content="A single event, as brokers send it, is accepted, a duplicate or ignored.",
    refuses=(
        HttpReason.BAD_REQUEST,
        HttpReason.INTERNAL,
        ServiceReason.BATCH_TOO_LARGE,
        HttpReason.BODY_TOO_LARGE,
        ServiceReason.UNSUPPORTED_MEDIA_TYPE,
    ),
)


async def receive(request: Request[State]) -> Response:
    """Take a batch in, and answer 200 once all of it is committed."""
    state = request.state
    started_s = perf_counter()
    # Several are one list, as HTTP has it, and no kind of content.
    content_type = ", ".join(request.headers.getlist("content-type"))
    read = decode(content_type, await request.body(), request.headers.items())
    incoming = [each for each in read if isinstance(each, Incoming)]
    applied = iter(await state["events"].apply(incoming, state["hand_on_place"]))
    outcomes = [next(applied) if isinstance(each, Incoming) else each for each in read]
    _record(state["metrics"], outcomes, perf_counter() - started_s)
    if is_alone(content_type):
        return _answer_alone(outcomes[0])
    return json_response(EventsAnswer([EventAnswer(*outcome[:3]) for outcome in outcomes]))


def _answer_alone(outcome: EventOutcome) -> Response:
    """Answer as brokers read it: without a body, a status that says whether to send it again."""
    if outcome.result is not Result.REJECTED:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    failed = outcome.reason is EventReason.INTERNAL
    reason = f"{outcome.reason}, {outcome.header}" if outcome.header else outcome.reason
    raise Problem(
        HttpReason.INTERNAL if failed else HttpReason.BAD_REQUEST,
        f"The event is rejected ({reason}): {MEANINGS[outcome.reason][1]}",
        extra={"eventId": outcome.id, "eventReason": outcome.reason},
    )


def _record(metrics: Metrics, outcomes: list[EventOutcome], seconds: float) -> None:
    counts = Counter((outcome.result, outcome.reason) for outcome in outcomes)
    for (result, reason), count in counts.items():
        metrics.events.labels(result, reason).inc(count)
    metrics.event_batches.observe(seconds)
    log.info(
        "events",
        **{
            f"{result}:{reason}" if reason else str(result): count
            for (result, reason), count in counts.items()
        },
    )
