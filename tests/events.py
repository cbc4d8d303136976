"""Events as producers send them, from as few words as possible."""

from typing import Any

import msgspec

from app.events.cloudevents import BATCH, LINES

LOGIN: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "match-server-7",
    "type": "headrace.login",
    "subject": "alice",
}
STATISTIC: dict[str, Any] = {
    **LOGIN,
    "type": "headrace.statistic",
    "data": {"statCode": "wins", "latestValue": 5, "inc": 2},
}


def login(event_id: str, player: str = "alice", **members: Any) -> dict[str, Any]:
    """Return a login; its time is the moment of receipt unless it is given one."""
    return {**LOGIN, "id": event_id, "subject": player, **members}


def statistic(
    event_id: str, value: Any, player: str = "alice", *, stat: str = "wins", **members: Any
) -> dict[str, Any]:
    """Return a statistic's new value, whose increase is not known."""
    data = {"statCode": stat, "latestValue": value}
    return {**STATISTIC, "id": event_id, "subject": player, "data": data, **members}


def as_batch(*events: Any) -> tuple[str, bytes]:
    """Return the content type and the body of an array."""
    return BATCH, msgspec.json.encode(events)


def as_lines(*events: Any) -> tuple[str, bytes]:
    """Return the content type and the body of one object a line; bytes stand as they are."""
    lines = [each if isinstance(each, bytes) else msgspec.json.encode(each) for each in events]
    return LINES, b"\n".join(lines)
