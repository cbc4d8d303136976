"""What this API is, for tools: an OpenAPI document, made of the table of routes."""

from functools import cache
from hashlib import sha256
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.handlers.conditional import has
from app.operation import Operation, Tag
from app.routing import JSON

TAG_LENGTH: Final = 32

DOCUMENT = Operation(
    "describeApi",
    Tag.SERVICE,
    "This document",
    "Constant for one release.",
    "This document.",
    dict[str, Any],
    {"openapi": "3.1.0", "info": {"title": "Headrace"}, "paths": {}},
    parameters=("If-None-Match",),
    headers=("ETag", "Cache-Control"),
    not_modified=True,
)


async def show_document(request: Request) -> Response:
    """Show the document, or say that the client has it already."""
    body: bytes = request.app.state.api_document
    tag = _tag_of(body)
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
    if has(request.headers, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=JSON)


@cache
def _tag_of(body: bytes) -> str:
    return sha256(body).hexdigest()[:TAG_LENGTH]
