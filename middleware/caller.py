"""Who calls: found once per request, verified once.

Identify    before the body: the credential as far as it is known, or 401
Arrivals    at the gate: which client that is, by a keyed hash; verifies what is not known
Verify      behind the gate: whose credential it is, for the endpoint
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, NamedTuple, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from middleware.admission import Arrival, Class, Refused
from middleware.admission.settings import SECOND_NS
from middleware.ticket_office import TicketOffice

SCOPE_CALLER: Final = "caller"
"""Where a request's `Caller` is in its scope."""

KEY_BYTES: Final = 16

_PREFER_WAIT: Final = re.compile(rb"(?:^|[,;\s])wait\s*=\s*(\d{1,6})(?:$|[,;\s])", re.IGNORECASE)


class Trust(Enum):
    """What is known of a credential."""

    VERIFIED = auto()
    """It is known to be good."""
    UNKNOWN = auto()
    """It may be good. Finding out costs CPU."""
    NOTHING = auto()
    """There is nothing to find out: none is asked for."""


class Credential(NamedTuple):
    """What a caller is known by: whose it is, or the bytes as sent; None where none are asked for.

    `kind` parts credentials of one look.
    """

    kind: bytes
    name: bytes | None
    trust: Trust


class Authenticator(Protocol):
    """Knows which credential a request carries, and whose it is."""

    def credential(self, scope: Scope) -> Credential:
        """Return the credential as far as it is known: this runs before admission, without I/O.

        Raises `Problem` if there is none, or it is known to be no good.
        """

    def verify(self, credential: Credential) -> Credential:
        """Return whose an unknown credential is, within 1 ms and without I/O. Raises `Problem`."""

    def found(self, credential: Credential) -> Mapping[str, str]:
        """Return what the endpoint finds of the caller in its state."""


class Caller(NamedTuple):
    """Who asks for what: the request's class, its credential, and who can verify that."""

    cls: Class
    credential: Credential
    authenticator: Authenticator


class Identify:
    """Finds the credential of requests of one class, and leaves it in the scope."""

    def __init__(self, app: ASGIApp, *, admission: Class, authenticator: Authenticator) -> None:
        self._app = app
        self._admission = admission
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises `Problem` before any byte of its body is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        credential = self._authenticator.credential(scope)
        scope[SCOPE_CALLER] = Caller(self._admission, credential, self._authenticator)
        await self._app(scope, receive, send)


class Verify:
    """Puts who is asking into the scope's state."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises `Problem` if its credential is no good."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Without a gate nobody has done so yet.
        verify(scope)
        caller: Caller = scope[SCOPE_CALLER]
        scope.setdefault("state", {}).update(caller.authenticator.found(caller.credential))
        await self._app(scope, receive, send)


def verify(scope: Scope) -> None:
    """Find out whose the request's credential is, if that is not known. Raises `Problem`."""
    caller: Caller = scope[SCOPE_CALLER]
    if caller.credential.trust is Trust.UNKNOWN:
        credential = caller.authenticator.verify(caller.credential)
        scope[SCOPE_CALLER] = caller._replace(credential=credential)


class Arrivals:
    """Makes arrivals of requests. Memory and logs tell nothing about a client but a keyed hash."""

    def __init__(self, office: TicketOffice | None = None) -> None:
        self._secret = secrets.token_bytes(32)
        self._office = office

    def __call__(self, scope: Scope, jitter: float) -> Arrival:
        """Return what the core needs to know about a request."""
        caller: Caller = scope[SCOPE_CALLER]
        kind, name, trust = caller.credential
        if name is not None:
            key = self._hash(kind, name)
        else:
            client = scope.get("client")
            key = self._hash(b"p", client[0].encode() if client else b"")
        is_login = caller.cls is Class.INITIALIZE
        office = self._office if is_login else None
        return Arrival(
            caller.cls,
            key,
            trust is Trust.VERIFIED,
            jitter,
            _prefer_wait_ns(scope) if is_login else None,
            unknown=trust is Trust.UNKNOWN,
            vouched=office is not None and trust is Trust.UNKNOWN and office.vouches(scope),
            promise=None
            if office is None or name is None or trust is not Trust.VERIFIED
            else office.promise(scope, caller.cls, kind + name),
        )

    def told(self, scope: Scope, refused: Refused) -> Mapping[str, str]:
        """Return what a refusal tells beside the moment: the ticket for it."""
        caller: Caller = scope[SCOPE_CALLER]
        kind, name, _ = caller.credential
        return (
            {} if self._office is None else self._office.told(scope, refused, kind + (name or b""))
        )

    def _hash(self, kind: bytes, value: bytes) -> bytes:
        # The kind keeps a credential that looks like an address from being that address, and a
        # service from spending the quota of a player who sends the same bytes.
        return hashlib.blake2b(kind + value, key=self._secret, digest_size=KEY_BYTES).digest()


def _prefer_wait_ns(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"prefer":
            wait_ns = prefer_wait_ns(value)
            if wait_ns is not None:
                return wait_ns
    return None


def prefer_wait_ns(prefer: bytes) -> int | None:
    """Return the seconds of `Prefer: wait=N` (RFC 7240, section 4.3) in nanoseconds, or None."""
    match = _PREFER_WAIT.search(prefer)
    return int(match[1]) * SECOND_NS if match else None
