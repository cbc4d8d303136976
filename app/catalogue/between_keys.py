"""The rules between the keys of one object and of one goal, and what its author may not have meant.

They look at the file as it is, whatever else is wrong with it, and say nothing about what has the
wrong form.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from app.catalogue.findings import Findings
from app.catalogue.place import Path, RawGoal, Step
from app.domain.goal import Mode
from app.strict_json import JsonObject

_Link: TypeAlias = tuple[()] | tuple["_Link", Step]
"""Where something stands: in what, and under which key. A path is made only for what is found."""

# The Go service once had kinds of goals; eventSource, progressMode and rotation say it now.
LEGACY_GOAL_KEYS: Final = ("type", "daily")


def check_repeated_keys(document: Any, findings: Findings) -> None:
    """Note each key that an object has twice, wherever that is."""
    if not isinstance(document, JsonObject):
        return
    for path, members in _objects(document):
        for key in members.repeated:
            findings.error((*path, key), "is given more than once")


def check_goal(goal: RawGoal, findings: Findings) -> None:
    """Note rotations that cannot be, and warn of what has no effect."""
    for key in LEGACY_GOAL_KEYS:
        if key in goal.members:
            findings.warn((*goal.path, key), "has no effect any more")
    rotation, path = goal.members.get("rotation"), (*goal.path, "rotation")
    if not isinstance(rotation, dict):
        return
    if rotation.get("enabled") is None:
        findings.warn((*path, "enabled"), "is missing, so the goal does not rotate")
    if rotation.get("enabled") is True:
        _check_mode(goal.members.get("requirement"), path, findings)
        _check_expiry(rotation.get("onExpiry"), (*path, "onExpiry"), findings)


def _check_mode(requirement: Any, path: Path, findings: Findings) -> None:
    mode = requirement.get("progressMode") if isinstance(requirement, dict) else Mode.RELATIVE
    if mode in (None, "", Mode.ABSOLUTE):
        findings.error(
            path, f'needs requirement.progressMode "{Mode.RELATIVE}", got "{Mode.ABSOLUTE}"'
        )


def _check_expiry(on_expiry: Any, path: Path, findings: Findings) -> None:
    members: Mapping[str, Any] = on_expiry if isinstance(on_expiry, dict) else {}
    if members.get("allowReselection") is True and members.get("resetProgress") in (None, False):
        findings.warn(
            (*path, "allowReselection"),
            "has no effect without resetProgress: claimed goals stay claimed",
        )


def _objects(document: Any) -> Iterator[tuple[Path, JsonObject]]:
    """Yield every object that has a key twice, however deep: without recursion."""
    waiting: list[tuple[_Link, Any]] = [((), document)]
    while waiting:
        link, value = waiting.pop()
        if isinstance(value, JsonObject) and value.repeated:
            yield _path(link), value
        held = [(step, each) for step, each in _members(value) if isinstance(each, dict | list)]
        waiting += [((link, step), each) for step, each in reversed(held)]


def _path(link: _Link) -> Path:
    steps: list[Step] = []
    while link:
        link, step = link
        steps.append(step)
    return tuple(reversed(steps))


def _members(value: Any) -> Iterable[tuple[Step, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value)
