"""Reads the members of one JSON object, and notes everything that is wrong with them.

What cannot be read is noted once and replaced by something harmless, so that reading goes on to the
next error. Whoever reads looks at the findings before they use anything.
"""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from app.catalogue.findings import Findings
from app.catalogue.strict_json import JsonObject
from app.domain.goal import ID_LENGTH_MAX, INT32_MAX

TEXT_LENGTH_MAX = 1_000
SHOWN_LENGTH_MAX = 60

# Texts may have paragraphs.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ID_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")

Choice = TypeVar("Choice", bound=str)


class ObjectReader:
    """One object at its place. Every method notes what is wrong; `finish` notes unknown keys."""

    def __init__(
        self, members: JsonObject, place: str, findings: Findings, owner: str = ""
    ) -> None:
        self._members = members
        self._findings = findings
        self._asked: set[str] = set()
        self._owner = owner
        self.place = place

    def belongs_to(self, kind: str, owner_id: str) -> None:
        """Name the challenge or goal in all that is noted from now on, here and in its members."""
        self._owner = owner_text(kind, owner_id) or self._owner

    def has(self, name: str) -> bool:
        """Return whether there is such a member. Null is as good as none, as in Go."""
        return self._members.get(name) is not None

    def error(self, name: str, sentence: str) -> None:
        """Note what is wrong with a member."""
        self._findings.error(self._place_of(name) + self._owner, sentence)

    def warn(self, name: str, sentence: str) -> None:
        """Note what is harmless but may not be meant."""
        self._findings.warn(self._place_of(name) + self._owner, sentence)

    def text(self, name: str, *, required: bool = True) -> str:
        """Return a text of at most 1,000 characters; an optional one may be empty or missing."""
        text = self._text(name, required=required, length_max=TEXT_LENGTH_MAX)
        if _CONTROLS.search(text):
            self.error(name, "must not hold control characters")
        return text

    def identifier(self, name: str) -> str:
        """Return an id of 1 to 100 characters."""
        text = self._text(name, required=True, length_max=ID_LENGTH_MAX)
        if _ID_CONTROLS.search(text):
            self.error(name, "must not hold control characters")
        return text

    def path_identifier(self, name: str) -> str:
        """Return an id that is also a segment of a URL's path."""
        text = self.identifier(name)
        if "/" in text or text in (".", ".."):
            self.error(name, f'must not hold "/" or be a relative path, got {shown(text)}')
        return text

    def count(self, name: str) -> int:
        """Return a whole number from 1 to 2,147,483,647."""
        value = self._required(name)
        if value is None:
            return 1
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.error(name, f"must be a whole number of at least 1, got {shown(value)}")
            return 1
        if value > INT32_MAX:
            self.error(name, f"must be at most {INT32_MAX}, got {shown(value)}")
            return 1
        return value

    def flag(self, name: str) -> bool:
        """Return true or false; false if it is missing."""
        value = self._optional(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.error(name, f"must be true or false, got {shown(value)}")
        return False

    def choice(
        self, name: str, allowed: Sequence[Choice], *, default: Choice | None = None
    ) -> Choice:
        """Return one of the allowed texts. Missing or empty is the default, if there is one."""
        value = self._optional(name)
        if default is not None and value in (None, ""):
            return default
        if value is None:
            self.error(name, "is required")
            return allowed[0]
        for known in allowed:
            if value == known:
                return known
        names = " or ".join(f'"{known}"' for known in allowed)
        self.error(name, f"must be {names}, got {shown(value)}")
        return allowed[0]

    def member(self, name: str) -> "ObjectReader":
        """Return the reader of a required object; one that notes nothing if there is none."""
        value = self._required(name)
        return self._reader(value, self._place_of(name), missing=value is None)

    def optional_member(self, name: str) -> "ObjectReader | None":
        """Return the reader of an object that may be missing."""
        value = self._optional(name)
        return None if value is None else self._reader(value, self._place_of(name))

    def members(self, name: str, *, count_max: int) -> list["ObjectReader"]:
        """Return a reader for each object of a required list that must not be empty."""
        value = self._required(name)
        values = self._list(name, value, count_max)
        if value == []:
            self.error(name, "must not be empty")
        place = self._place_of(name)
        return [self._reader(item, f"{place}[{index}]") for index, item in enumerate(values)]

    def texts(self, name: str, *, count_max: int) -> tuple[str, ...]:
        """Return a list of texts that may be missing; "" stands for what is no text or empty."""
        values = self._list(name, self._optional(name), count_max)
        for index, value in enumerate(values):
            if not isinstance(value, str) or not value:
                place = f"{self._place_of(name)}[{index}]"
                self._findings.error(
                    place + self._owner, f"must be text and not empty, got {shown(value)}"
                )
        return tuple(value if isinstance(value, str) else "" for value in values)

    def finish(self, *, legacy: Collection[str] = (), ignored: Collection[str] = ()) -> None:
        """Note each key that is named twice, unknown, or of an older format."""
        for name in self._members.repeated:
            self.error(name, "is given more than once")
        known = {_folded(name): name for name in self._asked}
        for name in self._members:
            if name in legacy:
                self.warn(name, "has no effect any more")
            elif name not in self._asked and name not in ignored:
                meant = known.get(_folded(name))
                self.error(name, f'unknown key; is "{meant}" meant?' if meant else "unknown key")

    def _place_of(self, name: str) -> str:
        if not _PLAIN_NAME.fullmatch(name):
            return f"{self.place}[{shown(name)}]"
        return f"{self.place}.{name}" if self.place else name

    def _optional(self, name: str) -> Any:
        self._asked.add(name)
        return self._members.get(name)

    def _required(self, name: str) -> Any:
        value = self._optional(name)
        if value is None:
            self.error(name, "is required")
        return value

    def _text(self, name: str, *, required: bool, length_max: int) -> str:
        value = self._required(name) if required else self._optional(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.error(name, f"must be text, got {shown(value)}")
            return ""
        if required and not value:
            self.error(name, "must not be empty")
        if len(value) > length_max:
            self.error(name, f"must be at most {length_max} characters long, has {len(value)}")
        if _SURROGATES.search(value):
            self.error(name, "must not hold half a surrogate pair")
        text: str = value
        return text

    def _list(self, name: str, value: Any, count_max: int) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.error(name, f"must be a list, got {shown(value)}")
            return []
        if len(value) > count_max:
            self.error(name, f"must hold at most {count_max}, has {len(value)}")
        return value

    def _reader(self, value: Any, place: str, *, missing: bool = False) -> "ObjectReader":
        if isinstance(value, JsonObject):
            return ObjectReader(value, place, self._findings, self._owner)
        if not missing:
            self._findings.error(place + self._owner, f"must be an object, got {shown(value)}")
        return ObjectReader(JsonObject(), place, Findings())


def owner_text(kind: str, owner_id: str) -> str:
    """Return what follows the place of a finding: whose it is. Places shift; ids are searched."""
    return f" ({kind} {shown(owner_id)})" if owner_id else ""


def shown(value: Any) -> str:
    """Return a value as an error quotes it: on one line, cut, and valid UTF-8."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > SHOWN_LENGTH_MAX:
        text = f"{text[:SHOWN_LENGTH_MAX]}…"
    return text.encode("utf-8", "backslashreplace").decode()


def _folded(name: str) -> str:
    """Fold spelling: the Go service's documents also write `goal_id`, and its reader `goalid`."""
    return name.replace("_", "").lower()
