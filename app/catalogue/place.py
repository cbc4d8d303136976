"""Where something stands in a catalogue file, and whose it is, as errors begin."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

Step: TypeAlias = str | int
Path: TypeAlias = tuple[Step, ...]
"""Keys and indexes, from the whole file down."""

SHOWN_LENGTH_MAX: Final = 60

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_$-]{1,60}")


class RawGoal(NamedTuple):
    """A goal as the file has it, whatever is wrong with it."""

    path: Path
    members: Mapping[str, Any]

    @property
    def goal_id(self) -> str:
        """Its id, or nothing if it has none."""
        return _id_of(self.members, "goalId")

    @property
    def prerequisites(self) -> Sequence[str]:
        """The ids of the goals that it needs, nothing where one is no text."""
        listed = self.members.get("prerequisites")
        return [
            each if isinstance(each, str) else ""
            for each in (listed if isinstance(listed, list) else ())
        ]


def raw_challenges(document: Any) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield what may be a challenge, and where it stands."""
    yield from _objects(document, (), "challenges")


def raw_goals(document: Any) -> Iterator[RawGoal]:
    """Yield what may be a goal, in the order of the file."""
    for path, challenge in raw_challenges(document):
        for goal_path, goal in _objects(challenge, path, "goals"):
            yield RawGoal(goal_path, goal)


def challenge_id_of(challenge: Mapping[str, Any]) -> str:
    """Return a challenge's id, or nothing if it has none."""
    return _id_of(challenge, "challengeId")


def place_of(path: Path, document: Any) -> str:
    """Return a path as errors begin: `challenges[0].goals[2].name (goal "win-10-times")`.

    Indexes shift when a file is edited; the id of the goal, or challenge, can be searched for.
    """
    return f"{text_of(path) or 'the file'}{_owner(path, document)}"


def text_of(path: Path) -> str:
    """Return a path as text: `challenges[0].goals[2]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not _PLAIN_KEY.fullmatch(step):
            text += f"[{shown(step)}]"
        else:
            text += f".{step}" if text else step
    return text


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


def _owner(path: Path, document: Any) -> str:
    goal_id = _id_of(_at(document, path[:4]), "goalId")
    challenge_id = _id_of(_at(document, path[:2]), "challengeId")
    if goal_id and len(path) >= len(("challenges", 0, "goals", 0)):
        return f" (goal {shown(goal_id)})"
    return f" (challenge {shown(challenge_id)})" if challenge_id else ""


def _at(value: Any, path: Path) -> Any:
    try:
        for step in path:
            value = value[step]
    except (LookupError, TypeError):
        return None
    return value


def _id_of(members: Any, key: str) -> str:
    found = members.get(key) if isinstance(members, dict) else None
    return found if isinstance(found, str) else ""


def _objects(parent: Any, path: Path, key: str) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    items = parent.get(key) if isinstance(parent, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield (*path, key, index), item
