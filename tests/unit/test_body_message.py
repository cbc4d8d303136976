"""JSON in as the contract reads a message: two spellings, null as missing, numbers of 32 bits."""

from collections.abc import Sequence

import msgspec
import pytest

from app.handlers.body import decode_message, int32
from middleware.problem import DETAIL_MAX, Problem


class Wish(msgspec.Struct, rename="camel"):
    """A body as a route might want it."""

    goal_ids: Sequence[str] = ()
    replace_existing: bool = False
    count: int | float | str = 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"{}", Wish()),
        (b'{"goalIds":["a"],"replaceExisting":true}', Wish(["a"], replace_existing=True)),
        (b'{"goal_ids":["a"],"replace_existing":true}', Wish(["a"], replace_existing=True)),
        (b'{"goal_ids":["a"],"replaceExisting":true}', Wish(["a"], replace_existing=True)),
        (b'{"goalIds":null,"replace_existing":null}', Wish()),
        (b'{"goalids":[1],"GoalIds":7,"x":{"goal_ids":[]}}', Wish()),
    ],
)
def test_reads_both_spellings_and_ignores_what_is_unknown(data: bytes, expected: Wish) -> None:
    assert decode_message(data, Wish) == expected


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"x":"\xff"}', "not UTF-8"),
        (b"{} x", "not JSON"),
        (b"{", "not JSON"),
        (b"null", "Expected `object`, got `null`"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"goalIds":[],"goal_ids":[]}', "both goal_ids and goalIds"),
        (b'{"goalIds":["a"],"goal_ids":null}', "both goal_ids and goalIds"),
        (b'{"goal_ids":[],"goal_ids":[]}', "two members of one name"),
        (b'{"goalIds":"a"}', "Expected `array`, got `str` - at `$.goalIds`"),
        (b'{"goal_ids":[7]}', "Expected `str`, got `int` - at `$.goalIds[0]`"),
        (b'{"goalIds":[null]}', "Expected `str`, got `null`"),
        (b'{"goalIds":["\\u0000"]}', "NUL"),
        (b'{"replaceExisting":"true"}', "Expected `bool`, got `str`"),
        (b'{"replaceExisting":1}', "Expected `bool`, got `int`"),
        (b'{"count":true}', "got `bool`"),
        (b'{"count":[1]}', "got `array`"),
        (b'{"count":NaN}', "not JSON"),
    ],
)
def test_says_what_is_wrong(data: bytes, part: str) -> None:
    with pytest.raises(Problem) as raised:
        decode_message(data, Wish)
    assert raised.value.reason == "bad_request"
    assert part in raised.value.detail
    assert len(raised.value.detail) <= DETAIL_MAX


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, 2),
        (2.0, 2),
        ("2", 2),
        ("2.0", 2),
        ("2e1", 20),
        ("-0", 0),
        (-1, -1),
        (10**9, 10**9),
        (2**31 - 1, 2**31 - 1),
        (-(2**31), -(2**31)),
        ("2147483647", 2**31 - 1),
    ],
)
def test_a_whole_number_may_be_written_in_several_ways(value: float | str, expected: int) -> None:
    assert int32(value, "count") == expected
    assert type(int32(value, "count")) is int


@pytest.mark.parametrize(
    "value",
    [
        *(1.5, 2**31, -(2**31) - 1, 3_000_000_000, 10**400, float("inf"), float("nan")),
        *("", " 2", "2 ", "+2", "02", "x", "0x2", "2.", ".5", "1.5", "1_000", "٢", "nan", "inf"),
        *("2147483648", "1e400", "9" * 10_000),
    ],
)
def test_no_other_number_is_taken(value: float | str) -> None:
    with pytest.raises(Problem, match="count must be a whole number of 32 bits"):
        int32(value, "count")
