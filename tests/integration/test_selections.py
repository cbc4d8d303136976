"""Goals are selected by name and at random, on a real database."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.domain.facts import GoalFacts
from app.domain.player import Player
from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange

DAILY = "daily-challenges"
MARCH_MS = 1_772_798_400_000  # 2026-03-06T12:00:00Z
IN_DAILY = [
    "daily-login",
    "daily-10-kills",
    "daily-3-matches",
    "daily-headshots",
    "daily-wins",
    "daily-20-kills",
    "daily-5-matches",
    "daily-10-headshots",
    "daily-extra-challenge-001-goal-01",
    "daily-extra-challenge-001-goal-02",
]
COMPLETED = GoalFacts(active=True, assigned_at_ms=MARCH_MS, carry=12, completed_at_ms=MARCH_MS)
CLAIMED = GoalFacts(
    active=True,
    assigned_at_ms=MARCH_MS,
    carry=12,
    completed_at_ms=MARCH_MS,
    claimed_at_ms=MARCH_MS,
)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    async with App(settings_for(), database_url) as running:
        yield running


async def batch(app: App, *goal_ids: str, challenge_id: str = DAILY, **body: Any) -> Exchange:
    body = {"goalIds": goal_ids, **body}
    path = f"{V1}/challenges/{challenge_id}/goals/batch-select"
    return await app.request("POST", path, body=json.dumps(body).encode())


async def draw(app: App, count: Any, challenge_id: str = DAILY, **body: Any) -> Exchange:
    body = {"count": count, **body}
    path = f"{V1}/challenges/{challenge_id}/goals/random-select"
    return await app.request("POST", path, body=json.dumps(body).encode())


async def make_player(app: App, **goals: GoalFacts) -> None:
    """Make alice known, with facts of goals; `_` in a name stands for `-`."""
    facts = {name.replace("_", "-"): each for name, each in goals.items()}
    player = Player("alice", MARCH_MS, MARCH_MS, 0, 0, (), goals=facts)
    assert await app.players.insert_many([player])


async def active(app: App, challenge_id: str = DAILY) -> list[str]:
    shown = await app.request("GET", f"{V1}/challenges/{challenge_id}?active_only=true")
    return [goal["goalId"] for goal in shown.json["goals"]]


def selected(answer: Exchange) -> list[str]:
    return [goal["goalId"] for goal in answer.json["selectedGoals"]]


async def version(app: App) -> int:
    stored = (await app.players.read_many(["alice"])).players
    return stored["alice"].version if stored else 0


async def test_a_selection_tells_every_member_in_the_order_asked_for(app: App) -> None:
    answer = await batch(app, "daily-10-kills", "daily-login")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    first, second = answer.json["selectedGoals"]
    assert first == {
        "goalId": "daily-10-kills",
        "name": "Clear the Road",
        "description": "Beat ten enemies.",
        "requirement": {"statCode": "enemy_kills", "operator": ">=", "targetValue": 10},
        "reward": {"type": "WALLET", "rewardId": "GEMS", "quantity": 50},
        "status": "not_started",
        "progress": 0,
        "target": 10,
        "isActive": True,
        "assignedAt": first["assignedAt"],
        "expiresAt": "",
    }
    assert second["goalId"] == "daily-login"
    assert second["assignedAt"] == first["assignedAt"] != ""
    assert answer.json | {"selectedGoals": []} == {
        "selectedGoals": [],
        "challengeId": DAILY,
        "totalActiveGoals": 2,
        "replacedGoals": [],
    }
    assert await active(app) == ["daily-login", "daily-10-kills"]


async def test_a_rotating_goal_tells_when_it_turns(app: App) -> None:
    answer = await batch(app, "weekly-challenges-goal-01", challenge_id="weekly-challenges")
    turns = await app.request("GET", f"{V1}/challenges/weekly-challenges/rotation")
    [goal] = answer.json["selectedGoals"]
    assert goal["expiresAt"] == turns.json["rotation"]["currentPeriod"]["endTime"]


async def test_progress_and_status_are_the_true_ones(app: App) -> None:
    await make_player(
        app,
        daily_10_kills=CLAIMED,
        daily_headshots=GoalFacts(active=False, assigned_at_ms=MARCH_MS, carry=3),
    )
    answer = await batch(app, "daily-headshots", "daily-10-kills")
    won, claimed = answer.json["selectedGoals"]
    assert (won["status"], won["progress"]) == ("in_progress", 3)
    assert (claimed["status"], claimed["progress"]) == ("claimed", 12)
    # What was active already was not assigned anew.
    assert claimed["assignedAt"] == "2026-03-06T12:00:00Z" < won["assignedAt"]


async def test_totals_are_of_the_challenge_and_of_what_is_active_then(app: App) -> None:
    await app.request("POST", f"{V1}/challenges/initialize")
    assert (await batch(app, "daily-login")).json["totalActiveGoals"] == 1
    assert (await batch(app, "daily-login")).json["totalActiveGoals"] == 1
    assert (await batch(app, "daily-wins")).json["totalActiveGoals"] == 2
    winter = await batch(app, "reach-level-5", challenge_id="winter-challenge-2025")
    assert winter.json["totalActiveGoals"] == 2
    assert await version(app) == 4


async def test_what_is_replaced_goes_and_is_told_in_catalogue_order(app: App) -> None:
    await batch(app, "daily-wins", "daily-login", "daily-10-kills")
    answer = await batch(app, "daily-headshots", "daily-wins", replaceExisting=True)
    assert selected(answer) == ["daily-headshots", "daily-wins"]
    assert answer.json["replacedGoals"] == ["daily-login", "daily-10-kills", "daily-wins"]
    assert answer.json["totalActiveGoals"] == 2
    assert await active(app) == ["daily-headshots", "daily-wins"]


async def test_what_is_completed_stays_active_so_that_it_can_be_claimed(app: App) -> None:
    await make_player(app, daily_wins=COMPLETED, daily_10_kills=CLAIMED)
    answer = await batch(app, "daily-login", replace_existing=True)
    assert answer.json["replacedGoals"] == ["daily-10-kills"]
    assert answer.json["totalActiveGoals"] == 2
    assert await active(app) == ["daily-login", "daily-wins"]


async def test_a_selection_of_what_is_so_already_writes_nothing(app: App) -> None:
    first = await batch(app, "daily-login")
    second = await batch(app, "daily-login", replaceExisting=True)
    assert second.json["replacedGoals"] == ["daily-login"]
    assert second.json["selectedGoals"] == first.json["selectedGoals"]
    assert await version(app) == 1


async def test_a_draw_is_of_the_size_asked_for_and_in_catalogue_order(app: App) -> None:
    answer = await draw(app, 4)
    assert len(set(selected(answer))) == 4
    assert selected(answer) == [goal for goal in IN_DAILY if goal in selected(answer)]
    assert answer.json["totalActiveGoals"] == 4
    assert await active(app) == selected(answer)


@pytest.mark.parametrize("count", [10, 11, 10**9, 2**31 - 1, 10.0, "10"])
async def test_a_draw_of_more_than_there_are_takes_all(app: App, count: float | str) -> None:
    answer = await draw(app, count)
    assert selected(answer) == IN_DAILY
    assert answer.json["totalActiveGoals"] == 10


async def test_a_draw_leaves_out_what_is_done_or_locked(app: App) -> None:
    await make_player(app, kill_10_snowmen=COMPLETED, daily_wins=CLAIMED)
    winter = await draw(app, 9, challenge_id="winter-challenge-2025")
    assert selected(winter) == ["complete-tutorial", "reach-level-5"]
    assert selected(await draw(app, 99)) == [goal for goal in IN_DAILY if goal != "daily-wins"]


@pytest.mark.parametrize("flag", ["excludeActive", "exclude_active", "replaceExisting"])
async def test_a_draw_beside_or_in_place_of_the_active_ones_takes_others(
    app: App, flag: str
) -> None:
    await batch(app, "daily-login", "daily-wins")
    flags: dict[str, Any] = {flag: True}
    answer = await draw(app, 99, **flags)
    others = [goal for goal in IN_DAILY if goal not in {"daily-login", "daily-wins"}]
    assert selected(answer) == others
    replaced = ["daily-login", "daily-wins"] if flag == "replaceExisting" else []
    assert answer.json["replacedGoals"] == replaced
    assert answer.json["totalActiveGoals"] == (8 if replaced else 10)


async def test_without_a_flag_a_draw_may_meet_what_is_active(app: App) -> None:
    await batch(app, "daily-login")
    assert (await draw(app, 99)).json["totalActiveGoals"] == 10


async def test_every_goal_is_drawn_at_some_time(app: App) -> None:
    drawn: set[str] = set()
    for _ in range(40):  # half of them each time: one is missing in one of 1e11 runs
        drawn |= set(selected(await draw(app, 5)))
    assert drawn == set(IN_DAILY)
