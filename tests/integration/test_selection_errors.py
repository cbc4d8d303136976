"""What a client does wrong with selections: told in the contract's order and words."""

from collections.abc import AsyncIterator

import pytest

from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange

DAILY = "daily-challenges"


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    async with App(settings_for(), database_url) as running:
        yield running


async def post(app: App, route: str, body: bytes, challenge_id: str = DAILY) -> Exchange:
    return await app.request("POST", f"{V1}/challenges/{challenge_id}/goals/{route}", body=body)


async def is_known(app: App) -> bool:
    return bool((await app.players.read_many(["alice"])).players)


@pytest.mark.parametrize(
    ("body", "challenge_id", "status", "error_code", "message"),
    [
        (b"{}", DAILY, 400, "BAD_REQUEST", "goal_ids cannot be empty"),
        (b'{"goalIds":[]}', DAILY, 400, "BAD_REQUEST", "goal_ids cannot be empty"),
        (b'{"goal_ids":[]}', DAILY, 400, "BAD_REQUEST", "goal_ids cannot be empty"),
        (b'{"goalIds":null}', DAILY, 400, "BAD_REQUEST", "goal_ids cannot be empty"),
        (b'{"goalIds":[]}', "nope", 400, "BAD_REQUEST", "goal_ids cannot be empty"),
        (b'{"goalIds":["x"]}', "nope", 404, "CHALLENGE_NOT_FOUND", "challenge 'nope' not found"),
        (b'{"goalIds":["x"]}', DAILY, 404, "GOAL_NOT_FOUND", "goal 'x' not found"),
        (b'{"goalIds":[""]}', DAILY, 404, "GOAL_NOT_FOUND", "goal '' not found"),
        (b'{"goalIds":["daily-wins","x"]}', DAILY, 404, "GOAL_NOT_FOUND", "goal 'x' not found"),
        (
            b'{"goalIds":["login-today","x"]}',
            DAILY,
            404,
            "GOAL_NOT_FOUND",
            "goal 'login-today' does not belong to challenge 'daily-challenges'",
        ),
        (
            b'{"goalIds":["daily-wins","daily-login","daily-wins"]}',
            DAILY,
            400,
            "BAD_REQUEST",
            "goal 'daily-wins' is in goal_ids more than once",
        ),
        (
            b'{"goalIds":["daily-wins","daily-wins","x"]}',
            DAILY,
            404,
            "GOAL_NOT_FOUND",
            "goal 'x' not found",
        ),
        (
            b'{"goalIds":["%b"]}' % (b"x" * 10_000),
            DAILY,
            404,
            "GOAL_NOT_FOUND",
            f"goal '{'x' * 100}…' not found",
        ),
    ],
)
async def test_a_batch_that_cannot_be_selected_is_told_and_changes_nothing(
    app: App, body: bytes, challenge_id: str, status: int, error_code: str, message: str
) -> None:
    answer = await post(app, "batch-select", body, challenge_id)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["code"] == {400: 3, 404: 5}[status]
    assert answer.json["errorCode"] == error_code
    assert answer.json["message"] == message
    assert answer.json["details"] == []
    assert not await is_known(app)


@pytest.mark.parametrize(
    ("body", "challenge_id", "status", "error_code", "message"),
    [
        (b"{}", DAILY, 400, "BAD_REQUEST", "count must be greater than 0"),
        (b'{"count":0}', DAILY, 400, "BAD_REQUEST", "count must be greater than 0"),
        (b'{"count":-1}', DAILY, 400, "BAD_REQUEST", "count must be greater than 0"),
        (b'{"count":null}', DAILY, 400, "BAD_REQUEST", "count must be greater than 0"),
        (b'{"count":0}', "nope", 400, "BAD_REQUEST", "count must be greater than 0"),
        (b'{"count":1}', "nope", 404, "CHALLENGE_NOT_FOUND", "challenge 'nope' not found"),
        (b'{"count":1.5}', DAILY, 400, "BAD_REQUEST", "count must be a whole number of 32 bits."),
        (b'{"count":"x"}', DAILY, 400, "BAD_REQUEST", "count must be a whole number of 32 bits."),
        (
            b'{"count":3000000000}',
            DAILY,
            400,
            "BAD_REQUEST",
            "count must be a whole number of 32 bits.",
        ),
    ],
)
async def test_a_draw_that_cannot_be_made_is_told_and_changes_nothing(
    app: App, body: bytes, challenge_id: str, status: int, error_code: str, message: str
) -> None:
    answer = await post(app, "random-select", body, challenge_id)
    assert answer.status == status
    assert answer.json["code"] == {400: 3, 404: 5}[status]
    assert answer.json["errorCode"] == error_code
    assert answer.json["message"] == message
    assert not await is_known(app)


@pytest.mark.parametrize("count", [1, 7, 10**9])
async def test_where_nothing_is_left_to_draw_nothing_is_replaced(app: App, count: int) -> None:
    body = b'{"count":99}'
    assert (await post(app, "random-select", body, "challenge-001")).status == 200
    body = b'{"count":%d,"replaceExisting":true}' % count
    answer = await post(app, "random-select", body, "challenge-001")
    assert answer.status == 400
    assert (answer.json["code"], answer.json["errorCode"]) == (3, "INSUFFICIENT_GOALS")
    assert answer.json["message"] == (
        f"INSUFFICIENT_GOALS: no goals available for selection (available: 0, requested: {count})"
    )
    shown = await app.request("GET", f"{V1}/challenges/challenge-001?active_only=true")
    assert len(shown.json["goals"]) == 1


@pytest.mark.parametrize("route", ["batch-select", "random-select"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"goalIds":[',
        b'{"goalIds":["daily-wins"],"count":1} x',
        b'\xef\xbb\xbf{"goalIds":["daily-wins"],"count":1}',
        b'{"goalIds":["daily-wins"],"count":1,"x":"\xff"}',
        b'{"goalIds":["daily-wins"],"count":1,"replaceExisting":"yes"}',
        b'{"goalIds":["daily-wins"],"count":1,"replaceExisting":true,"replace_existing":true}',
        b'{"goalIds":"daily-wins","count":[1]}',
        b'{"goalIds":[1],"count":true}',
        b'{"goalIds":["daily-wins"],"goal_ids":["daily-wins"],"count":1,"count":1}',
    ],
)
async def test_a_body_that_cannot_be_read_is_told_and_changes_nothing(
    app: App, route: str, body: bytes
) -> None:
    answer = await post(app, route, body)
    assert answer.status == 400
    assert (answer.json["code"], answer.json["reason"]) == (3, "bad_request")
    assert not await is_known(app)


@pytest.mark.parametrize("route", ["batch-select", "random-select"])
async def test_without_an_identity_nothing_is_selected(app: App, route: str) -> None:
    path = f"{V1}/challenges/{DAILY}/goals/{route}"
    answer = await app.request("POST", path, player=None, body=b'{"count":1,"goalIds":["a"]}')
    assert (answer.status, answer.json["code"]) == (401, 16)
