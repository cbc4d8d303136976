"""Who calls: found once per request, verified once.

Identify    before the body: the credential as it was sent, or 401; nothing is looked up
Arrivals    at the gate: which client that is, by a keyed hash
Verify      behind the gate: whose credential it is
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from middleware.admission import Arrival, Class
from middleware.admission.settings import SECOND_NS

SCOPE_CALLER: Final = "caller"
"""Where a request's `Caller` is in its scope."""

KEY_BYTES: Final = 16

_PREFER_WAIT: Final = re.compile(rb"(?:^|[,;\s])wait\s*=\s*(\d{1,6})(?:$|[,;\s])", re.IGNORECASE)


class Credential(NamedTuple):
    """What a caller is known by: the bytes as sent, None where none are asked for.

    `kind` parts credentials of one look; `verified` means that it is known to be good already.
    """

    kind: bytes
    sent: bytes | None
    verified: bool


class Authenticator(Protocol):
    """Knows which credential a request carries, and whose it is."""

    def credential(self, scope: Scope) -> Credential:
        """Return the credential, without any I/O: this runs before admission.

        Raises `Problem` if there is none, or it is known to be no good.
        """

    async def authenticate(self, credential: Credential) -> Mapping[str, str]:
        """Return what the endpoint finds of the caller in its state. Raises `Problem`."""


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
        """Serve one request. Raises `Problem` if nobody is known by its credential."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller: Caller = scope[SCOPE_CALLER]
        found = await caller.authenticator.authenticate(caller.credential)
        scope.setdefault("state", {}).update(found)
        await self._app(scope, receive, send)


class Arrivals:
    """Makes arrivals of requests. Memory and logs tell nothing about a client but a keyed hash."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def __call__(self, scope: Scope, jitter: float) -> Arrival:
        """Return what the core needs to know about a request."""
        caller: Caller = scope[SCOPE_CALLER]
        kind, sent, verified = caller.credential
        if sent is not None:
            key = self._hash(kind, sent)
        else:
            client = scope.get("client")
            key = self._hash(b"p", client[0].encode() if client else b"")
        wait_ns_max = _prefer_wait_ns(scope) if caller.cls is Class.INITIALIZE else None
        return Arrival(caller.cls, key, verified, jitter, wait_ns_max)

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
