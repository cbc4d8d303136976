"""JSON in: one function that turns everything a client can get wrong into a 400 that says what."""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

import msgspec

from app.domain.goal import INT32_MAX
from app.strict_json import Flaw, JsonUnreadable, has_text, is_cut, read_json
from middleware.problem import DETAIL_MAX, HttpReason, Problem

JsonInt32: TypeAlias = int | float | str
"""What a client may write for a whole number; `int32` reads it."""

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)

SENTENCES: Final[Mapping[Flaw, str]] = MappingProxyType(
    {
        Flaw.BYTE_ORDER_MARK: "The body begins with a byte order mark.",
        Flaw.MEMBER_TWICE: "The body has two members of one name in one object.",
        Flaw.NOT_JSON: "The body is not JSON: {where}.",
        Flaw.NOT_UTF8: "The body is not UTF-8 at {where}.",
        Flaw.NUL: "The body has a NUL in a string.",
        Flaw.NUMBER_TOO_LONG: "The body has a number with too many digits.",
        Flaw.TOO_DEEP: "The body is nested too deeply.",
    }
)

T = TypeVar("T")
M = TypeVar("M", bound=msgspec.Struct)


def decode(data: bytes, kind: type[T]) -> T:
    """Return the JSON in `data` as `kind`. Raises `Problem` with `bad_request`."""
    if not data:
        _refuse("The body is empty; it must be JSON.")
    try:
        value = read_json(data)
        if rb"\u" in data and has_text(value, is_cut):
            _refuse("The body has half a surrogate pair in a string.")
        return msgspec.convert(value, kind)
    except JsonUnreadable as unreadable:
        _refuse(SENTENCES[unreadable.flaw].format(where=unreadable.where))
    except msgspec.ValidationError as error:
        _refuse(f"The body is JSON, but not what is expected here: {error}.")


def decode_message(data: bytes, kind: type[M]) -> M:
    """Return the JSON object in `data` as the struct `kind`, as the contract reads one.

    A member may be spelled as on the wire or in snake_case, but not both; null is as if it were
    missing. Raises `Problem` with `bad_request`.
    """
    members = decode(data, dict[str, Any])
    for field in msgspec.structs.fields(kind):
        spellings = {field.name, field.encode_name} & members.keys()
        if len(spellings) > 1:
            _refuse(
                f"The body has both {field.name} and {field.encode_name}: two spellings of one."
            )
        for spelling in spellings:
            value = members.pop(spelling)
            if value is not None:
                members[field.encode_name] = value
    try:
        return msgspec.convert(members, kind)
    except msgspec.ValidationError as error:
        _refuse(f"The body is JSON, but not what is expected here: {error}.")


def int32(value: JsonInt32, name: str) -> int:
    """Return a whole number, which may be written `2`, `2.0` or `"2"`, as in protobuf's JSON.

    Raises `Problem` with `bad_request` for fractions and what 32 bits cannot hold.
    """
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else math.nan
    # Comparisons first: neither infinity nor NaN has a whole value.
    if not -INT32_MAX - 1 <= value <= INT32_MAX or value != int(value):
        _refuse(f"{name} must be a whole number of 32 bits.")
    return int(value)


def _refuse(detail: str) -> NoReturn:
    raise Problem(HttpReason.BAD_REQUEST, detail[:DETAIL_MAX]) from None
