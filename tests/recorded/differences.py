"""What differs between two answers, place by place."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.recorded.records import ABSENT, CUT, TWICE, Answer

ONE, TWO = "(once)", "(twice)"
"""How often an object has a member, or a list an item."""

NOT_COMPARED = frozenset({"date", "content-length"})
"""Headers that differ by nature: by the moment, and by the length of what is compared itself."""

TIME = "(time)"
IDS = ("goalId", "challengeId")
"""By which of these members an item of a list is found again, the first that it has."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_COUNTS_DOWN = "expiresInSeconds"
_TIMES = {0: ABSENT, 1: ONE, 2: TWO}


class Difference(NamedTuple):
    """At a place (`status`, a header or a path in the body) it was this and is now that."""

    place: str
    was: Any
    now: Any


def differences(was: Answer, now: Answer) -> list[Difference]:
    """Return what differs. Instants are the same, and so are counted seconds unless one is 0.

    Behind a cut nothing is compared, and not the order of members of an object that is cut.
    """
    found = []
    if was.status != now.status:
        found.append(Difference("status", was.status, now.status))
    for name in dict.fromkeys([*was.headers, *now.headers]):
        told = was.headers.get(name, ABSENT), now.headers.get(name, ABSENT)
        if name not in NOT_COMPARED and told[0] != told[1]:
            found.append(Difference(name, *told))
    return [*found, *_compare("$", was.content, now.content)]


def _compare(place: str, was: Any, now: Any) -> Iterator[Difference]:
    if isinstance(was, dict) and isinstance(now, dict):
        yield from _compare_objects(place, was, now)
    elif isinstance(was, list) and isinstance(now, list):
        yield from _compare_lists(place, was, now)
    elif _shape(place, was) != _shape(place, now):
        yield Difference(place, was, now)


def _compare_objects(place: str, was: dict[str, Any], now: dict[str, Any]) -> Iterator[Difference]:
    was_twice, now_twice = was.get(TWICE, []), now.get(TWICE, [])
    for name in dict.fromkeys([*was_twice, *now_twice]):
        if (name in was_twice) != (name in now_twice):
            yield Difference(f"{place}.{name}", *((TWO, ONE) if name in was_twice else (ONE, TWO)))
    for name in dict.fromkeys([*was, *now]):
        if name not in {CUT, TWICE} and (name in was or CUT not in was):
            yield from _compare(f"{place}.{name}", was.get(name, ABSENT), now.get(name, ABSENT))
    if CUT not in was:
        yield from _compare_order(place, was, now)


def _compare_order(place: str, was: dict[Any, Any], now: dict[Any, Any]) -> Iterator[Difference]:
    was_order = [key for key in was if key in now and key != TWICE]
    now_order = [key for key in now if key in was and key != TWICE]
    if was_order != now_order:
        yield Difference(f"{place} in order", was_order, now_order)


def _compare_lists(place: str, was: list[Any], now: list[Any]) -> Iterator[Difference]:
    # Of an item that was cut before its first member there is nothing to compare.
    whole = [item for item in was if item not in (CUT, {CUT: True})]
    cut = len(whole) < len(was)
    was_by_id = _by_id(whole)
    now_by_id = _by_id(now)
    for key in [*was_by_id, *(key for key in now_by_id if key not in was_by_id and not cut)]:
        yield from _compare(
            f"{place}[{key}]", was_by_id.get(key, ABSENT), now_by_id.get(key, ABSENT)
        )
    yield from _compare_order(place, was_by_id, now_by_id)
    was_times, now_times = Counter(_ids(whole)), Counter(_ids(now))
    for key in was_times | now_times:
        times = was_times[key], now_times[key]
        # How often the cut list has an item more than once is not known; that is wrong anyway.
        if max(times) > 1 and times[0] != times[1]:
            yield Difference(f"{place}[{key}]", *(_TIMES.get(n, f"({n} times)") for n in times))


def _by_id(items: list[Any]) -> dict[Any, Any]:
    """Return the items by their ids; those without one by their places."""
    return dict(zip(_ids(items), items, strict=True))


def _ids(items: list[Any]) -> list[Any]:
    return [_id(place, item) for place, item in enumerate(items)]


def _id(place: int, item: Any) -> Any:
    """Return how an item is found again; a text is its own id."""
    if isinstance(item, dict):
        return next((item[name] for name in IDS if isinstance(item.get(name), str)), place)
    return item if isinstance(item, str) else place


def _shape(place: str, value: Any) -> Any:
    """Return a value without what differs from one run to the next, and with its type."""
    if isinstance(value, str):
        return _INSTANT.sub(TIME, value)
    if isinstance(value, int) and place.endswith(_COUNTS_DOWN):
        return value > 0
    return type(value), value
