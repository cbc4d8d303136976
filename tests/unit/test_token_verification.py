"""Which tokens are good. No clock: the moment is an argument."""

from typing import Any

import pytest

from app.tokens.keys import read_key_set
from app.tokens.verification import KeyUnknown, TokenClaims, TokenRefused, TokenRules, verify_token
from tests.hostile_tokens import hostile
from tests.issuer import AUDIENCE, DROPPED, ISSUER, NAMESPACE, NOW_S, key_set, signed_raw, token

PERMISSIONS = [
    *("no object", 5, {}, {"Resource": 5}),
    *({"Resource": "a"}, {"Resource": "b", "Action": 3}),
    *({"Resource": "read only", "Action": 2}, {"Resource": "nothing", "Action": 0}),
    *({"Resource": "odd", "Action": "1"}, {"Resource": "odder", "Action": True}),
]
KINDS = frozenset({"RS256", "ES256", "EdDSA"})
KEYS = read_key_set(key_set("rsa", "ec", "ed"), KINDS)
RULES = TokenRules(
    algorithms=frozenset({"RS256"}),
    issuer=ISSUER,
    audience=AUDIENCE,
    namespace_claim="extend_namespace",
    namespace=NAMESPACE,
    leeway_s=30,
    life_s_max=86_400,
)
TOKENS = [
    (name, headers[0][1].removeprefix(b"Bearer "))
    for name, headers in hostile()
    if not name.startswith(("headers", "sub"))
]


def verify(sent: bytes, now_s: float = NOW_S, **rules: Any) -> TokenClaims:
    return verify_token(sent, KEYS, RULES._replace(**rules), now_s)


@pytest.mark.parametrize("kid", ["rsa", "ec", "ed"])
def test_a_good_token_says_who_it_is(kid: str) -> None:
    claims = verify(token(kid=kid, permissions=PERMISSIONS), algorithms=KINDS)
    assert claims == TokenClaims(
        subject="alice",
        client_id="game-client",
        permissions=frozenset({"a", "b"}),
        issued_s=NOW_S - 60,
        expires_s=NOW_S + 3_600,
        signer=KEYS.prints[kid],
    )


def test_there_are_at_least_150_hostile_ones() -> None:
    names = [name for name, _ in hostile()]
    assert len(names) == len(set(names)) >= 150


@pytest.mark.parametrize(("name", "sent"), TOKENS, ids=[name for name, _ in TOKENS])
def test_no_hostile_token_is_good(name: str, sent: bytes) -> None:
    kinds = KINDS if "an EC signature" in name else RULES.algorithms
    with pytest.raises(TokenRefused) as refused:
        verify(sent, algorithms=kinds)
    assert refused.value.is_foreign == name.startswith("extend_namespace")
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({}, {}),
        ({"iss": "anybody"}, {"issuer": None}),
        ({"aud": DROPPED}, {"audience": None}),
        ({"aud": AUDIENCE}, {}),
        ({"aud": ["other", AUDIENCE]}, {}),
        ({"iat": DROPPED}, {}),
        ({"nbf": NOW_S}, {}),
        ({"nbf": NOW_S + 30}, {}),
        ({"iat": NOW_S + 30}, {}),
        ({"exp": NOW_S - 29}, {}),
        ({"exp": NOW_S + 0.5}, {}),
        ({"iat": NOW_S, "exp": NOW_S + 86_400}, {}),
        ({"extend_namespace": NAMESPACE}, {}),
        ({"namespace": "the platform's own"}, {}),
    ],
)
def test_a_token_within_the_rules_is_good(changes: dict[str, Any], rules: dict[str, Any]) -> None:
    assert verify(token(**changes), **rules).subject == "alice"


@pytest.mark.parametrize("typ", [DROPPED, "JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_an_access_token_may_say_so_in_several_ways(typ: object) -> None:
    assert verify(token(header={"typ": typ})).subject == "alice"


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_a_token_brings_along_is_not_looked_at(name: str) -> None:
    assert verify(token(header={name: "http://127.0.0.1:9/"})).subject == "alice"


def test_a_token_expires_at_the_moment_that_it_names_and_the_leeway() -> None:
    sent = token()
    verify(sent, NOW_S + 3_600 + 29.9)
    with pytest.raises(TokenRefused, match="expired"):
        verify(sent, NOW_S + 3_600 + 30)


def test_what_other_keys_or_time_can_mend_is_told_apart() -> None:
    with pytest.raises(KeyUnknown) as unknown:
        verify(token(kid="rsa-new"))
    assert unknown.value.may_become_good
    with pytest.raises(TokenRefused) as early:
        verify(token(nbf=NOW_S + 600))
    assert early.value.may_become_good
    with pytest.raises(TokenRefused) as expired:
        verify(token(exp=NOW_S - 600))
    assert not expired.value.may_become_good


def test_a_key_signs_with_its_own_algorithm_only() -> None:
    """A set that accepts several algorithms does not let one key sign with another's."""
    forged = signed_raw(b'{"alg":"ES256","kid":"rsa"}', b"{}", "ec")
    with pytest.raises(TokenRefused, match="key is for another algorithm"):
        verify(forged, algorithms=KINDS)
