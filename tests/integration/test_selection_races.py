"""Decisions of one player meet each other, and an initialize, on two pods and a real database."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest

from app.domain.player import Player, Players, PlayersRead
from app.services.challenges import ChallengeService
from app.services.contention import ROUNDS_MAX
from app.services.selections import SelectionService
from tests.app import V1, App, FakeApp, sample_catalogue, settings_for
from tests.asgi_client import Exchange
from tests.database import run_sql
from tests.fakes import FakePlayers

DAILY = f"{V1}/challenges/daily-challenges"
IN_DAILY = [
    goal.goal_id for goal in sample_catalogue().goals if goal.challenge_id == "daily-challenges"
]
PLAYERS = ("ann", "bob", "cid")
CALLS = 10


@pytest.fixture
async def pods(database_url: str) -> AsyncIterator[list[App]]:
    settings = settings_for(ADMISSION_MODE="off", DATABASE_POOL_SIZE="8")
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(App(settings, database_url)) for _ in range(2)]


async def at_once(pods: list[App], player: str, *calls: tuple[str, str, Any]) -> list[Exchange]:
    """Send all these calls of one player at once, to the pods in turn."""
    batch = {"content-type": "application/cloudevents-batch+json"}
    return await asyncio.gather(
        *(
            pod.request(method, path, player=player, body=json.dumps(body).encode(), headers=batch)
            for pod, (method, path, body) in zip(cycle(pods), calls, strict=False)
        )
    )


async def active(pods: list[App], player: str, path: str = DAILY) -> list[str]:
    shown = await pods[0].request("GET", f"{path}?active_only=true", player=player)
    return [goal["goalId"] for goal in shown.json["goals"]]


async def version(pods: list[App], player: str) -> int:
    players: Players = pods[0].players
    return (await players.read_many([player])).players[player].version


async def test_first_activations_at_once_all_succeed(pods: list[App]) -> None:
    calls = [("PUT", f"{DAILY}/goals/{goal}/active", {"isActive": True}) for goal in IN_DAILY]
    assert len(calls) == CALLS
    for player in PLAYERS:
        answers = await at_once(pods, player, *calls)
        assert {answer.status for answer in answers} == {200}
        assert await active(pods, player) == IN_DAILY
        assert await version(pods, player) == CALLS


async def test_activations_of_one_goal_at_once_are_one(pods: list[App]) -> None:
    call = ("PUT", f"{DAILY}/goals/daily-wins/active", {"isActive": True})
    for player in PLAYERS:
        answers = await at_once(pods, player, *[call] * CALLS)
        assert len({answer.body for answer in answers}) == 1
        assert await version(pods, player) == 1


async def test_batches_that_replace_each_other_leave_one_of_them(pods: list[App]) -> None:
    pairs = [IN_DAILY[first : first + 2] for first in range(0, 10, 2)]
    path = f"{DAILY}/goals/batch-select"
    calls = [("POST", path, {"goalIds": pair, "replaceExisting": True}) for pair in pairs * 2]
    for player in PLAYERS:
        answers = await at_once(pods, player, *calls)
        assert {answer.json["totalActiveGoals"] for answer in answers} == {2}
        assert await active(pods, player) in pairs


async def test_draws_that_replace_each_other_never_leave_more_than_were_asked_for(
    pods: list[App],
) -> None:
    call = ("POST", f"{DAILY}/goals/random-select", {"count": 3, "replaceExisting": True})
    for player in PLAYERS:
        answers = await at_once(pods, player, *[call] * CALLS)
        assert {answer.json["totalActiveGoals"] for answer in answers} == {3}
        drawn = [[goal["goalId"] for goal in answer.json["selectedGoals"]] for answer in answers]
        assert await active(pods, player) in drawn
        assert await version(pods, player) == CALLS


async def test_draws_beside_the_active_ones_never_take_one_twice(pods: list[App]) -> None:
    call = ("POST", f"{DAILY}/goals/random-select", {"count": 1, "excludeActive": True})
    for player in PLAYERS:
        answers = await at_once(pods, player, *[call] * CALLS)
        drawn = [answer.json["selectedGoals"][0]["goalId"] for answer in answers]
        assert sorted(drawn) == sorted(IN_DAILY)
        totals = sorted(answer.json["totalActiveGoals"] for answer in answers)
        assert totals == list(range(1, CALLS + 1))


async def test_an_initialize_and_decisions_at_once_fit_one_order(pods: list[App]) -> None:
    winter = f"{V1}/challenges/winter-challenge-2025"
    calls = [
        ("PUT", f"{winter}/goals/complete-tutorial/active", {"isActive": False}),
        ("POST", f"{V1}/challenges/initialize", {}),
        ("PUT", f"{winter}/goals/kill-10-snowmen/active", {"isActive": True}),
        ("POST", f"{V1}/challenges/initialize", {}),
    ]
    for number in range(12):
        player = f"player-{number}"
        refused, first, _, second = await at_once(pods, player, *calls)
        assert await active(pods, player, winter) == ["kill-10-snowmen"]
        told = sorted(answer.json["newAssignments"] for answer in (first, second))
        # A refusal that came first is no new goal; otherwise all ten are.
        assert told == [0, 10 if refused.json["assignedAt"] else 9]


async def test_events_beside_a_deactivation_are_counted_up_to_it_and_none_is_lost(
    pods: list[App],
) -> None:
    """Progress is frozen as it was then; the stat itself goes on."""
    goal = f"{DAILY}/goals/daily-10-kills/active"
    for number in range(8):
        player = f"player-{number}"
        await at_once(pods, player, ("PUT", goal, {"isActive": True}))
        calls: list[tuple[str, str, Any]] = [
            ("POST", f"{V1}/events", [kill(player, count)]) for count in range(1, 7)
        ]
        calls.insert(3, ("PUT", goal, {"isActive": False}))
        answers = await at_once(pods, player, *calls)
        assert {answer.status for answer in answers} == {200}
        players: Players = pods[0].players
        facts = (await players.read_many([player])).players[player]
        assert facts.stats["statistic:enemy_kills"].value == 6
        progress = await shown_progress(pods, player, "daily-10-kills")
        assert 0 <= progress <= 6
        await at_once(pods, player, ("POST", f"{V1}/events", [kill(player, 9)]))
        assert await shown_progress(pods, player, "daily-10-kills") == progress


def kill(player: str, count: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{player}-{count}",
        "source": "test",
        "type": "headrace.statistic",
        "subject": player,
        "time": (datetime.now(UTC) - timedelta(seconds=60 - count)).isoformat(),
        "namespace": "local",
        "data": {"statCode": "enemy_kills", "latestValue": count, "inc": 1},
    }


async def shown_progress(pods: list[App], player: str, goal_id: str) -> int:
    shown = await pods[0].request("GET", DAILY, player=player)
    [goal] = [goal for goal in shown.json["goals"] if goal["goalId"] == goal_id]
    progress: int = goal["progress"]
    return progress


async def test_a_decision_about_a_player_who_is_deleted_meanwhile_is_one_about_a_new_one(
    database_url: str, pods: list[App]
) -> None:
    """The new row can have the version that was read; what was deleted must not come back."""
    path = f"{DAILY}/goals/daily-wins/active"
    await at_once(pods, "ann", ("PUT", path, {"isActive": True}))
    players = pods[0].players

    class DeletedMeanwhile:
        """Another pod deletes the player, who comes back, between the read and the write."""

        is_new = False

        async def read_many(self, ids: Collection[str]) -> PlayersRead:
            read: PlayersRead = await players.read_many(ids)
            if not self.is_new:
                self.is_new = True
                await asyncio.to_thread(run_sql, database_url, "delete from player")
                await pods[1].request("POST", f"{V1}/challenges/initialize", player="ann")
            return read

        def __getattr__(self, name: str) -> Any:
            return getattr(players, name)

    rows: Any = DeletedMeanwhile()
    challenges = ChallengeService(rows, pods[0].served)
    pods[0].state["selections"] = SelectionService(rows, challenges)
    path = f"{DAILY}/goals/daily-login/active"
    [answer] = await at_once(pods, "ann", ("PUT", path, {"isActive": True}))
    assert answer.status == 200
    assert await active(pods, "ann") == ["daily-login"]


class Contended(FakePlayers):
    """Rows that somebody else has always written meanwhile."""

    tries = 0

    async def update_goals(self, player: Player) -> bool:
        self.tries += 1
        return False


async def test_who_always_loses_is_told_to_return_and_nothing_is_written() -> None:
    app, players = FakeApp(1_800_000_000_000), Contended()
    await app.publish(sample_catalogue())
    await players.insert_many([Player.unknown("ann", 1)])
    challenges = ChallengeService(players, app.served)
    app.state["selections"] = SelectionService(players, challenges)
    answer = await app.request(
        "PUT", f"{DAILY}/goals/daily-wins/active", player="ann", body=b'{"isActive":true}'
    )
    assert (answer.status, answer.json["reason"]) == (503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert 200 <= answer.json["retry_after_ms"] <= 1000
    assert (players.tries, players.writes) == (ROUNDS_MAX, 1)
