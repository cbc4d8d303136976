"""The moment of a decision is the database's, and never before what was written already."""

from tests.app import V1, FakeApp, sample_catalogue

DAILY = f"{V1}/challenges/daily-challenges"
NOON_MS = 1_772_798_400_000  # 2026-03-06T12:00:00Z
HOUR_MS = 3_600_000


async def activate(app: FakeApp, goal_id: str) -> str:
    answer = await app.request("PUT", f"{DAILY}/goals/{goal_id}/active", body=b'{"isActive":true}')
    assigned_at: str = answer.json["assignedAt"]
    return assigned_at


async def test_a_clock_that_steps_back_does_not_take_a_player_back() -> None:
    app = FakeApp(NOON_MS)
    await app.publish(sample_catalogue())
    assert await activate(app, "daily-login") == "2026-03-06T12:00:00Z"
    app.players.clock_ms = NOON_MS + HOUR_MS
    assert await activate(app, "daily-wins") == "2026-03-06T13:00:00Z"
    app.players.clock_ms = NOON_MS - HOUR_MS
    assert await activate(app, "daily-10-kills") == "2026-03-06T13:00:00Z"


async def test_an_activation_that_changes_nothing_keeps_the_first_moment() -> None:
    app = FakeApp(NOON_MS)
    await app.publish(sample_catalogue())
    await activate(app, "daily-login")
    app.players.clock_ms = NOON_MS + HOUR_MS
    assert await activate(app, "daily-login") == "2026-03-06T12:00:00Z"
    path = f"{DAILY}/goals/batch-select"
    body = b'{"goalIds":["daily-login","daily-wins"],"replaceExisting":true}'
    answer = await app.request("POST", path, body=body)
    times = [goal["assignedAt"] for goal in answer.json["selectedGoals"]]
    assert times == ["2026-03-06T12:00:00Z", "2026-03-06T13:00:00Z"]
