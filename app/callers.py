"""Who may call: a player, or a service of the studio's.

What proves a player proves no service, and the other way round.

| | Credential | Authenticator |
|---|---|---|
| player | a token whose subject is the player | `PlayerTokens` |
| player, outside production | the x-mock-user-id header, believed | `MockPlayers` |
| service | the bearer token that all of them share, or one of a known client | `ServiceTokens` |
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from starlette.types import Scope

from app.domain.goal import ID_LENGTH_MAX
from app.domain.player import is_player_id
from app.errors import ServiceReason
from app.tokens.tokens import KeysMissing, Tokens
from app.tokens.verification import TokenClaims, TokenRefused
from middleware.caller import Credential, Trust
from middleware.problem import HttpReason, Problem, come_back

MOCK_HEADER: Final = b"x-mock-user-id"
INVALID: Final = 'Bearer error="invalid_token"'
"""RFC 6750, section 3.1."""

PLAYER: Final = b"c"
SERVICE: Final = b"s"
TOKEN: Final = b"t"

Whose: TypeAlias = Callable[[TokenClaims], Credential]
"""Whose a good token is. It raises `Problem` for whoever may not call."""

KEYS_MISSING_MS: Final = 5_000
"""When to come again while no key can be had: they are asked for every 30 s."""


class MockPlayers:
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
        return Credential(PLAYER, sent, Trust.VERIFIED)

    def verify(self, credential: Credential) -> Credential:
        """Return the credential: it is believed."""
        return credential

    def found(self, credential: Credential) -> Mapping[str, str]:
        """Return the header's value, which was looked at already, as the player's id."""
        return _player(credential)


class PlayerTokens:
    """Asks for a token whose subject is a player."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def credential(self, scope: Scope) -> Credential:
        """Return the player, if the token is known, or the token. Raises `Problem`."""
        token = _bearer(scope)
        if token is None:
            raise _unauthenticated("No identity: send the player's token in Authorization: Bearer.")
        return _credential(self._tokens, token, self._player)

    def verify(self, credential: Credential) -> Credential:
        """Return the player whose token it is. Raises `Problem`."""
        return _verified(self._tokens, credential, self._player)

    def found(self, credential: Credential) -> Mapping[str, str]:
        """Return the player's id."""
        return _player(credential)

    @staticmethod
    def _player(claims: TokenClaims) -> Credential:
        # A service's own token has no subject, or itself (RFC 9068, section 2.2).
        if not is_player_id(claims.subject) or claims.subject == claims.client_id:
            raise _unauthenticated("The token is not a player's.", INVALID)
        return Credential(PLAYER, claims.subject.encode(), Trust.VERIFIED)


class ServiceRights(NamedTuple):
    """What makes a token a service's: its client's id, or a permission that it names."""

    client_ids: frozenset[str] = frozenset()
    permission: str | None = None

    def allow(self, claims: TokenClaims) -> bool:
        """Return whether a token may do what services do."""
        is_client = claims.subject in {"", claims.client_id}
        return is_client and (
            claims.client_id in self.client_ids or self.permission in claims.permissions
        )


NO_RIGHTS: Final = ServiceRights()


class ServiceTokens:
    """Asks for the bearer token that the studio's services share, or for a token of their own.

    With neither set, it asks for nothing.
    """

    def __init__(
        self,
        shared: str | None,
        tokens: Tokens | None = None,
        rights: ServiceRights = NO_RIGHTS,
    ) -> None:
        self._digest = None if shared is None else _digest(shared.encode())
        self._tokens = tokens if any(rights) else None
        self._rights = rights

    def credential(self, scope: Scope) -> Credential:
        """Return who sends. Raises `Problem` if that is nobody who may, or nobody at all.

        How long that takes tells nothing about the shared token.
        """
        if self._digest is None and self._tokens is None:
            return Credential(SERVICE, None, Trust.NOTHING)
        token = _bearer(scope) or b""
        if self._digest is not None and hmac.compare_digest(_digest(token), self._digest):
            return Credential(SERVICE, token, Trust.VERIFIED)
        # A JWT has dots; what has none is a shared token that is wrong.
        if self._tokens is None or b"." not in token:
            raise _unauthenticated(
                "No service is known by this: send the token in Authorization: Bearer."
            )
        return _credential(self._tokens, token, self._service)

    def verify(self, credential: Credential) -> Credential:
        """Return the service whose token it is. Raises `Problem`."""
        assert self._tokens is not None, "nothing else is unknown"
        return _verified(self._tokens, credential, self._service)

    def found(self, credential: Credential) -> Mapping[str, str]:  # noqa: ARG002 - the port has it
        """Return nothing: one service is like another."""
        return {}

    def _service(self, claims: TokenClaims) -> Credential:
        if not self._rights.allow(claims):
            raise Problem(ServiceReason.FORBIDDEN, "The token is of nobody who may do this.")
        return Credential(SERVICE, claims.client_id.encode(), Trust.VERIFIED)


def _credential(tokens: Tokens, token: bytes, whose: Whose) -> Credential:
    known = tokens.find(token)
    if isinstance(known, TokenRefused):
        raise _problem(known)
    return Credential(TOKEN, token, Trust.UNKNOWN) if known is None else whose(known)


def _verified(tokens: Tokens, credential: Credential, whose: Whose) -> Credential:
    assert credential.name is not None, "it is a token"
    try:
        return whose(tokens.verify(credential.name))
    except TokenRefused as refused:
        raise _problem(refused) from None
    except KeysMissing:
        raise come_back(
            ServiceReason.TOKEN_KEYS_UNAVAILABLE,
            KEYS_MISSING_MS,
            "No token can be verified at the moment: the issuer's keys are not there.",
        ) from None


def _problem(refused: TokenRefused) -> Problem:
    if refused.is_foreign:
        return Problem(ServiceReason.FORBIDDEN, refused.detail)
    return _unauthenticated(refused.detail, INVALID)


def _unauthenticated(detail: str, challenge: str = "Bearer") -> Problem:
    return Problem(HttpReason.UNAUTHENTICATED, detail, headers={"WWW-Authenticate": challenge})


def _bearer(scope: Scope) -> bytes | None:
    """Return the token, or None if none was sent. Raises `Problem` for what is not one token.

    Its scheme is spelled in any case (RFC 9110, section 11.1), with spaces after it.
    """
    values = [value for name, value in scope["headers"] if name == b"authorization"]
    if not values:
        return None
    sent: bytes = values[0]
    scheme, _, token = sent.partition(b" ")
    if len(values) > 1 or scheme.lower() != b"bearer":
        raise _unauthenticated("Send one Authorization header, with Bearer and the token.")
    return token.strip(b" ")


def _player(credential: Credential) -> Mapping[str, str]:
    assert credential.name is not None, "a player has an id"
    return {"player_id": credential.name.decode()}


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


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
