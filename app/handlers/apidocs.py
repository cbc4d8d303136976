"""What this API is, for tools: an OpenAPI document, written by hand and checked by the tests."""

from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from app.handlers.conditional import has
from app.routing import JSON, Endpoint

DOCUMENT = Path(__file__).parents[1] / "openapi.json"
TAG_LENGTH = 32


def api_document() -> Endpoint:
    """Return the endpoint that answers the document, which is read once, here."""
    body = DOCUMENT.read_bytes()
    tag = sha256(body).hexdigest()[:TAG_LENGTH]
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}

    async def show(request: Request) -> Response:
        if has(request.headers, tag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=JSON)

    return show
