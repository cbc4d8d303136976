"""Reads JSON strictly: RFC 8259 and nothing beside it, with one meaning for each name.

Python's own reader takes what is no JSON (NaN, Infinity) and what has two meanings (a member that
is named twice), and raises errors of its own for deep nesting, long numbers and wrong bytes. Here
each of them is a `Flaw`; the readers of bodies, of events and of files each have words for them.
"""

import codecs
import json
from collections import Counter
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Any, Final, NoReturn


class Flaw(Enum):
    """Why bytes cannot be read."""

    BYTE_ORDER_MARK = auto()
    MEMBER_TWICE = auto()
    NOT_JSON = auto()
    NOT_UTF8 = auto()
    NUL = auto()
    NUMBER_TOO_LONG = auto()
    TOO_DEEP = auto()


class JsonUnreadable(ValueError):
    """Bytes that cannot be read. `where` says what is not JSON and where, or which byte it is."""

    def __init__(self, flaw: Flaw, where: str = "") -> None:
        super().__init__(flaw.name, where)
        self.flaw = flaw
        self.where = where


class JsonObject(dict[str, Any]):
    """A JSON object. `repeated` are the names that the text gives more than once."""

    def __init__(self, members: Iterable[tuple[str, Any]] = ()) -> None:
        pairs = list(members)
        super().__init__(pairs)
        self.repeated: tuple[str, ...] = ()
        if len(self) < len(pairs):
            times = Counter(name for name, _ in pairs)
            self.repeated = tuple(name for name in self if times[name] > 1)


def read_json(data: bytes) -> Any:
    """Return the value in `data`. Raises `JsonUnreadable`.

    Half a surrogate pair is read (`is_cut`): JSON's grammar allows it. NUL is not: PostgreSQL
    cannot store it. A number beyond what a float can hold is infinite.
    """
    value = _read(data, _UNIQUE)
    if rb"\u0000" in data and has_text(value, lambda text: "\0" in text):
        raise JsonUnreadable(Flaw.NUL)
    return value


def read_json_file(data: bytes) -> Any:
    """Return the value in `data`, for a reader that tells all errors at once.

    Raises `JsonUnreadable`, but neither for NUL nor for a member that is named twice: if there is
    one, every object is a `JsonObject`.
    """
    try:
        return _read(data, _UNIQUE)
    except JsonUnreadable as unreadable:
        if unreadable.flaw is not Flaw.MEMBER_TWICE:
            raise
        return _read(data, _NOTING)


def has_text(value: Any, is_meant: Callable[[str], bool]) -> bool:
    """Return whether there is such a text in a value, names included, however deep."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str) and is_meant(each):
            return True
        if isinstance(each, dict):
            waiting += each.keys()
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return False


def is_cut(text: str) -> bool:
    """Return whether there is half of a character in a text: a surrogate without the other."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _read(data: bytes, decoder: json.JSONDecoder) -> Any:
    if data.startswith(codecs.BOM_UTF8):
        raise JsonUnreadable(Flaw.BYTE_ORDER_MARK)
    try:
        return decoder.decode(data.decode())
    except UnicodeDecodeError as error:
        raise JsonUnreadable(Flaw.NOT_UTF8, f"byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        where = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise JsonUnreadable(Flaw.NOT_JSON, where) from None
    except RecursionError:
        raise JsonUnreadable(Flaw.TOO_DEEP) from None
    except JsonUnreadable:
        raise
    except ValueError:
        # Python reads no whole number of more than 4,300 digits.
        raise JsonUnreadable(Flaw.NUMBER_TOO_LONG) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise JsonUnreadable(Flaw.MEMBER_TWICE)
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise JsonUnreadable(Flaw.NOT_JSON, f"{name} is no JSON number")


_UNIQUE: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
_NOTING: Final = json.JSONDecoder(object_pairs_hook=JsonObject, parse_constant=_refuse_constant)
