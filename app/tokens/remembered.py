"""Tokens that were looked at, by their hash: good ones until they expire, bad ones for a while."""

import hashlib
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from app.tokens.verification import TokenClaims, TokenRefused

GOOD_MAX: Final = 100_000
BAD_MAX: Final = 10_000
BAD_S: Final = 30.0

DIGEST_BYTES: Final = 16

EXPIRED: Final = TokenRefused("The token has expired.")

T = TypeVar("T")


class Generations(Generic[T]):
    """The last values by key, `count_max` at most and half of that at least.

    When the younger half is full the older one goes. Whoever is found there is young again. An
    entry costs its dictionary's 100 bytes; those of an ordered cache cost 400.
    """

    def __init__(self, count_max: int) -> None:
        self._half = max(1, count_max // 2)
        self._young: dict[bytes, T] = {}
        self._old: dict[bytes, T] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: bytes) -> T | None:
        """Return the value, or None if it is not known."""
        value = self._young.get(key)
        if value is None and (value := self._old.pop(key, None)) is not None:
            self.put(key, value)
        return value

    def put(self, key: bytes, value: T) -> None:
        """Keep a value."""
        if len(self._young) >= self._half:
            self._young, self._old = {}, self._young
        self._young[key] = value


class Remembered:
    """What is known of tokens. The clock is the one that they expire by."""

    def __init__(self, now_s: Callable[[], float], leeway_s: float) -> None:
        self._now_s = now_s
        self._leeway_s = leeway_s
        self._good: Generations[TokenClaims] = Generations(GOOD_MAX)
        self._bad: Generations[tuple[float, TokenRefused]] = Generations(BAD_MAX)

    def find(self, digest: bytes) -> TokenClaims | TokenRefused | None:
        """Return what a token says, why it is refused, or None if it is not known."""
        claims = self._good.get(digest)
        if claims is not None:
            return EXPIRED if self._now_s() >= claims.expires_s + self._leeway_s else claims
        until_s, refused = self._bad.get(digest) or (0.0, None)
        return refused if self._now_s() < until_s else None

    def keep(self, digest: bytes, found: TokenClaims | TokenRefused) -> None:
        """Remember a token."""
        if isinstance(found, TokenClaims):
            self._good.put(digest, found)
        elif not found.may_become_good:
            self._bad.put(digest, (self._now_s() + BAD_S, found))


def digest_of(token: bytes) -> bytes:
    """Return the hash by which a token is known: memory tells nothing about it."""
    return hashlib.blake2b(token, digest_size=DIGEST_BYTES).digest()
