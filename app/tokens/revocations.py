"""Which tokens were revoked before they expired, as the platform tells it: a list of everything.

    {"revoked_tokens": {"bits": [64-bit words], "k": 17, "m": 9600},
     "revoked_users": [{"id": "…", "revoked_at": "2026-11-28T12:00:00Z"}]}

The tokens are a Bloom filter over the tokens as sent: few that were not revoked are refused all the
same, and none that was is let in. Its hashing is Guava's MURMUR128_MITZ_64.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Final, NamedTuple

import mmh3
import msgspec
from msgspec import Meta

from app.domain.timestamp import read_rfc3339
from app.tokens.verification import TokenClaims

WORDS_MAX: Final = 200_000
HASHES_MAX: Final = 64
USERS_MAX: Final = 100_000

_ORDERS: Final = MappingProxyType(
    {
        64: 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        96: int(
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
            "581a0db248b0a77aecec196accc52973",
            16,
        ),
        132: int(
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
            "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
            16,
        ),
    }
)
"""The orders of P-256, P-384 and P-521 (FIPS 186-4, D.1.2), by the length of a signature."""

_MASK: Final = 2**63 - 1
_WORD_BITS: Final = 64


class _Filter(msgspec.Struct, frozen=True):
    bits: Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=WORDS_MAX)]
    k: Annotated[int, Meta(ge=0, le=HASHES_MAX)]


class _User(msgspec.Struct, frozen=True):
    id: str
    revoked_at: str


class _Document(msgspec.Struct, frozen=True):
    revoked_tokens: _Filter
    revoked_users: Annotated[list[_User], Meta(max_length=USERS_MAX)] | None = None


class Revocations(NamedTuple):
    """What was revoked: words of the filter, how many bits a token has in it, and users by id.

    A user's instant is in seconds since 1970: tokens that were issued until then are revoked.
    """

    words: tuple[int, ...]
    hashes: int
    users: Mapping[str, float]

    def revoke(self, token: bytes, claims: TokenClaims) -> bool:
        """Return whether this token was revoked, itself or with all of its user's."""
        revoked_s = self.users.get(claims.subject)
        if revoked_s is not None and claims.issued_s <= revoked_s:
            return True
        return bool(self.words) and any(map(self._holds, spellings_of(token)))

    def _holds(self, token: bytes) -> bool:
        return all(
            self.words[at // _WORD_BITS] >> at % _WORD_BITS & 1
            for at in bits_of(token, len(self.words) * _WORD_BITS, self.hashes)
        )


def read_revocations(data: bytes) -> Revocations:
    """Return what a document revokes. Raises `ValueError`, as msgspec's errors are, too."""
    document = msgspec.json.decode(data, type=_Document)
    users = {user.id: read_rfc3339(user.revoked_at) / 1e3 for user in document.revoked_users or ()}
    # A filter without words or hashes would hold nothing, or everything.
    words = document.revoked_tokens.bits if document.revoked_tokens.k else []
    return Revocations(tuple(words), document.revoked_tokens.k, users)


def spellings_of(token: bytes) -> Iterator[bytes]:
    """Yield a token, and if its signature is of an elliptic curve also its twin.

    Of such a signature (r, s), (r, n - s) is as good, and anybody can make the one of the other.
    """
    yield token
    signed, _, signature = token.rpartition(b".")
    data = urlsafe_b64decode(signature + b"=" * (-len(signature) % 4))
    order, half = _ORDERS.get(len(data)), len(data) // 2
    if order is not None:
        other = (order - int.from_bytes(data[half:])) % order
        twin = data[:half] + other.to_bytes(half)
        yield signed + b"." + urlsafe_b64encode(twin).rstrip(b"=")


def bits_of(token: bytes, size: int, hashes: int) -> list[int]:
    """Return which bits of a filter of this size belong to a token."""
    first, second = mmh3.hash64(token, signed=False)
    return [((first + number * second) & _MASK) % size for number in range(hashes)]
