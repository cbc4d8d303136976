"""Who may call: a player, known by a header outside production, or a service of the studio's.

What proves a player proves no service, and the other way round.
"""

import hashlib
import hmac
from collections.abc import Mapping

from starlette.types import Scope

from app.domain.goal import ID_LENGTH_MAX
from app.domain.player import is_player_id
from middleware.problem import HttpReason, Problem

MOCK_HEADER = b"x-mock-user-id"


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
                HttpReason.UNAUTHENTICATED,
                "No identity: send the player's id in the x-mock-user-id header.",
                headers={"WWW-Authenticate": "Mock"},
            )
        try:
            player = credential.decode("utf-8")
        except UnicodeDecodeError:
            raise Problem(HttpReason.BAD_REQUEST, "x-mock-user-id is not UTF-8.") from None
        if not is_player_id(player):
            raise Problem(
                HttpReason.BAD_REQUEST,
                f"x-mock-user-id must have 1 to {ID_LENGTH_MAX} characters; it has {len(player)}.",
            )
        return {"player_id": player}


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
            HttpReason.UNAUTHENTICATED,
            "No service is known by this: send the token in Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )

    async def authenticate(self, credential: bytes | None) -> Mapping[str, str]:
        """Return nothing: one service is like another."""
        self.check(credential)
        return {}


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
