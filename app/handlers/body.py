"""JSON in: one function that turns everything a client can get wrong into a 400 that says what.

msgspec alone would let three things through or fail on them: it keeps the last of two members with
one name, it takes NUL in a string, which PostgreSQL cannot store, and it raises errors of Python's
own for deep nesting and for bytes that are not UTF-8.
"""

import codecs
import json
import math
import re
from typing import Any, NoReturn, TypeAlias, TypeVar

import msgspec

from app.domain.goal import INT32_MAX
from middleware.problem import DETAIL_MAX, HttpReason, Problem

JsonInt32: TypeAlias = int | float | str
"""What a client may write for a whole number; `int32` reads it."""

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)

T = TypeVar("T")
M = TypeVar("M", bound=msgspec.Struct)


def decode(data: bytes, kind: type[T]) -> T:
    """Return the JSON in `data` as `kind`. Raises `Problem` with `bad_request`."""
    if not data:
        _refuse("The body is empty; it must be JSON.")
    if data.startswith(codecs.BOM_UTF8):
        _refuse("The body begins with a byte order mark.")
    try:
        value = msgspec.json.decode(data, type=kind)
        _check_members(data)
    except RecursionError:
        _refuse("The body is nested too deeply.")
    except UnicodeDecodeError:
        _refuse("The body is not UTF-8.")
    except msgspec.ValidationError as error:
        _refuse(f"The body is JSON, but not what is expected here: {error}.")
    except msgspec.DecodeError as error:
        _refuse(f"The body is not JSON: {error}.")
    return value


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


def _check_members(data: bytes) -> None:
    """Refuse duplicate members and NUL, in what msgspec has read as correct JSON."""
    # Parsed once more, since nothing else knows a name's end from a string that looks like one.
    top = json.loads(data, object_pairs_hook=_object, parse_int=str, parse_float=str)
    _refuse_nul(top)


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    known = dict(members)
    if len(known) < len(members):
        _refuse("The body has two members of one name in one object.")
    for name, value in members:
        _refuse_nul(name)
        _refuse_nul(value)
    return known


def _refuse_nul(value: Any) -> None:
    """Look at a value that is not an object: objects were looked at when they ended."""
    if isinstance(value, str) and "\0" in value:
        _refuse("The body has a NUL in a string.")
    if isinstance(value, list):
        for item in value:
            _refuse_nul(item)


def _refuse(detail: str) -> NoReturn:
    raise Problem(HttpReason.BAD_REQUEST, detail[:DETAIL_MAX]) from None
