"""The application's real answers, on a real database, are what its OpenAPI document promises."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api_document import answer_errors, operations
from tests.app import App, settings_for

V1 = "/challenge/v1"
ONE = f"{V1}/challenges/{{challenge_id}}"
GOAL = f"{ONE}/goals/{{goal_id}}"
TUTORIAL = {"challenge_id": "winter-challenge-2025", "goal_id": "complete-tutorial"}
SNOWMEN = {"challenge_id": "winter-challenge-2025", "goal_id": "kill-10-snowmen"}
BOARD = {"challenge_id": "daily-challenges"}
DAILY = {"challenge_id": "rotation-daily"}
NOWHERE = {"challenge_id": "nowhere", "goal_id": "nothing"}
BATCH = {"content-type": "application/cloudevents-batch+json"}


class Checked:
    """Asks the application, compares each answer with the document, and remembers what was met."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.met: set[tuple[str, str]] = set()

    async def ask(
        self,
        status: int,
        method: str,
        path: str,
        names: Mapping[str, str] | None = None,
        body: Any = None,
        **how: Any,
    ) -> Any:
        """Ask, expect this status, and return the answer's JSON."""
        query = how.pop("query", "")
        exchange = await self._app.request(
            method,
            path.format(**(names or {})) + query,
            body=b"" if body is None else json.dumps(body).encode(),
            **how,
        )
        assert exchange.status == status, exchange.body
        wrong = answer_errors(method, path, status, exchange.headers, exchange.body)
        assert wrong == [], (method, path, status, exchange.body)
        self.met.add((method, path))
        return exchange.json if exchange.body else exchange.headers


@pytest.fixture
async def asked(database_url: str) -> AsyncIterator[Checked]:
    async with App(settings_for(EVENTS_TOKEN="events-token-of-16"), database_url) as app:
        yield Checked(app)


def statistic(event_id: str, code: str, value: float, **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "test",
        "type": "headrace.statistic",
        "subject": "alice",
        "data": {"statCode": code, "latestValue": value, "inc": value},
        **more,
    }


async def test_every_route_answers_as_described(asked: Checked) -> None:
    await ask_about_the_service(asked)
    await ask_about_challenges(asked)
    await send_events(asked)
    await decide_about_goals(asked)
    await claim_and_leave(asked)
    assert asked.met == {(method, path) for method, path, _ in operations()}


async def ask_about_the_service(asked: Checked) -> None:
    await asked.ask(200, "GET", "/healthz")
    await asked.ask(503, "GET", "/readyz")  # this application never said that it has started
    await asked.ask(200, "GET", "/challenge/healthz")
    await asked.ask(200, "GET", "/challenge/apidocs/api.json", player=None)


async def ask_about_challenges(asked: Checked) -> None:
    await asked.ask(200, "GET", f"{V1}/challenges")
    new = await asked.ask(200, "POST", f"{V1}/challenges/initialize")
    again = await asked.ask(200, "POST", f"{V1}/challenges/initialize", body={"x": 1})
    assert (new["newAssignments"], again["newAssignments"]) == (new["totalActive"], 0)
    await asked.ask(200, "GET", f"{V1}/challenges", query="?active_only=true")
    await asked.ask(401, "GET", f"{V1}/challenges", player=None)
    await asked.ask(400, "GET", f"{V1}/challenges", player="x" * 101)
    await asked.ask(200, "GET", ONE, BOARD)
    await asked.ask(404, "GET", ONE, NOWHERE)
    await asked.ask(200, "GET", f"{ONE}/rotation", DAILY)
    await asked.ask(200, "GET", f"{ONE}/rotation", BOARD)
    await asked.ask(404, "GET", f"{ONE}/rotation", NOWHERE)


async def send_events(asked: Checked) -> None:
    token = {"authorization": "Bearer events-token-of-16"}
    done = statistic("1", "tutorial_completed", 1)
    batch = [
        done,
        done,
        statistic("2", "kills", 10.5, time=datetime.now(UTC).isoformat()),
        statistic("3", "kills", 1, namespace="another"),
        {**statistic("4", "kills", 1), "type": "unknown"},
        {**statistic("5", "kills", 1), "id": 5},
        "no event",
    ]
    path = f"{V1}/events"
    answer = await asked.ask(200, "POST", path, body=batch, headers={**BATCH, **token}, player=None)
    results = [result["result"] for result in answer["results"]]
    assert results[:3] == ["accepted", "duplicate", "accepted"]
    assert results[3:] == ["ignored", "rejected", "rejected", "rejected"]
    await asked.ask(400, "POST", path, body={}, headers={**BATCH, **token}, player=None)
    await asked.ask(401, "POST", path, body=[], headers=BATCH, player=None)
    await asked.ask(413, "POST", path, body=[done] * 501, headers={**BATCH, **token}, player=None)
    await asked.ask(415, "POST", path, body=[], headers=token, player=None)


async def decide_about_goals(asked: Checked) -> None:
    await asked.ask(200, "PUT", f"{GOAL}/active", SNOWMEN, {"isActive": True})
    await asked.ask(200, "PUT", f"{GOAL}/active", {**BOARD, "goal_id": "daily-wins"}, {})
    await asked.ask(400, "PUT", f"{GOAL}/active", SNOWMEN, {"isActive": "yes"})
    await asked.ask(404, "PUT", f"{GOAL}/active", NOWHERE, {"isActive": True})
    batch, some = f"{ONE}/goals/batch-select", f"{ONE}/goals/random-select"
    await asked.ask(200, "POST", batch, BOARD, {"goalIds": ["daily-10-kills", "daily-wins"]})
    replacing = {"goal_ids": ["daily-wins"], "replace_existing": True}
    await asked.ask(200, "POST", batch, BOARD, replacing)
    await asked.ask(400, "POST", batch, BOARD, {"goalIds": []})
    await asked.ask(404, "POST", batch, BOARD, {"goalIds": ["nothing"]})
    await asked.ask(200, "POST", some, BOARD, {"count": 2, "excludeActive": True})
    await asked.ask(400, "POST", some, BOARD, {"count": 0})
    await asked.ask(404, "POST", some, NOWHERE, {"count": 1})


async def claim_and_leave(asked: Checked) -> None:
    await asked.ask(200, "POST", f"{GOAL}/claim", TUTORIAL)
    await asked.ask(409, "POST", f"{GOAL}/claim", TUTORIAL)
    await asked.ask(400, "POST", f"{GOAL}/claim", SNOWMEN)
    await asked.ask(404, "POST", f"{GOAL}/claim", NOWHERE)
    gone = await asked.ask(200, "DELETE", f"{V1}/users/me/data")
    again = await asked.ask(200, "DELETE", f"{V1}/users/me/data")
    assert (gone["rowsDeleted"] > 0, again["rowsDeleted"]) == (True, 0)


@pytest.mark.parametrize(
    ("path", "player"), [(f"{V1}/challenges", "alice"), ("/challenge/apidocs/api.json", None)]
)
async def test_what_the_client_has_is_not_sent_again(
    database_url: str, path: str, player: str | None
) -> None:
    async with App(settings_for(), database_url) as app:
        first = await app.request("GET", path, player=player)
        tag = first.headers["etag"]
        kept = await app.request("GET", path, player=player, headers={"if-none-match": tag})
        assert (kept.status, kept.body, kept.headers["etag"]) == (304, b"", tag)
        assert answer_errors("GET", path, 304, kept.headers, kept.body) == []
        other = await app.request("GET", path, player=player, headers={"if-none-match": '"x"'})
        assert (first.status, other.status) == (200, 200)
