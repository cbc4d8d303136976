"""Who may change anything through the operations listener: whoever has OPERATIONS_TOKEN."""

from http import HTTPMethod
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from app.callers import ServiceTokens

SAFE: Final = frozenset({HTTPMethod.GET, HTTPMethod.HEAD})


class MayChange:
    """Lets everybody look, and whoever has the token change something; without a token, all."""

    def __init__(self, app: ASGIApp, *, token: str | None) -> None:
        self._app = app
        self._known = ServiceTokens(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises `Problem` before any byte of its body is read."""
        if scope["type"] == "http" and scope["method"] not in SAFE:
            self._known.credential(scope)
        await self._app(scope, receive, send)
