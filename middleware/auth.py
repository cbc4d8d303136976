"""From a credential to who is asking: a player, or a service of the studio's.

An `Authenticator` is the seam: the gate asks it for the credential as it was sent (before
anything is verified), and this middleware asks it, behind the gate, whose credential that is.
Each route has one; what proves a player proves no service, and the other way round.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.goal import ID_LENGTH_MAX
from app.domain.player import is_player_id
from app.errors import Problem, Reason

MOCK_HEADER = b"x-mock-user-id"


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


class MockAuthenticator:
    """Believes the `x-mock-user-id` header. For local and test environments only."""

    def credential(self, scope: Scope) -> bytes | None:
        """Return the header's value."""
        for name, value in scope["headers"]:
            if name == MOCK_HEADER:
                return bytes(value)
        return None

    def is_verified(self, credential: bytes) -> bool:  # noqa: ARG002 - the port has it
        """Return True: what this header says is believed."""
        return True

    async def authenticate(self, credential: bytes | None) -> Mapping[str, str]:
        """Return the header's value as the `player`."""
        if credential is None:
            raise Problem(
                Reason.UNAUTHENTICATED,
                "No identity: send the player's id in the x-mock-user-id header.",
                headers={"WWW-Authenticate": "Mock"},
            )
        try:
            player = credential.decode("utf-8")
        except UnicodeDecodeError:
            raise Problem(Reason.BAD_REQUEST, "x-mock-user-id is not UTF-8.") from None
        if not is_player_id(player):
            raise Problem(
                Reason.BAD_REQUEST,
                f"x-mock-user-id must have 1 to {ID_LENGTH_MAX} characters; it has {len(player)}.",
            )
        return {"player": player}


class ServiceAuthenticator:
    """Asks for the bearer token that the studio's services share; without a token, for nothing."""

    def __init__(self, token: str | None) -> None:
        self._digest = None if token is None else _digest(token.encode())

    def credential(self, scope: Scope) -> bytes | None:
        """Return the Authorization header's value; of several, all of them: no token is that."""
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        return b",".join(values) if values else None

    def is_verified(self, credential: bytes) -> bool:
        """Return whether it is the token. How long that takes tells nothing about the token."""
        if self._digest is None:
            return True
        scheme, _, token = credential.partition(b" ")
        same = hmac.compare_digest(_digest(token.strip(b" ")), self._digest)
        return same and scheme.lower() == b"bearer"

    def check(self, credential: bytes | None) -> None:
        """Raise `Problem` with `unauthenticated` if it is not the token."""
        if self._digest is None or (credential is not None and self.is_verified(credential)):
            return
        raise Problem(
            Reason.UNAUTHENTICATED,
            "No service is known by this: send the token in Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )

    async def authenticate(self, credential: bytes | None) -> Mapping[str, str]:
        """Return nothing: one service is like another."""
        self.check(credential)
        return {}


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


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
