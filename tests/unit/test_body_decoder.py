"""JSON in: everything a client can get wrong is a 400 that says what."""

from typing import Any

import msgspec
import pytest

from app.handlers.body import decode
from middleware.problem import DETAIL_MAX, Problem


class Wish(msgspec.Struct):
    """A body as a route might want it."""

    name: str
    count: int = 1


DEEP = 100_000

WRONG = {
    "nothing": (b"", "The body is empty"),
    "a byte order mark": (b'\xef\xbb\xbf{"name":"a"}', "byte order mark"),
    "invalid UTF-8": (b'{"name":"\xff"}', "not UTF-8"),
    "invalid UTF-8 in what is ignored": (b'{"name":"a","x":"\xff"}', "not UTF-8"),
    "half a surrogate": (b'{"name":"\\ud800"}', "half a surrogate pair"),
    "half a surrogate in what is ignored": (b'{"name":"a","x":{"\\udfff":1}}', "half a surrogate"),
    "a number without end": (b'{"name":"a","x":' + b"9" * 5_000 + b"}", "too many digits"),
    "no JSON": (b"name=a", "not JSON"),
    "a cut": (b'{"name":"a"', "not JSON"),
    "trailing text": (b'{"name":"a"} x', "not JSON"),
    "two values": (b'{"name":"a"}{"name":"b"}', "not JSON"),
    "not a number": (b'{"name":"a","count":NaN}', "not JSON"),
    "a control character": (b'{"name":"a\nb"}', "not JSON"),
    "raw NUL": (b'{"name":"a\0b"}', "not JSON"),
    "NUL": (b'{"name":"a\\u0000b"}', "NUL"),
    "NUL in what is ignored": (b'{"name":"a","x":[["\\u0000"]]}', "NUL"),
    "NUL in a name": (b'{"name":"a","x\\u0000":1}', "NUL"),
    "a wrong type": (b'{"name":7}', "Expected `str`, got `int` - at `$.name`"),
    "a fraction": (b'{"name":"a","count":1.5}', "Expected `int`, got `float`"),
    "a number in a string": (b'{"name":"a","count":"1"}', "Expected `int`, got `str`"),
    "a huge number": (b'{"name":"a","count":1e400}', "not"),
    "a missing member": (b"{}", "missing required field `name`"),
    "an array": (b"[]", "Expected `object`, got `array`"),
    "null": (b"null", "Expected `object`, got `null`"),
    "a member twice": (b'{"name":"a","name":"b"}', "two members of one name"),
    "a member twice, once in disguise": (b'{"name":"a","n\\u0061me":"b"}', "two members"),
    "a member twice, deep in what is ignored": (b'{"name":"a","x":[{"y":1,"y":1}]}', "two members"),
    "deep arrays": (b'{"name":"a","x":' + b"[" * DEEP + b"]" * DEEP + b"}", "nested too deeply"),
    "deep objects": (b'{"x":' * DEEP + b"1" + b"}" * DEEP, "nested too deeply"),
    "deep and never closed": (b"[" * DEEP, ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_says_what_is_wrong(name: str) -> None:
    data, part = WRONG[name]
    with pytest.raises(Problem) as raised:
        decode(data, Wish)
    assert raised.value.reason == "bad_request"
    assert part in raised.value.detail
    assert len(raised.value.detail) <= DETAIL_MAX


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"name":"a"}', Wish("a")),
        (b' {"count":2,"name":"\\u00e4\\u4e16"} \n', Wish("ä世", 2)),
        (b'{"name":"a\\\\u0000"}', Wish("a\\u0000")),
        (b'{"name":"a","unknown":{"name":"b"}}', Wish("a")),
        (b'{"name":"a","x":[{"y":1},{"y":1}]}', Wish("a")),
        (b'{"name":"a","x":1e400}', Wish("a")),
    ],
)
def test_reads_what_is_right(data: bytes, expected: Wish) -> None:
    assert decode(data, Wish) == expected


@pytest.mark.parametrize("depth", [10, 200])
def test_reads_moderate_depth(depth: int) -> None:
    value = decode(b"[" * depth + b"]" * depth, list[Any])
    for _ in range(depth - 1):
        (value,) = value
    assert value == []
