"""JSON as people write it in files: strict, and with what `json` forgets, members named twice."""

import json
from collections.abc import Iterable
from typing import Any, NoReturn

BYTE_ORDER_MARK = "\ufeff"


class JsonUnreadable(ValueError):
    """The file is not JSON in UTF-8. The text says where and why."""


class JsonObject(dict[str, Any]):
    """A JSON object. `repeated` are the names that the text gives more than once."""

    def __init__(self, members: Iterable[tuple[str, Any]] = ()) -> None:
        pairs = list(members)
        super().__init__(pairs)
        self.repeated: tuple[str, ...] = ()
        if len(self) < len(pairs):
            self.repeated = _repeated(pairs)


def read_json(data: bytes) -> Any:
    """Return the value that the text describes, objects as `JsonObject`. Raise JsonUnreadable."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonUnreadable(f"the file is not UTF-8 at byte {error.start + 1}") from error
    if text.startswith(BYTE_ORDER_MARK):
        raise JsonUnreadable("the file begins with a byte order mark; save it as plain UTF-8")
    try:
        return json.loads(text, object_pairs_hook=JsonObject, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise JsonUnreadable(f"the file is not JSON: {error.msg} at {place}") from error
    except RecursionError as error:
        raise JsonUnreadable("the file is nested too deeply") from error
    except JsonUnreadable:
        raise
    except ValueError as error:
        # Python reads no whole number of more than 4,300 digits.
        raise JsonUnreadable("the file holds a number with too many digits") from error


def _refuse_constant(name: str) -> NoReturn:
    raise JsonUnreadable(f"the file is not JSON: {name} is no JSON number")


def _repeated(pairs: Iterable[tuple[str, Any]]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    for name, _ in pairs:
        seen[name] = seen.get(name, 0) + 1
    return tuple(name for name, times in seen.items() if times > 1)
