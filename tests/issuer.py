"""An issuer of tokens for tests: its keys, their set, good tokens and parts to make bad ones."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

NOW_S: Final = 1_780_000_000
ISSUER: Final = "https://issuer.example"
AUDIENCE: Final = "game"
NAMESPACE: Final = "local"


class Dropped(Enum):
    """Stands for a member that is not there."""

    DROPPED = "dropped"


DROPPED: Final = Dropped.DROPPED

ALGORITHMS: Final = get_default_algorithms()


@cache
def private_key(kid: str) -> Any:
    """Return the key of this name: `ec…`, `ed…`, `rsa…`, or `weak…`, an RSA key too short."""
    if kid.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    if kid.startswith("ed"):
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65_537, 1_024 if kid.startswith("weak") else 2_048)


def algorithm_of(kid: str) -> str:
    return {"ec": "ES256", "ed": "EdDSA"}.get(kid[:2], "RS256")


def public_jwk(kid: str, /, **changes: Any) -> dict[str, Any]:
    """Return a key as a set lists it."""
    algorithm = algorithm_of(kid)
    public = private_key(kid).public_key()
    described = ALGORITHMS[algorithm].to_jwk(public, as_dict=True)
    members = {**described, "kid": kid, "use": "sig", "alg": algorithm, **changes}
    members.pop("key_ops", None)
    return {name: value for name, value in members.items() if value is not DROPPED}


def key_set(*kids: str) -> bytes:
    return json.dumps({"keys": [public_jwk(kid) for kid in kids]}).encode()


def claims(player: str = "alice", /, **changes: Any) -> dict[str, Any]:
    members = {
        "iss": ISSUER,
        "aud": [AUDIENCE],
        "sub": player,
        "client_id": "game-client",
        "iat": NOW_S - 60,
        "exp": NOW_S + 3_600,
        **changes,
    }
    return {name: value for name, value in members.items() if value is not DROPPED}


def token(
    player: str = "alice",
    /,
    kid: str = "rsa",
    header: Mapping[str, Any] | None = None,
    **changes: Any,
) -> bytes:
    """Return a token that is good, but for what is changed; it is signed by the key `kid`."""
    return signed(json.dumps(claims(player, **changes)).encode(), kid, header)


def signed(payload: bytes, kid: str = "rsa", header: Mapping[str, Any] | None = None) -> bytes:
    """Return whatever payload as a token with a good signature."""
    algorithm = algorithm_of(kid)
    members = {"alg": algorithm, "kid": kid, "typ": "JWT", **(header or {})}
    told = json.dumps({name: each for name, each in members.items() if each is not DROPPED})
    return signed_raw(told.encode(), payload, kid)


def signed_raw(header: bytes, payload: bytes, kid: str = "rsa") -> bytes:
    """Return a token of this header and this payload, signed with the key's own algorithm."""
    data = b".".join([segment(header), segment(payload)])
    signature = ALGORITHMS[algorithm_of(kid)].sign(data, private_key(kid))
    return b".".join([data, segment(signature)])


def segment(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def bearer(sent: bytes) -> tuple[bytes, bytes]:
    return b"authorization", b"Bearer " + sent
