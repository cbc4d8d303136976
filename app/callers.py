"""Who may call: a player, known by a header outside production, or a service of the studio's.

What proves a player proves no service, and the other way round.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from starlette.types import Scope

from app.domain.goal import ID_LENGTH_MAX
from app.domain.player import is_player_id
from middleware.caller import Credential
from middleware.problem import HttpReason, Problem

MOCK_HEADER: Final = b"x-mock-user-id"

PLAYER: Final = b"c"
SERVICE: Final = b"s"


class MockAuthenticator:
    """Believes the `x-mock-user-id` header. For local and test environments only."""

    def credential(self, scope: Scope) -> Credential:
        """Return the header's value. Raises `Problem` if it is missing or no id."""
        sent = next((value for name, value in scope["headers"] if name == MOCK_HEADER), None)
        if sent is None:
            raise Problem(
                HttpReason.UNAUTHENTICATED,
                "No identity: send the player's id in the x-mock-user-id header.",
                headers={"WWW-Authenticate": "Mock"},
            )
        _check_player_id(sent)
        return Credential(PLAYER, sent, verified=True)

    async def authenticate(self, credential: Credential) -> Mapping[str, str]:
        """Return the header's value, which was looked at already, as the player's id."""
        assert credential.sent is not None
        return {"player_id": credential.sent.decode()}


def _check_player_id(sent: bytes) -> None:
    try:
        player_id = sent.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(HttpReason.BAD_REQUEST, "x-mock-user-id is not UTF-8.") from None
    if not is_player_id(player_id):
        raise Problem(
            HttpReason.BAD_REQUEST,
            f"x-mock-user-id must have 1 to {ID_LENGTH_MAX} characters; it has {len(player_id)}.",
        )


class ServiceAuthenticator:
    """Asks for the bearer token that the studio's services share; without a token, for nothing."""

    def __init__(self, token: str | None) -> None:
        self._digest = None if token is None else _digest(token.encode())

    def credential(self, scope: Scope) -> Credential:
        """Return the token. Raises `Problem` if another was sent, or none where one is asked for.

        How long that takes tells nothing about the token.
        """
        if self._digest is None:
            return Credential(SERVICE, None, verified=False)
        # Several values are no token.
        values = [value for name, value in scope["headers"] if name == b"authorization"]
        sent = b",".join(values)
        scheme, _, token = sent.partition(b" ")
        same = hmac.compare_digest(_digest(token.strip(b" ")), self._digest)
        if not same or scheme.lower() != b"bearer":
            raise Problem(
                HttpReason.UNAUTHENTICATED,
                "No service is known by this: send the token in Authorization: Bearer.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return Credential(SERVICE, sent, verified=True)

    async def authenticate(self, credential: Credential) -> Mapping[str, str]:  # noqa: ARG002 - the port has it
        """Return nothing: one service is like another, and its token was looked at already."""
        return {}


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
