"""The OpenAPI 3.1 document, made of the table of routes and the types of their bodies."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app import VERSION
from app.answers.examples import AT, CHALLENGE_ID, CLAIM_ID, GOAL_ID
from app.answers.wire import Instant
from app.domain.intake import EventReason
from app.errors import REASONS, ServiceReason
from app.operation import Operation, Tag
from app.routes import ROUTES, Row, Who
from app.routing import JSON
from middleware.admission import Class
from middleware.problem import (
    CONTENT_TYPE,
    PROBLEM_TYPE_PREFIX,
    HttpReason,
    Problem,
    WireReason,
    come_back,
)
from middleware.tickets import TICKET_HEADER, TicketFlaw

Json = dict[str, Any]

TICKET: Final = "1.BAAfzJ1o2rMZ2Zb0vN9Q4cOeAAABkEd7mYAAAAGQR3uxAAAAAZBHe4mAc2lnbmF0dXJlLTEyOC1i"
TRACE_ID: Final = "15b79aa33e8bee7e9372fd0c4de69871"

GATED: Final = (HttpReason.OVER_QUOTA, HttpReason.LINE_PER_KEY)
FULL: Final = (HttpReason.LINE_FULL, HttpReason.WAIT_EXPIRED)
"""Why the gate refuses: over the client's own rate, or for want of room."""

TAG_MEANINGS: Final[Mapping[Tag, str]] = {
    Tag.CHALLENGES: "What a player sees, and decides about goals.",
    Tag.REWARDS: "What a player earns.",
    Tag.PLAYER: "What is stored of a player.",
    Tag.EVENTS: "What a game's back end sends.",
    Tag.SERVICE: "How the service is. Without identity, outside the admission gate.",
}

INFO: Final = {
    "title": "Headrace",
    "version": VERSION,
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "summary": "Player challenges: goals, progress, claims.",
    "description": "What game clients and game back ends may send to the player port, and what they"
    " get. JSON names are camelCase; requests of players may also use snake_case, and members that"
    " are not known are ignored. Instants are RFC 3339 in UTC with whole seconds; an empty text"
    " stands for none.",
}

SERVERS: Final = (
    {"url": "/", "description": "The server that this document comes from."},
    {"url": "http://127.0.0.1:8000", "description": "A service that `make run` started."},
)

SCHEMES: Final = {
    "player": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The player's token: a JWT whose subject is the player.",
    },
    "mockPlayer": {
        "type": "apiKey",
        "in": "header",
        "name": "x-mock-user-id",
        "description": "The player's id, believed as it is. Local and test environments only.",
    },
    "events": {
        "type": "http",
        "scheme": "bearer",
        "description": "EVENTS_TOKEN, or a JWT of a client that may send events; where neither is"
        " set, none is asked for.",
    },
}
SECURITY: Final[Mapping[Who, Sequence[Json]]] = {
    Who.PLAYER: [{"player": []}, {"mockPlayer": []}],
    Who.SERVICE: [{"events": []}, {}],
    Who.ANYBODY: [],
}

# Where it is, what it means, an example.
PARAMETERS: Final = {
    "challenge_id": ("path", "", CHALLENGE_ID),
    "goal_id": ("path", "", GOAL_ID),
    "active_only": (
        "query",
        "`true` leaves out goals that are not active, and challenges without any.",
        "true",
    ),
    "activeOnly": ("query", "The same under its other name.", "true"),
    "If-None-Match": (
        "header",
        "The `ETag` of an earlier answer.",
        'W/"26e9ed24a6bb822b33e8bf78"',
    ),
    "Prefer": (
        "header",
        "`wait=<seconds>`: how long this client is willing to wait in line.",
        "wait=2",
    ),
    TICKET_HEADER: (
        "header",
        "The ticket that the last refusal told, by which every pod knows this client's moment.",
        TICKET,
    ),
}

HEADERS: Final = {
    "ETag": "Names what the answer follows from; send it back in `If-None-Match`.",
    "Retry-After": "In how many seconds to come back, rounded up; `retry_after_ms` in the body is"
    " exact.",
    TICKET_HEADER: "Where a moment is kept: what proves that to every pod; send it back with the"
    " same request. `admission_ticket` in the body is the same.",
    "Allow": "The methods that this path has.",
    "Accept-Post": "The kinds of content that are read here.",
    "WWW-Authenticate": "Which credential is missing.",
    "Cache-Control": "Whether an answer may be kept, and that a kept one is asked about each time.",
}
HEADERS_OF: Final[Mapping[int, str]] = {
    401: "WWW-Authenticate",
    405: "Allow",
    415: "Accept-Post",
    429: "Retry-After",
    503: "Retry-After",
}

EXTRA: Final[Mapping[WireReason, Json]] = {
    ServiceReason.GOAL_LOCKED: {"missingPrerequisites": ["complete-tutorial"]},
    ServiceReason.ALREADY_CLAIMED: {"claimId": CLAIM_ID, "claimedAt": AT},
    ServiceReason.REWARD_GRANT_FAILED: {"claimId": CLAIM_ID},
}
"""Members of some problems, beyond those of all."""


class ProblemBody(
    msgspec.Struct, frozen=True, rename={"kind": "type"}, forbid_unknown_fields=False
):
    """RFC 9457, with what clients of the Go service read: `code`, `message`, `details`."""

    kind: Annotated[str, Meta(pattern=f"^{PROBLEM_TYPE_PREFIX}[a-z_]+$")]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    errorCode: Annotated[str, Meta(pattern="^[A-Z_]+$")]  # noqa: N815 - as on the wire
    reason: Annotated[str, Meta(extra_json_schema={"enum": list(REASONS)})]
    code: Annotated[int, Meta(description="The gRPC status number.")]
    message: str
    details: Annotated[
        list[dict[str, Any]],
        Meta(max_length=0, description="Always empty; clients of the Go service read a list."),
    ]
    retry_after_ms: Annotated[int, Meta(ge=0, description="When to come back.")] | UnsetType = UNSET
    reserved: (
        Annotated[bool, Meta(description="Whether that moment is kept for this client.")]
        | UnsetType
    ) = UNSET
    admission_ticket: (
        Annotated[str, Meta(description="The proof of that moment, as in `Admission-Ticket`.")]
        | UnsetType
    ) = UNSET
    admission_ticket_ignored: (
        Annotated[TicketFlaw, Meta(description="Why the ticket that was sent is ignored.")]
        | UnsetType
    ) = UNSET
    missingPrerequisites: (  # noqa: N815 - as on the wire
        Annotated[list[str], Meta(description="Of a locked goal: what is to be completed first.")]
        | UnsetType
    ) = UNSET
    claimId: (  # noqa: N815 - as on the wire
        Annotated[
            str,
            Meta(
                description="The claim that stands in the way, or was undone.",
                extra_json_schema={"format": "uuid"},
            ),
        ]
        | UnsetType
    ) = UNSET
    claimedAt: Instant | UnsetType = UNSET  # noqa: N815 - as on the wire
    eventId: (  # noqa: N815 - as on the wire
        Annotated[str, Meta(description="Of a single event that is rejected.")] | UnsetType
    ) = UNSET
    eventReason: EventReason | UnsetType = UNSET  # noqa: N815 - as on the wire
    traceId: (  # noqa: N815 - as on the wire
        Annotated[
            str,
            Meta(pattern="^[0-9a-f]{32}$", description="The answer's mark in logs and traces."),
        ]
        | UnsetType
    ) = UNSET


def api_document(routes: Sequence[Row] = ROUTES) -> bytes:
    """Return the document as JSON."""
    types = [ProblemBody, *_types(routes)]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    _complete([schemas, components])
    schema_of = dict(zip(map(_key, types), schemas, strict=True)).__getitem__
    paths: dict[str, Json] = {}
    for row in routes:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(
            row, lambda kind: schema_of(_key(kind))
        )
    document = {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": SERVERS,
        "tags": [{"name": tag, "description": meaning} for tag, meaning in TAG_MEANINGS.items()],
        "security": SECURITY[Who.PLAYER],
        "paths": paths,
        "components": {
            "securitySchemes": SCHEMES,
            "parameters": {name: _parameter(name) for name in PARAMETERS},
            "headers": {name: _header(name) for name in HEADERS},
            "examples": {reason.value: _example(reason) for reason in REASONS.values()},
            "responses": {"Problem": _other_problem(), "NotModified": _not_modified()},
            "schemas": components,
        },
    }
    return msgspec.json.encode(document)


def _complete(part: Any) -> None:
    """Say of each schema what tools need and msgspec leaves out: what is in it, and its type."""
    if isinstance(part, list | tuple):
        for each in part:
            _complete(each)
    elif isinstance(part, dict):
        if part.get("type") == "object" and "properties" not in part:
            part["additionalProperties"] = True
        if not part.get("required", True):
            del part["required"]
        if "enum" in part:
            part.setdefault("type", "string")
        for each in part.values():
            _complete(each)


def _types(routes: Sequence[Row]) -> Iterator[Any]:
    for row in routes:
        yield row.operation.answer
        asked = row.operation.asked
        yield from (kind for kind, _ in asked.content.values()) if asked else ()


def _key(kind: Any) -> str:
    return repr(kind)


def _operation(row: Row, schema_of: Callable[[Any], Json]) -> Json:
    operation = row.operation
    described: Json = {
        "tags": [operation.tag],
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
    }
    if row.who is not Who.PLAYER:
        described["security"] = SECURITY[row.who]
    in_path = [name for name in PARAMETERS if f"{{{name}}}" in row.path]
    if names := (*in_path, *operation.parameters):
        described["parameters"] = [_ref("parameters", name) for name in names]
    if operation.asked is not None:
        described["requestBody"] = {
            "required": True,
            "description": operation.asked.meaning,
            "content": {
                media: {"schema": schema_of(kind), "example": msgspec.to_builtins(example)}
                for media, (kind, example) in operation.asked.content.items()
            },
        }
    described["responses"] = _responses(row, operation, schema_of)
    return described


def _responses(row: Row, operation: Operation, schema_of: Callable[[Any], Json]) -> Json:
    answer = {
        "schema": schema_of(operation.answer),
        "example": msgspec.to_builtins(operation.example),
    }
    responses: Json = {"200": {"description": operation.answers, "content": {JSON: answer}}}
    if operation.headers:
        responses["200"]["headers"] = {name: _ref("headers", name) for name in operation.headers}
    if operation.no_content:
        responses["204"] = {"description": operation.no_content}
    if operation.not_modified:
        responses["304"] = _ref("responses", "NotModified")
    refusals = sorted(_refusals(row), key=lambda reason: reason.status)
    for status, reasons in groupby(refusals, lambda reason: reason.status):
        responses[str(status)] = _refusal(status, list(reasons))
    if row.admission is Class.INITIALIZE:
        responses["503"]["headers"][TICKET_HEADER] = _ref("headers", TICKET_HEADER)
    if row.operation.name == "isReady":
        responses["503"] = _not_ready(answer["schema"])
    responses["default"] = _ref("responses", "Problem")
    return responses


def _refusals(row: Row) -> Iterator[WireReason]:
    """Yield why a route may refuse: for reasons of its own, and for those of its place."""
    yield from row.operation.refuses
    if row.admission is None:
        return
    yield HttpReason.UNAUTHENTICATED
    yield ServiceReason.FORBIDDEN
    yield from GATED
    yield from FULL
    if row.admission is Class.INITIALIZE:
        yield HttpReason.SLOT_EARLY
    yield ServiceReason.DATABASE_UNAVAILABLE
    yield ServiceReason.TOKEN_KEYS_UNAVAILABLE


def _refusal(status: int, reasons: Sequence[WireReason]) -> Json:
    told: Json = {
        "description": " ".join(f"`{reason}`: {reason.summary}." for reason in reasons),
        "content": {
            CONTENT_TYPE: {
                "schema": _ref("schemas", ProblemBody.__name__),
                "examples": {reason.value: _ref("examples", reason.value) for reason in reasons},
            }
        },
    }
    if status in HEADERS_OF:
        name = HEADERS_OF[status]
        told["headers"] = {name: _ref("headers", name)}
    return told


def _not_ready(schema: Json) -> Json:
    """Return the 503 of a pod that is not ready, or holds all the connections it may."""
    told = _refusal(503, [HttpReason.CONNECTIONS_FULL])
    del told["headers"]
    told["description"] = "Not ready: the body is that of a 200. " + told["description"]
    told["content"][JSON] = {"schema": schema, "example": {"status": "draining"}}
    return told


def _other_problem() -> Json:
    told = _refusal(HTTPStatus.METHOD_NOT_ALLOWED, list(REASONS.values()))
    told["description"] = "Any other error, for example 404, 405, 408, 413, 414, 431 or 500."
    return told


def _not_modified() -> Json:
    return {
        "description": "What the client has is what would be sent.",
        "headers": {name: _ref("headers", name) for name in ("ETag", "Cache-Control")},
    }


def _example(reason: WireReason) -> Json:
    if HEADERS_OF.get(reason.status) == "Retry-After":
        problem = come_back(reason, 1250, reserved=reason in FULL)
    else:
        problem = Problem(reason, f"{reason.summary}.", extra=EXTRA.get(reason))
    return {"summary": reason.summary, "value": msgspec.json.decode(problem.body(TRACE_ID))}


def _parameter(name: str) -> Json:
    location, meaning, example = PARAMETERS[name]
    told: Json = {"name": name, "in": location, "schema": {"type": "string"}, "example": example}
    if location == "path":
        told["required"] = True
    else:
        told["description"] = meaning
    return told


def _header(name: str) -> Json:
    kind: Json = {"type": "integer", "minimum": 0} if name == "Retry-After" else {"type": "string"}
    return {"description": HEADERS[name], "schema": kind}


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
