"""Which keys of a key set may be used, and what is said of the others."""

import json
from typing import Any

import pytest

from app.tokens.keys import KEYS_MAX, KeySetInvalid, read_key_set
from tests.issuer import DROPPED, key_set, private_key, public_jwk

RS256 = frozenset({"RS256"})


def read(*described: Any, algorithms: frozenset[str] = RS256) -> tuple[set[str], tuple[str, ...]]:
    found = read_key_set(json.dumps({"keys": described}).encode(), algorithms)
    return set(found.keys), found.left_out


def test_each_key_is_bound_to_its_algorithm() -> None:
    kinds = frozenset({"RS256", "ES256", "EdDSA"})
    found = read_key_set(key_set("rsa", "ec", "ed"), kinds)
    assert {kid: key.algorithm_name for kid, key in found.keys.items()} == {
        "rsa": "RS256",
        "ec": "ES256",
        "ed": "EdDSA",
    }
    unsaid = [public_jwk(kid, alg=DROPPED, use=DROPPED) for kid in ("rsa", "ec", "ed")]
    assert read(*unsaid, algorithms=kinds) == ({"rsa", "ec", "ed"}, ())


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (5, "it is no object"),
        ({}, "it has no kid of 1 to 128 characters"),
        (public_jwk("rsa-2", kid=""), "it has no kid"),
        (public_jwk("rsa-2", kid="k" * 129), "it has no kid"),
        (public_jwk("rsa-2", use="enc"), "it is not for signatures"),
        (public_jwk("rsa-2", key_ops=["encrypt"]) | {"key_ops": ["encrypt"]}, "not for signatures"),
        (public_jwk("ec"), "its algorithm is not one of RS256"),
        (public_jwk("rsa-2", alg="HS256"), "its algorithm is not one of RS256"),
        (public_jwk("rsa-2", alg="none"), "its algorithm is not one of RS256"),
        ({"kty": "oct", "kid": "s", "k": "c2VjcmV0"}, "it is secret"),
        (public_jwk("rsa-2") | {"d": "AQAB"}, "it is secret, and everybody can read it here"),
        (public_jwk("weak"), "it has 1024 bits, not 2048 to 4096"),
        (public_jwk("rsa-2", n="!"), "it cannot be read"),
        (public_jwk("rsa-2", n=DROPPED), "it cannot be read"),
        (public_jwk("ec", alg="RS256"), "its algorithm is not one of its kind of key"),
        (public_jwk("rsa-2", kty="XYZ"), "its algorithm is not one of its kind of key"),
        (public_jwk("rsa-2") | {"key_ops": None}, "not for signatures"),
        (public_jwk("rsa-2") | {"key_ops": 5}, "not for signatures"),
        (public_jwk("rsa-2", use=None), "not for signatures"),
        (public_jwk("rsa-2", alg=["RS256"]), "its algorithm is not one of RS256"),
        (public_jwk("rsa-2", alg=None), "its algorithm is not one of RS256"),
        (public_jwk("rsa-2", crv=["P-256"]), "its algorithm is not one of its kind of key"),
        (public_jwk("rsa-2", kty=["RSA"]), "its algorithm is not one of its kind of key"),
        (public_jwk("rsa-2", kid="\ud800"), "it has no kid"),
        (public_jwk("rsa-2", e=5), "it cannot be read"),
    ],
)
def test_an_odd_key_is_left_out_and_the_others_are_used(odd: Any, why: str) -> None:
    kids, [left_out] = read(odd, public_jwk("rsa"))
    assert kids == {"rsa"}
    assert left_out.startswith("keys[0]: ")
    assert why in left_out


def test_an_algorithm_of_another_curve_is_not_accepted() -> None:
    kinds = frozenset({"ES256", "ES384"})
    found = read_key_set(
        json.dumps({"keys": [public_jwk("ec"), public_jwk("ec-2", alg="ES384")]}).encode(), kinds
    )
    assert set(found.keys) == {"ec"}


def test_of_two_keys_with_one_id_neither_is_used() -> None:
    kids, [why] = read(public_jwk("rsa"), public_jwk("rsa-2"), public_jwk("rsa-3", kid="rsa"))
    assert (kids, why) == ({"rsa-2"}, "keys[2]: another key has the same kid")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is not JSON"),
        (b"<html>", "it is not JSON"),
        (b"[]", 'it has no list "keys"'),
        (b'{"keys": {}}', 'it has no list "keys"'),
        (b'{"keys": []}', "none of its keys can be used"),
        (b'{"keys": [' + b",".join([b"{}"] * (KEYS_MAX + 1)) + b"]}", "at most 100"),
        (key_set("weak"), "none of its keys can be used; keys[0]: it has 1024 bits"),
        (b'{"keys": [], "keys": []}', "it is not JSON"),
    ],
)
def test_what_is_no_set_of_keys_is_refused_as_a_whole(content: bytes, why: str) -> None:
    with pytest.raises(KeySetInvalid, match=why.replace("[", r"\[")):
        read_key_set(content, RS256)


def test_a_set_with_another_key_of_the_same_id_is_another_set() -> None:
    one, same = read_key_set(key_set("rsa"), RS256), read_key_set(key_set("rsa"), RS256)
    other = read_key_set(json.dumps({"keys": [public_jwk("rsa-2", kid="rsa")]}).encode(), RS256)
    assert one.prints == same.prints != other.prints
    assert private_key("rsa") is not private_key("rsa-2")
