"""From a credential to a player.

An `Authenticator` is the seam: the gate asks it for the credential as it was sent (before
anything is verified), and this middleware asks it, behind the gate, whose credential that is.
"""

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

    async def player(self, credential: bytes | None) -> str:
        """Return the player's id. Raises `Problem` with `unauthenticated` or `bad_request`."""


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

    async def player(self, credential: bytes | None) -> str:
        """Return the header's value as the player's id."""
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
        return player


class AuthMiddleware:
    """Puts the player's id into `scope["state"]["player"]`."""

    def __init__(self, app: ASGIApp, *, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope, as an ASGI application."""
        if scope["type"] == "http":
            credential = self._authenticator.credential(scope)
            scope.setdefault("state", {})["player"] = await self._authenticator.player(credential)
        await self._app(scope, receive, send)
