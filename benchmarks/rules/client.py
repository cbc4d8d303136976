"""A player's and a producer's requests to a service on this machine, one at a time."""

import http.client
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

LOOPBACK = "127.0.0.1"
ANSWER_S_MAX = 10
BATCH = "application/cloudevents-batch+json"
CHALLENGES = "/challenge/v1/challenges"
EVENTS = "/challenge/v1/events"
SOURCE = "bench"


class Unexpected(Exception):
    """A service answered otherwise than the benchmark needs."""


class Client:
    """One kept connection. Each method raises Unexpected unless the answer is 200."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=ANSWER_S_MAX)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def initialize(self, player: str) -> bytes:
        """Return the answer to an initialize."""
        return self._ask("POST", f"{CHALLENGES}/initialize", player)

    def send_events(self, events: Sequence[Any], *, expected: str = "accepted") -> None:
        """Send a batch; raise Unexpected unless that is the result of each event."""
        body = self._ask("POST", EVENTS, "", msgspec.json.encode(events), content_type=BATCH)
        results = {result["result"] for result in msgspec.json.decode(body)["results"]}
        if results != {expected}:
            raise Unexpected(f"events are {', '.join(sorted(results))}, not all {expected}")

    def claim(self, player: str, challenge_id: str, goal_id: str) -> bytes:
        """Return the answer to a claim."""
        return self._ask("POST", f"{CHALLENGES}/{challenge_id}/goals/{goal_id}/claim", player)

    def _ask(
        self,
        method: str,
        path: str,
        player: str,
        body: bytes = b"{}",
        *,
        content_type: str = "application/json",
    ) -> bytes:
        headers = {"content-type": content_type, "x-mock-user-id": player}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise Unexpected(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content


def login(event_id: str, player: str) -> dict[str, Any]:
    """Return the event of a login."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": "headrace.login",
        "subject": player,
        "time": datetime.now(UTC).isoformat(),
    }


def statistic(event_id: str, player: str, stat_code: str, value: int) -> dict[str, Any]:
    """Return the event of a statistic's new value, one more than it was."""
    return login(event_id, player) | {
        "type": "headrace.statistic",
        "data": {"statCode": stat_code, "latestValue": value, "inc": 1},
    }
