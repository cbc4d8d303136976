"""The list, one challenge of it, and its rotation, on a real database."""

from collections.abc import AsyncIterator

import pytest

from tests.app import V1, App, settings_for

LIST = f"{V1}/challenges"


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    async with App(settings_for(), database_url) as running:
        yield running


@pytest.mark.parametrize("player", ["alice", "stranger"])
async def test_one_challenge_is_the_lists_object(app: App, player: str) -> None:
    await app.request("POST", f"{LIST}/initialize")
    one = await app.request("GET", f"{LIST}/winter-challenge-2025", player=player)
    assert one.status == 200
    assert one.headers["content-type"] == "application/json"
    assert one.json["challengeId"] == "winter-challenge-2025"
    assert one.body in (await app.request("GET", LIST, player=player)).body


async def test_a_challenge_without_an_active_goal_is_shown_without_goals(app: App) -> None:
    """The list leaves it out; who asks for it by name is told that it is there."""
    path = f"{LIST}/daily-quests?active_only=true"
    shown = await app.request("GET", path)
    assert shown.status == 200
    assert shown.json["challengeId"] == "daily-quests"
    assert shown.json["goals"] == []
    body = b'{"isActive":true}'
    await app.request("PUT", f"{LIST}/daily-quests/goals/play-3-matches/active", body=body)
    shown = await app.request("GET", path)
    assert [goal["goalId"] for goal in shown.json["goals"]] == ["play-3-matches"]


@pytest.mark.parametrize("suffix", ["", "/rotation"])
@pytest.mark.parametrize(
    "challenge_id", ["nope", "initialize ", "nul\0", "x" * 10_000, "\ufffd", "{challenge_id}"]
)
async def test_a_challenge_that_is_not_there_is_told_by_its_name(
    app: App, challenge_id: str, suffix: str
) -> None:
    answer = await app.request("GET", f"{LIST}/{challenge_id}{suffix}")
    assert answer.status == 404
    assert answer.json["code"] == 5
    assert answer.json["errorCode"] == "CHALLENGE_NOT_FOUND"
    assert answer.json["message"].startswith(f"challenge not found: {challenge_id[:100]}")
    assert len(answer.body) < 1000


async def test_a_rotation_is_the_same_for_everybody_and_not_kept(app: App) -> None:
    answer = await app.request("GET", f"{LIST}/rotation-daily/rotation")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["challengeId"] == "rotation-daily"
    rotation = answer.json["rotation"]
    assert (rotation["enabled"], rotation["type"], rotation["schedule"]) == (
        True,
        "global",
        "daily",
    )
    current, following = rotation["currentPeriod"], rotation["nextPeriod"]
    assert current["endTime"] == following["startTime"] > current["startTime"]
    assert 0 <= current["expiresInSeconds"] <= 86_400
    assert following["expiresInSeconds"] == 0
    without = await app.request("GET", f"{LIST}/daily-quests/rotation", player="stranger")
    assert without.json["rotation"] == {
        "enabled": False,
        "type": "",
        "schedule": "",
        "currentPeriod": None,
        "nextPeriod": None,
    }


async def test_a_known_and_an_unknown_player_are_not_sent_the_same_again(app: App) -> None:
    for player in ("alice", "stranger"):
        await app.request("POST", f"{LIST}/initialize")
        shown = await app.request("GET", LIST, player=player)
        kept = {"if-none-match": shown.headers["etag"]}
        assert (await app.request("GET", LIST, player=player, headers=kept)).status == 304
