"""The public keys of whoever signs tokens: a JSON Web Key Set (RFC 7517), checked key by key.

A key that may not be used is left out, so that one odd key of an issuer does no harm. A set without
any good key is refused as a whole.
"""

import hashlib
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK

from app.strict_json import JsonUnreadable, is_cut, read_json

KEYS_MAX: Final = 100
KID_LENGTH_MAX: Final = 128

ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""What may be accepted at all: nothing that is signed with a shared secret, or not at all."""

RSA_BITS: Final = range(2_048, 4_097)
"""Shorter keys can be broken (NIST SP 800-131A); with longer ones a verification takes longer than
the event loop may be held."""

# What a key is for that does not say it (RFC 7518, section 6; RFC 8037).
_ALGORITHMS: Final = MappingProxyType(
    {
        ("RSA", ""): "RS256",
        ("EC", "P-256"): "ES256",
        ("EC", "P-384"): "ES384",
        ("EC", "P-521"): "ES512",
        ("OKP", "Ed25519"): "EdDSA",
    }
)


class KeySetInvalid(ValueError):
    """What was read is no set of keys, or none of its keys may be used."""


class KeySet(NamedTuple):
    """Keys by id, each bound to one algorithm, and why others were left out.

    `prints` are the hashes of the keys by id: under an id there may be another key tomorrow.
    """

    keys: Mapping[str, PyJWK]
    prints: Mapping[str, bytes]
    left_out: tuple[str, ...]


def read_key_set(data: bytes, algorithms: Collection[str]) -> KeySet:
    """Return the keys for these algorithms. Raises `KeySetInvalid`."""
    try:
        document = read_json(data)
    except JsonUnreadable as unreadable:
        raise KeySetInvalid("it is not JSON") from unreadable
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise KeySetInvalid(f'it has no list "keys" of at most {KEYS_MAX}')
    keys: dict[str, PyJWK] = {}
    seen: set[str] = set()
    left_out = []
    for number, described in enumerate(listed):
        try:
            kid, key = _read_key(described, algorithms)
        except _Unusable as unusable:
            left_out.append(f"keys[{number}]: {unusable}")
            continue
        # Of two keys with one id nobody knows which is meant.
        if kid in seen:
            left_out.append(f"keys[{number}]: another key has the same kid")
            keys.pop(kid, None)
            continue
        seen.add(kid)
        keys[kid] = key
    if not keys:
        raise KeySetInvalid("; ".join(["none of its keys can be used", *left_out]))
    prints = {kid: _print_of(kid, key) for kid, key in keys.items()}
    return KeySet(MappingProxyType(keys), MappingProxyType(prints), tuple(left_out))


class _Unusable(ValueError):
    """A key that may not be used, and why."""


def _read_key(described: Any, algorithms: Collection[str]) -> tuple[str, PyJWK]:
    if not isinstance(described, dict):
        raise _Unusable("it is no object")
    kid = described.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= KID_LENGTH_MAX or is_cut(kid):
        raise _Unusable(f"it has no kid of 1 to {KID_LENGTH_MAX} characters")
    if "d" in described or "k" in described:
        raise _Unusable("it is secret, and everybody can read it here")
    uses = described.get("key_ops", ["verify"])
    if described.get("use", "sig") != "sig" or not isinstance(uses, list) or "verify" not in uses:
        raise _Unusable("it is not for signatures")
    kind = str(described.get("kty")), str(described.get("crv", ""))
    usual = _ALGORITHMS.get(kind)
    algorithm = described.get("alg", usual)
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise _Unusable(f"its algorithm is not one of {', '.join(sorted(algorithms))}")
    if usual is None or (kind[0] != "RSA" and algorithm != usual):
        raise _Unusable("its algorithm is not one of its kind of key")
    try:
        key = PyJWK(described, algorithm)
    except Exception as error:
        raise _Unusable(f"it cannot be read: {type(error).__name__}") from error
    if isinstance(key.key, RSAPublicKey) and key.key.key_size not in RSA_BITS:
        raise _Unusable(f"it has {key.key.key_size} bits, not {RSA_BITS[0]} to {RSA_BITS[-1]}")
    return kid, key


def _print_of(kid: str, key: PyJWK) -> bytes:
    spki = key.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(
        kid.encode() + b"\0" + key.algorithm_name.encode() + b"\0" + spki
    ).digest()
