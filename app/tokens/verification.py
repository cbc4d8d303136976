"""Whether a token is good: its signature and its claims (RFC 7519, RFC 8725). No clock, no I/O.

Which algorithms count is never read from the token: each key has its own. Keys that a token names
or brings along (`jwk`, `jku`, `x5u`, `x5c`) are not looked at. The signature is PyJWT's and pyca's
affair; header and claims are read here, strictly and once, and expire by the clock that is given.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from sys import intern
from typing import Any, Final, NamedTuple

from jwt import PyJWK

from app.strict_json import JsonUnreadable, is_cut, read_json
from app.tokens.keys import KID_LENGTH_MAX, KeySet

TOKEN_BYTES_MAX: Final = 8_192
TYPES: Final = frozenset({"jwt", "at+jwt"})
PERMISSIONS_MAX: Final = 1_000
CREATE: Final = 1
INSTANT_S_MAX: Final = 1e12

# Three parts: five would be an encrypted token, which nobody sends here.
_THREE_PARTS: Final = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class TokenRules(NamedTuple):
    """What a token must say. `issuer` and `audience` may be None: not asked for."""

    algorithms: frozenset[str]
    issuer: str | None
    audience: str | None
    namespace_claim: str
    namespace: str
    leeway_s: int
    life_s_max: int


class TokenClaims(NamedTuple):
    """What a good token says. Instants are seconds since 1970; `issued_s` is 0 if it says none.

    `signer` is the hash of the key that it was signed with.
    """

    subject: str
    client_id: str
    permissions: frozenset[str]
    issued_s: float
    expires_s: float
    signer: bytes


class TokenRefused(Exception):
    """A token that is no good; the text may be told.

    `is_foreign`: it is good, but not here. `may_become_good`: with other keys, or later.
    """

    def __init__(
        self, detail: str, *, is_foreign: bool = False, may_become_good: bool = False
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_foreign = is_foreign
        self.may_become_good = may_become_good


class KeyUnknown(TokenRefused):
    """No key has the id that the token names."""


def verify_token(token: bytes, key_set: KeySet, rules: TokenRules, now_s: float) -> TokenClaims:
    """Return what a token says. Raises `TokenRefused`.

    One verification with RS256 takes about 40 µs; with PyJWT's own reading of the parts, 80.
    """
    if len(token) > TOKEN_BYTES_MAX:
        raise TokenRefused(f"The token has more than {TOKEN_BYTES_MAX} bytes.")
    if not _THREE_PARTS.fullmatch(token):
        raise TokenRefused("The token is not a signed JWT.")
    signed, _, signature = token.rpartition(b".")
    header, _, payload = signed.partition(b".")
    kid, key = _key(_json(header, "header"), key_set, rules)
    if not key.Algorithm.verify(signed, key.key, _decoded(signature, "signature")):
        raise TokenRefused("The token's signature is not good.")
    return _claims(_json(payload, "payload"), rules, now_s, key_set.prints[kid])


def _key(header: Mapping[str, Any], key_set: KeySet, rules: TokenRules) -> tuple[str, PyJWK]:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in rules.algorithms:
        raise TokenRefused("The token is signed with an algorithm that is not accepted here.")
    if "crit" in header or "b64" in header:
        raise TokenRefused("The token asks for an extension that is not known here.")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
        raise TokenRefused("The token is not an access token.")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= KID_LENGTH_MAX:
        raise TokenRefused("The token does not name its key.")
    key = key_set.keys.get(kid)
    if key is None:
        raise KeyUnknown("The token's key is not known.", may_become_good=True)
    if algorithm != key.algorithm_name:
        raise TokenRefused("The token's key is for another algorithm.")
    return kid, key


def _claims(
    claims: Mapping[str, Any], rules: TokenRules, now_s: float, signer: bytes
) -> TokenClaims:
    expires_s = _instant(claims, "exp")
    if expires_s is None:
        raise TokenRefused("The token does not say when it expires.")
    if now_s >= expires_s + rules.leeway_s:
        raise TokenRefused("The token has expired.")
    issued_s, not_before_s = _instant(claims, "iat"), _instant(claims, "nbf")
    if max(issued_s or 0, not_before_s or 0) > now_s + rules.leeway_s:
        raise TokenRefused("The token is not good yet.", may_become_good=True)
    if expires_s - (now_s if issued_s is None else issued_s) > rules.life_s_max + rules.leeway_s:
        raise TokenRefused(f"The token lives longer than {rules.life_s_max} s.")
    if rules.issuer is not None and claims.get("iss") != rules.issuer:
        raise TokenRefused("The token comes from another issuer.")
    if rules.audience is not None and rules.audience not in _texts(claims.get("aud")):
        raise TokenRefused("The token is meant for another audience.")
    # The Go service compares it only where a token has it.
    if rules.namespace_claim in claims and claims[rules.namespace_claim] != rules.namespace:
        raise TokenRefused("The token is of another namespace.", is_foreign=True)
    return TokenClaims(
        subject=_text(claims.get("sub")),
        # There are few clients, and many tokens are remembered.
        client_id=intern(_text(claims.get("client_id"))),
        permissions=_permissions(claims.get("permissions")),
        issued_s=issued_s or 0,
        expires_s=expires_s,
        signer=signer,
    )


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a NumericDate (RFC 7519, section 2), or None if there is none."""
    value = claims.get(name)
    if value is None:
        return None
    # Not isinstance: true is no number. JSON's 1e400 is infinite here.
    if type(value) not in {int, float} or not 0 <= value < INSTANT_S_MAX:
        raise TokenRefused(f"The token's {name} is no instant.")
    return float(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) and not is_cut(value) else ""


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [each for each in listed if isinstance(each, str)]


def _permissions(value: Any) -> frozenset[str]:
    """Return what may be created, by the `Resource` that each permission names.

    The platform's `Action` is a sum: 1 is to create, 2 to read, 4 to update, 8 to delete.
    """
    listed = value[:PERMISSIONS_MAX] if isinstance(value, list) else []
    return frozenset(_texts([each.get("Resource") for each in listed if _may_create(each)]))


def _may_create(permission: Any) -> bool:
    if not isinstance(permission, dict):
        return False
    action = permission.get("Action", CREATE)
    return type(action) is int and bool(action & CREATE)


def _decoded(segment: bytes, name: str) -> bytes:
    """Return what a part says. It may be written in one way only, so one token has one spelling."""
    try:
        data = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except Base64Error:
        data = b""
    if not data or urlsafe_b64encode(data).rstrip(b"=") != segment:
        raise TokenRefused(f"The token's {name} cannot be read.")
    return data


def _json(segment: bytes, name: str) -> Mapping[str, Any]:
    try:
        members = read_json(_decoded(segment, name))
    except JsonUnreadable:
        raise TokenRefused(f"The token's {name} cannot be read.") from None
    if not isinstance(members, dict):
        raise TokenRefused(f"The token's {name} is no object.")
    return members
