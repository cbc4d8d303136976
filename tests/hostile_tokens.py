"""Requests that prove nobody: each is a list of headers, and what is wrong with it.

The sources are the attacks of RFC 8725 and the token rows of the matrix of bad input: whatever of
them is accepted lets somebody be somebody else.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.issuer import (
    DROPPED,
    ISSUER,
    NOW_S,
    bearer,
    claims,
    private_key,
    public_jwk,
    segment,
    signed,
    signed_raw,
    token,
)

Headers: TypeAlias = list[tuple[bytes, bytes]]

DAY_S = 86_400
PAYLOAD = json.dumps(claims()).encode()


def hostile() -> Iterator[tuple[str, Headers]]:
    """Yield a name and the headers of each."""
    for kind in (_headers, _algorithms, _key_ids, _header_members, _signatures, _claims, _payloads):
        yield from kind()


def _tokens(prefix: str, tokens: dict[str, bytes]) -> Iterator[tuple[str, Headers]]:
    for name, sent in tokens.items():
        yield f"{prefix}: {name}", [bearer(sent)]


def _headers() -> Iterator[tuple[str, Headers]]:
    good = token()
    sent: dict[str, Headers] = {
        "none": [],
        "empty": [(b"authorization", b"")],
        "a scheme alone": [(b"authorization", b"Bearer")],
        "a scheme and a space": [(b"authorization", b"Bearer ")],
        "another scheme": [(b"authorization", b"Basic " + good)],
        "a scheme that begins alike": [(b"authorization", b"BearerX " + good)],
        "no scheme": [(b"authorization", good)],
        "a tab": [(b"authorization", b"Bearer\t" + good)],
        "quotes": [(b"authorization", b'Bearer "' + good + b'"')],
        "two good headers": [bearer(good), bearer(good)],
        "a good one and an empty one": [bearer(good), (b"authorization", b"")],
        "two in one": [(b"authorization", b"Bearer " + good + b", Bearer " + good)],
        "two tokens": [bearer(good + b" " + good)],
        "a cookie": [(b"cookie", b"access_token=" + good)],
        "another header": [(b"x-authorization", b"Bearer " + good)],
        "the header of local tries": [(b"x-mock-user-id", b"alice")],
        "that header beside a bad token": [(b"x-mock-user-id", b"alice"), bearer(good[:-9])],
        "bytes that are no text": [bearer(b"\xff\xfe.\xff.\xff")],
        "dots": [bearer(b"..")],
        "five parts": [bearer(good + b".a.b")],
        "two parts": [bearer(good.rpartition(b".")[0])],
        "20 kB": [bearer(b"a" * 20_000)],
        "20 kB of a token": [bearer(token(padding="x" * 20_000))],
        "padding": [bearer(good + b"=")],
        "a space inside": [bearer(good[:40] + b" " + good[40:])],
        "text after it": [bearer(good + b"#")],
    }
    yield from ((f"headers: {name}", headers) for name, headers in sent.items())


def _algorithms() -> Iterator[tuple[str, Headers]]:
    public = private_key("rsa").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secrets = {
        "the key's PEM": pem,
        "the key's PEM without its last line end": pem.rstrip(),
        "the key's DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "the key's JWK": json.dumps(public_jwk("rsa")).encode(),
        "nothing": b"",
        "the key's id": b"rsa",
    }
    for algorithm in ("HS256", "HS384", "HS512"):
        made = {name: _shared(algorithm, secret) for name, secret in secrets.items()}
        yield from _tokens(f"{algorithm} with", made)
    nones: list[Any] = ["none", "None", "NONE", "nOnE", "", None, 0, [], ["RS256"], {}, DROPPED]
    for algorithm in nones:
        header = _header(alg=algorithm)
        unsigned = b".".join([segment(header), segment(PAYLOAD), b""])
        zero = unsigned + b"AA"
        yield from _tokens(
            f"alg {algorithm!r}"[:20],
            {"unsigned": unsigned, "a signature": zero, "signed": signed_raw(header, PAYLOAD)},
        )
    others = ("RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "rs256", "RS256 ", "RS-256")
    made = {name: signed_raw(_header(alg=name), PAYLOAD) for name in others}
    yield from _tokens("signed as RS256, said to be", made)


def _shared(algorithm: str, secret: bytes) -> bytes:
    data = b".".join([segment(_header(alg=algorithm)), segment(PAYLOAD)])
    digest = hmac.new(secret, data, getattr(hashlib, f"sha{algorithm[2:]}")).digest()
    return data + b"." + segment(digest)


def _header(**changes: Any) -> bytes:
    members = {"alg": "RS256", "kid": "rsa", "typ": "JWT", **changes}
    return json.dumps(
        {name: each for name, each in members.items() if each is not DROPPED}
    ).encode()


def _key_ids() -> Iterator[tuple[str, Headers]]:
    ids: dict[str, Any] = {
        "absent": DROPPED,
        "null": None,
        "a number": 1,
        "empty": "",
        "a list": ["rsa"],
        "unknown": "somebody-s",
        "another case": "RSA",
        "a space": "rsa ",
        "a path": "../../../../etc/passwd",
        "a file": "/dev/null",
        "SQL": "rsa' OR '1'='1",
        "a shell's": "rsa|/usr/bin/uname",
        "NUL": "rsa\0",
        "10 kB": "k" * 7_000,
        "129 characters": "k" * 129,
        "half a character": "\ud800",
        "an address": "https://attacker.example/jwks.json",
    }
    made = {name: signed_raw(_header(kid=kid), PAYLOAD) for name, kid in ids.items()}
    made["twice"] = signed_raw(b'{"alg":"RS256","kid":"ec","kid":"rsa"}', PAYLOAD)
    made["of the weak key"] = signed_raw(_header(kid="weak"), PAYLOAD, "weak")
    made["of a key that is not in the set"] = token(kid="rsa-other")
    yield from _tokens("kid", made)


def _header_members() -> Iterator[tuple[str, Headers]]:
    own = public_jwk("rsa-other")
    brought: dict[str, Any] = {
        "jwk": own,
        "jku": "http://127.0.0.1:9/jwks.json",
        "x5u": "http://127.0.0.1:9/chain.pem",
        "x5c": ["MIIB"],
    }
    made = {
        f"its own {name}": signed_raw(_header(**{name: value}), PAYLOAD, "rsa-other")
        for name, value in brought.items()
    }
    made |= {
        f"its own {name}, and no kid": signed_raw(
            _header(kid=DROPPED, **{name: value}), PAYLOAD, "rsa-other"
        )
        for name, value in brought.items()
    }
    asked: dict[str, Any] = {
        "crit that is unknown": {"crit": ["exp-2"], "exp-2": 1},
        "crit that is empty": {"crit": []},
        "crit that is known": {"crit": ["exp"]},
        "b64 false": {"b64": False, "crit": ["b64"]},
        "b64 false alone": {"b64": False},
        "typ of an identity": {"typ": "id_token+jwt"},
        "typ of a log-out": {"typ": "logout+jwt"},
        "typ that is a number": {"typ": 5},
        "typ that is null": {"typ": None},
        "typ JWE": {"typ": "JWE"},
    }
    made |= {name: signed_raw(_header(**change), PAYLOAD) for name, change in asked.items()}
    raw = {
        "a list": b'["RS256"]',
        "a text": b'"RS256"',
        "nothing": b"{}",
        "no JSON": b"{alg:RS256}",
        "no UTF-8": b'{"alg":"RS256","kid":"\xff"}',
        "a byte order mark": b"\xef\xbb\xbf" + _header(),
        "too deep": b'{"x":' + b"[" * 1_500 + b"]" * 1_500 + b"}",
        "alg twice": b'{"alg":"none","alg":"RS256","kid":"rsa"}',
        "NaN": b'{"alg":"RS256","kid":"rsa","x":NaN}',
    }
    made |= {name: signed_raw(header, PAYLOAD) for name, header in raw.items()}
    yield from _tokens("header", made)


def _signatures() -> Iterator[tuple[str, Headers]]:
    good, other = token(), token("mallory")
    data, _, signature = good.rpartition(b".")
    made = {
        "of another token": data + b"." + other.rpartition(b".")[2],
        "of another key": signed_raw(_header(), PAYLOAD, "rsa-other"),
        "cut": good[:-10],
        "one byte": data + b".AA",
        "doubled": data + b"." + signature + signature,
        "zeros": data + b"." + segment(bytes(256)),
        "ones": data + b"." + segment(b"\xff" * 256),
        "no base64": data + b".A",
        "another payload": b".".join(
            [data.partition(b".")[0], segment(json.dumps(claims("mallory")).encode()), signature]
        ),
        "an EC signature of zeros": _ec(bytes(64)),
        "an EC signature without r": _ec(bytes(32) + b"\x01" * 32),
        "an EC signature without s": _ec(b"\x01" * 32 + bytes(32)),
        "an EC signature of the order": _ec(_ORDER * 2),
        "an EC signature in DER": _ec(b"\x30\x06\x02\x01\x01\x02\x01\x01"),
        "an EC signature that is empty": _ec(b""),
    }
    # Of the last character's six bits only two are the signature's.
    others = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    respelled = [data + b"." + signature[:-1] + bytes([end]) for end in others]
    for number, sent in enumerate([each for each in respelled if each != good][:63]):
        made[f"another last character {number}"] = sent
    for at in range(0, len(signature), 40):
        changed = b"A" if signature[at : at + 1] != b"A" else b"B"
        made[f"changed at {at}"] = data + b"." + signature[:at] + changed + signature[at + 1 :]
    yield from _tokens("signature", made)


_ORDER = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")


def _ec(signature: bytes) -> bytes:
    header = _header(alg="ES256", kid="ec")
    return b".".join([segment(header), segment(PAYLOAD), segment(signature)])


def _claims() -> Iterator[tuple[str, Headers]]:
    wrong: dict[str, list[Any]] = {
        "exp": [
            *(DROPPED, None, "soon", str(NOW_S + 60), True, [], {}, -1, 0, 1e300),
            *(NOW_S - 31, NOW_S - DAY_S, NOW_S + 25 * 3_600, NOW_S + 10 * 365 * DAY_S),
        ],
        "nbf": [NOW_S + 600, "later", True, [NOW_S]],
        "iat": [NOW_S + 600, "earlier", {}, NOW_S - 25 * 3_600],
        "iss": [
            *(DROPPED, None, "", 5, [ISSUER], ISSUER.upper(), f"{ISSUER}/", f"{ISSUER}.evil"),
            *(ISSUER[:-1], f" {ISSUER}", "https://issuer.example@evil"),
        ],
        "aud": [
            *(DROPPED, None, "", 5, "gam", "games", "GAME", ["games"], [["game"]], {"game": 1}),
            *([], "game other", "game,other"),
        ],
        "sub": [DROPPED, None, "", 5, ["alice"], {}, "a" * 101, "a\0b", "game-client"],
        "extend_namespace": ["another", None, "", ["local"], "LOCAL"],
    }
    for name, values in wrong.items():
        made = {
            f"{str(value)[:24]!r} ({n})": token(**{name: value}) for n, value in enumerate(values)
        }
        yield from _tokens(name, made)


def _payloads() -> Iterator[tuple[str, Headers]]:
    made = {
        "a list": b"[]",
        "a text": b'"alice"',
        "nothing": b"null",
        "no JSON": b"alice",
        "empty": b"{}",
        "no UTF-8": b'{"sub":"\xff"}',
        "sub twice": PAYLOAD.replace(b'"sub"', b'"sub": "mallory", "sub"'),
        "exp beyond numbers": PAYLOAD.replace(str(NOW_S + 3_600).encode(), b"1e400"),
        "exp that never ends": PAYLOAD.replace(str(NOW_S + 3_600).encode(), b"Infinity"),
        "exp of 5,000 digits": PAYLOAD.replace(str(NOW_S + 3_600).encode(), b"9" * 4_400),
        "too deep": b'{"x":' + b"[" * 1_500 + b"]" * 1_500 + b"}",
        "compressed": b"\x78\x9c\x4b\x04\x00\x00\x62\x00\x62",
    }
    yield from _tokens("payload", {name: signed(payload) for name, payload in made.items()})
    yield from _tokens("payload", {"a token in a token": signed(token(), header={"cty": "JWT"})})
