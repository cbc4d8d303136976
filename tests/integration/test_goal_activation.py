"""One goal is switched on and off, on a real database; and what a client does wrong with it."""

from collections.abc import AsyncIterator

import pytest

from app.domain.facts import Assignment
from app.domain.player import Player
from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange

SNOWMEN = ("winter-challenge-2025", "kill-10-snowmen")
TUTORIAL = ("winter-challenge-2025", "complete-tutorial")
MARCH_MS = 1_772_798_400_000  # 2026-03-06T12:00:00Z


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    async with App(settings_for(), database_url) as running:
        yield running


async def put(app: App, goal: tuple[str, str], body: bytes) -> Exchange:
    challenge_id, goal_id = goal
    return await app.request(
        "PUT", f"{V1}/challenges/{challenge_id}/goals/{goal_id}/active", body=body
    )


async def version(app: App) -> int:
    stored = (await app.players.read_many(["alice"])).players
    return stored["alice"].version if stored else 0


async def active(app: App) -> set[str]:
    shown = await app.request("GET", f"{V1}/challenges?active_only=true")
    return {goal["goalId"] for each in shown.json["challenges"] for goal in each["goals"]}


async def test_a_goal_goes_on_and_off_and_says_when_it_was_assigned(app: App) -> None:
    on = await put(app, SNOWMEN, b'{"isActive": true}')
    assert on.status == 200
    assert on.headers["content-type"] == "application/json"
    assigned_at = on.json["assignedAt"]
    assert on.json == {
        "challengeId": "winter-challenge-2025",
        "goalId": "kill-10-snowmen",
        "isActive": True,
        "assignedAt": assigned_at,
        "message": "Goal activated successfully",
    }
    assert await active(app) == {"kill-10-snowmen"}
    off = await put(app, SNOWMEN, b'{"isActive": false}')
    assert off.json["isActive"] is False
    assert off.json["assignedAt"] == assigned_at
    assert off.json["message"] == "Goal deactivated successfully"
    assert await active(app) == set()


async def test_what_was_given_keeps_the_instant_that_it_was_given_at(app: App) -> None:
    revision = app.served.revision
    given = (Assignment(revision, MARCH_MS),)
    await app.players.insert_many([Player("alice", MARCH_MS, MARCH_MS, 0, 1, given)])
    for body in (b'{"isActive": true}', b'{"isActive": false}', b'{"isActive": false}'):
        answer = await put(app, TUTORIAL, body)
        assert answer.json["assignedAt"] == "2026-03-06T12:00:00Z"
    again = await put(app, TUTORIAL, b'{"isActive": true}')
    assert again.json["assignedAt"] > "2026-03-06T12:00:00Z"


async def test_a_goal_that_was_never_assigned_has_no_instant_and_stays_refused(app: App) -> None:
    answer = await put(app, TUTORIAL, b"{}")
    assert answer.json["isActive"] is False
    assert answer.json["assignedAt"] == ""
    first = await app.request("POST", f"{V1}/challenges/initialize")
    assert first.json["newAssignments"] == first.json["totalActive"] == 9
    assert "complete-tutorial" not in await active(app)


async def test_a_selection_before_the_first_initialize_does_not_cost_the_defaults(
    app: App,
) -> None:
    await put(app, SNOWMEN, b'{"isActive": true}')
    first = await app.request("POST", f"{V1}/challenges/initialize")
    assert (first.json["newAssignments"], first.json["totalActive"]) == (10, 11)


async def test_only_what_changes_something_is_written(app: App) -> None:
    bodies = [b'{"isActive": true}'] * 2 + [b'{"isActive": false}'] * 2
    versions = []
    for body in bodies:
        await put(app, SNOWMEN, body)
        versions.append(await version(app))
    assert versions == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("body", "is_active"),
    [
        (b'{"isActive": true}', True),
        (b'{"is_active": true}', True),
        (b'{"isActive": true, "x": [1], "isactive": false}', True),
        (b'{"isActive": true, "challengeId": "x", "goal_id": 7}', True),
        (b' {"isActive":\ttrue}\r\n', True),
        (b"{}", False),
        (b'{"isActive": null}', False),
        (b'{"is_active": null}', False),
        (b'{"is_active": false}', False),
    ],
)
async def test_the_body_is_read_as_in_the_contract(app: App, body: bytes, is_active: bool) -> None:
    answer = await put(app, SNOWMEN, body)
    assert answer.status == 200
    assert answer.json["isActive"] is is_active


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"true"',
        b"\xef\xbb\xbf{}",
        b'{"isActive": true} x',
        b'{"isActive": "true"}',
        b'{"isActive": 1}',
        b'{"isActive": true, "isActive": true}',
        b'{"isActive": true, "is_active": true}',
        b'{"isActive": true, "is_active": null}',
        b'{"isActive": true, "x": "\xff"}',
        b'{"isActive": tru}',
        b"{'isActive': true}",
    ],
)
async def test_a_body_that_cannot_be_read_is_told_and_changes_nothing(
    app: App, body: bytes
) -> None:
    answer = await put(app, SNOWMEN, body)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json["code"], answer.json["reason"]) == (3, "bad_request")
    assert "proto" not in answer.json["message"]
    assert await version(app) == 0


@pytest.mark.parametrize(
    ("challenge_id", "goal_id", "message"),
    [
        (
            "winter-challenge-2025",
            "nope",
            "goal 'nope' not found in challenge 'winter-challenge-2025'",
        ),
        ("nope", "nope2", "goal 'nope2' not found in challenge 'nope'"),
        (
            "winter-challenge-2025",
            "login-today",
            "goal 'login-today' does not belong to challenge 'winter-challenge-2025'",
        ),
        ("nope", "login-today", "goal 'login-today' does not belong to challenge 'nope'"),
        (
            "winter-challenge-2025",
            "nul\0",
            "goal 'nul\0' not found in challenge 'winter-challenge-2025'",
        ),
        (
            "c" * 10_000,
            "g" * 10_000,
            f"goal '{'g' * 100}…' not found in challenge '{'c' * 100}…'",
        ),
    ],
)
async def test_a_goal_that_is_not_there_is_told_by_the_contracts_message(
    app: App, challenge_id: str, goal_id: str, message: str
) -> None:
    answer = await put(app, (challenge_id, goal_id), b'{"isActive": true}')
    assert answer.status == 404
    assert (answer.json["code"], answer.json["errorCode"]) == (5, "GOAL_NOT_FOUND")
    assert answer.json["message"] == message
    assert answer.json["details"] == []
    assert await version(app) == 0


async def test_without_an_identity_nothing_is_decided(app: App) -> None:
    path = f"{V1}/challenges/winter-challenge-2025/goals/kill-10-snowmen/active"
    answer = await app.request("PUT", path, player=None, body=b'{"isActive": true}')
    assert (answer.status, answer.json["code"]) == (401, 16)
