"""Recorded answers of the Go service: how they are read, and what they presuppose.

A file of records has one JSON object a line: `group`, `name`, `given` (what was so before, or
null), `request` (`method`, `path`, `user`, `body`) and `response` (`status`, `headers`, `body`).
Long bodies are cut; then `cut` is true.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

ABSENT = "(absent)"
"""Stands for what one of two answers does not have."""

CUT = "\N{HORIZONTAL ELLIPSIS} cut"
"""In what was read of a cut body: a member of each object, the last item of each list, that the
cut left open."""

TWICE = "\N{HORIZONTAL ELLIPSIS} twice"
"""In what was read: a member with the names that an object has more than once."""


class Sent(msgspec.Struct, frozen=True):
    """A request; `user` is the value of x-mock-user-id."""

    method: str
    path: str
    user: str | None
    body: str | None


class Answer(msgspec.Struct, frozen=True):
    """An answer. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str
    cut: bool = False

    @property
    def media_type(self) -> str:
        """The content type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def content(self) -> Any:
        """The body's JSON with marks (see CUT, TWICE), its text if it is none, or ABSENT."""
        if not self.body:
            return ABSENT
        try:
            return read_json(self.body, cut=self.cut)
        except json.JSONDecodeError:
            return self.body


class Record(msgspec.Struct, frozen=True):
    """What was asked and what was answered."""

    group: str
    name: str
    given: str | None
    request: Sent
    response: Answer


class Completion(NamedTuple):
    """That a goal is completed, with this progress if it is not its target."""

    goal_id: str
    progress: int | None


def read_records(path: Path) -> list[Record]:
    """Return the records in a file, in order."""
    return [msgspec.json.decode(line, type=Record) for line in path.read_bytes().splitlines()]


def completions(given: str) -> Iterator[Completion]:
    """Read texts like `a completed with progress 10, b not`. Raise ValueError for others."""
    for clause in given.split(", "):
        match = re.fullmatch(r"(\S+) (?:completed(?: with progress (\d+))?|not)", clause)
        if match is None:
            raise ValueError(f"cannot bring about {clause!r}")
        goal_id, progress = match.groups()
        if not clause.endswith(" not"):
            yield Completion(goal_id, None if progress is None else int(progress))


def goals_in(content: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each whole goal of a list, or of one challenge, with its challenge's id and its own."""
    if not isinstance(content, dict):
        return
    for challenge in _objects(content.get("challenges", [content])):
        for goal in _objects(challenge.get("goals")):
            if "goalId" in goal:
                yield str(challenge.get("challengeId")), str(goal["goalId"]), goal


def _objects(items: Any) -> Iterator[dict[str, Any]]:
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))


def read_json(text: str, *, cut: bool = False) -> Any:
    """Return the JSON, with marks where it was cut and where it names members twice."""
    return json.loads(_closed(text) if cut else text, object_pairs_hook=_members)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    members: dict[str, Any] = {}
    for name, value in pairs:
        # Who reads a member that is named twice sees the last, so that is where it is.
        members.pop(name, None)
        members[name] = value
    if len(members) < len(names):
        members[TWICE] = sorted({name for name in names if names.count(name) > 1})
    return members


def _closed(text: str) -> str:
    """Drop what follows the last whole value of a cut text, and close what is open with marks."""
    stack: list[str] = []
    in_string = escaped = False
    end, still_open = 0, ""
    for place, character in enumerate(text):
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "{[":
            stack.append(character)
            end, still_open = place + 1, "".join(stack)
        elif character in "}]":
            stack.pop()
            end, still_open = place + 1, "".join(stack)
        elif character == ",":
            end, still_open = place, "".join(stack)
    whole = text[:end]
    for bracket in reversed(still_open):
        comma = "" if whole.endswith(("{", "[")) else ","
        mark = json.dumps(CUT)
        whole += comma + (f"{mark}:true}}" if bracket == "{" else f"{mark}]")
    return whole
