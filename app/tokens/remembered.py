"""Tokens that were looked at, by their hash: good ones until they expire, bad ones for a while."""

import hashlib
from collections.abc import Callable
from typing import Final

from cachetools import TLRUCache

from app.tokens.verification import TokenClaims, TokenRefused

GOOD_MAX: Final = 100_000
"""About 400 bytes each."""

BAD_MAX: Final = 10_000
BAD_S: Final = 30.0


class Remembered:
    """What is known of tokens. The clock is the one that they expire by."""

    def __init__(
        self,
        now_s: Callable[[], float],
        leeway_s: float,
        *,
        good_max: int = GOOD_MAX,
        bad_max: int = BAD_MAX,
    ) -> None:
        self._good: TLRUCache[bytes, TokenClaims] = TLRUCache(
            good_max, lambda _, claims, __: claims.expires_s + leeway_s, now_s
        )
        self._bad: TLRUCache[bytes, TokenRefused] = TLRUCache(
            bad_max, lambda _, __, now: now + BAD_S, now_s
        )

    def find(self, digest: bytes) -> TokenClaims | TokenRefused | None:
        """Return what a token says, why it is refused, or None if it is not known."""
        return self._good.get(digest) or self._bad.get(digest)

    def keep(self, digest: bytes, found: TokenClaims | TokenRefused) -> None:
        """Remember a token."""
        if isinstance(found, TokenClaims):
            self._good[digest] = found
        elif not found.may_become_good:
            self._bad[digest] = found

    def forget_all(self) -> None:
        """Look at every token anew: what makes them good has changed."""
        self._good.clear()
        self._bad.clear()


def digest_of(token: bytes) -> bytes:
    """Return the hash by which a token is known: memory tells nothing about it."""
    return hashlib.sha256(token).digest()
