"""From a credential to who is asking: a player, or a service of the studio's.

An `Authenticator` is the seam: the gate asks it for the credential as it was sent (before
anything is verified), and this middleware asks it, behind the gate, whose credential that is.
Each route has one; what proves a player proves no service, and the other way round.
"""

from collections.abc import Mapping
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send


class Authenticator(Protocol):
    """Knows which credential a request carries, and whose it is."""

    def credential(self, scope: Scope) -> bytes | None:
        """Return the credential as sent, or None. No I/O: this runs before admission."""

    def is_verified(self, credential: bytes) -> bool:
        """Return whether this credential is already known to be good. No I/O."""

    async def authenticate(self, credential: bytes | None) -> Mapping[str, str]:
        """Return what the handler finds of it in its state.

        Raises `Problem` with `unauthenticated` or `bad_request`.
        """


class AuthMiddleware:
    """Puts who is asking into the scope's state."""

    def __init__(self, app: ASGIApp, *, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope, as an ASGI application."""
        if scope["type"] == "http":
            credential = self._authenticator.credential(scope)
            caller = await self._authenticator.authenticate(credential)
            scope.setdefault("state", {}).update(caller)
        await self._app(scope, receive, send)
