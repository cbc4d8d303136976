"""From an ASGI scope to an `Arrival`: the class by its route, the key by the credential as sent."""

import hashlib
import secrets
from collections.abc import Mapping

from starlette.types import Scope

from middleware.admission import Arrival, Class
from middleware.admission.classify import Routes, class_of, prefer_wait_ns
from middleware.auth import Authenticator

KEY_BYTES = 16


class Classifier:
    """Names each client by a keyed hash: memory and logs tell nothing about it."""

    def __init__(
        self,
        routes: Routes,
        authenticator: Authenticator,
        others: Mapping[Class, Authenticator] | None = None,
    ) -> None:
        """`others` know the credentials of classes whose callers are not players."""
        self._routes = routes
        self._authenticator = authenticator
        self._others = others or {}
        self._secret = secrets.token_bytes(32)

    def __call__(self, scope: Scope, jitter: float) -> Arrival:
        """Return what the core needs to know about a request."""
        cls = class_of(self._routes, scope["method"], scope["path"])
        authenticator = self._others.get(cls, self._authenticator)
        credential = authenticator.credential(scope)
        if credential is not None:
            key = self._hash(b"s" if cls in self._others else b"c", credential)
            verified = authenticator.is_verified(credential)
        else:
            client = scope.get("client")
            key = self._hash(b"p", client[0].encode() if client else b"")
            verified = False
        wait_ns_max = _prefer_wait_ns(scope) if cls is Class.INITIALIZE else None
        return Arrival(cls, key, verified, jitter, wait_ns_max)

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
