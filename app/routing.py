"""A route that answers exactly one method, and leaves its template for metrics and spans.

And what nearly all of them answer with: JSON.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.errors import Unavailable
from app.errors import problem_of
from middleware.tracing import SCOPE_ROUTE

JSON: Final = "application/json"

Endpoint = Callable[[Request[Any]], Awaitable[Response]]


class OneMethodRoute(Route):
    """Starlette's route answers HEAD wherever it answers GET; the contract answers 405."""

    def __init__(
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        *,
        middleware: Sequence[Middleware] = (),
        reserved: bool = False,
    ) -> None:
        """`reserved`: no later route sees this path, whatever the method and its own parameters."""
        super().__init__(path, endpoint, methods=[method])
        self.methods = {method}
        self.app = _answering(endpoint)
        for layer, arguments, options in reversed(middleware):
            self.app = layer(self.app, *arguments, **options)
        self._reserved = reserved

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette does, and name the route's template."""
        match, child_scope = super().matches(scope)
        if match is not Match.NONE:
            child_scope[SCOPE_ROUTE] = self.path
        if match is Match.PARTIAL and self._reserved:
            match = Match.FULL  # Starlette then answers 405
        return match, child_scope


def _answering(endpoint: Endpoint) -> ASGIApp:
    """Return the application that answers with what `endpoint` returns.

    Starlette's own also answers what the endpoint raises; here the application's one layer of
    exception handlers does, outside, for endpoints and for middlewares alike. What cannot be
    reached is a problem from here on, so that the gate sees its status.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await endpoint(Request(scope, receive, send))
        except Unavailable as failure:
            raise problem_of(failure) from failure.__cause__ or failure
        await response(scope, receive, send)

    return answer


def json_response(answer: msgspec.Struct, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer as JSON."""
    return Response(msgspec.json.encode(answer), headers=headers, media_type=JSON)
