"""Every operation runs at once with itself, all others, and the turn of the day.

What was written must tell of one order of them all.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import pytest

from app.domain.event import Event
from app.domain.goal import (
    Catalogue,
    Challenge,
    Goal,
    Mode,
    Requirement,
    Rotation,
    Schedule,
    Source,
)
from app.domain.period import DAY_MS
from db.players import to_player
from tests import serial_history as serial
from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange
from tests.catalogues import make_catalogue, make_goal
from tests.database import run_sql
from tests.events import as_batch, login, statistic

DAILY = Rotation(Schedule.DAILY, reset_progress=True, allow_reselection=True)
PLAYERS = ("ann", "bob", "cid")
GOALS: dict[str, list[Goal]] = {
    "first": [
        make_goal("easy", default=True, requirement=Requirement("wins", ">=", 2)),
        make_goal("hard", requirement=Requirement("wins", ">=", 40)),
        make_goal("gated", prerequisites=("easy",), requirement=Requirement("wins", ">=", 3)),
        make_goal("kills", requirement=Requirement("kills", ">=", 2)),
    ],
    "second": [
        make_goal(
            "come",
            default=True,
            source=Source.LOGIN,
            requirement=Requirement("login", ">=", 1, Mode.RELATIVE),
            rotation=DAILY,
        ),
        make_goal("stay", source=Source.LOGIN, requirement=Requirement("login", ">=", 3)),
        make_goal("other", prerequisites=("kills",), requirement=Requirement("kills", ">=", 5)),
    ],
}
CHALLENGE_OF = {goal.goal_id: name for name, goals in GOALS.items() for goal in goals}


def two_challenges() -> Catalogue:
    challenges = tuple(
        Challenge(
            name,
            name,
            "",
            tuple(make_goal(goal.goal_id, **_fields(goal, challenge_id=name)) for goal in goals),
        )
        for name, goals in GOALS.items()
    )
    whole = make_catalogue(*(goal for challenge in challenges for goal in challenge.goals))
    return Catalogue(challenges, whole.digest)


def _fields(goal: Goal, **changes: Any) -> dict[str, Any]:
    fields = {name: getattr(goal, name) for name in goal.__struct_fields__ if name != "goal_id"}
    return fields | changes


class Crowd:
    """Calls of every kind, sent to two pods at once; what was answered 200 is kept by player."""

    def __init__(self, pods: list[App], seed: int) -> None:
        self._pods = pods
        self._dice = random.Random(seed)
        self._ids = map(str, count())
        self._offset = timedelta()
        self._values = dict.fromkeys(("wins", "kills"), 0)
        self.calls: dict[str, list[serial.Call]] = {player: [] for player in PLAYERS}
        self.claims: list[str] = []

    async def send_one(self) -> None:
        player = self._dice.choice(PLAYERS)
        goal_id = self._dice.choice(list(CHALLENGE_OF))
        kinds = (
            self.initialize,
            self.activate,
            self.select,
            self.draw,
            self.claim,
            self.send_events,
        )
        weights = (1, 2, 2, 1, 6, 4)
        await self._dice.choices(kinds, weights)[0](player, goal_id)

    async def initialize(self, player: str, _: str) -> None:
        answer = await self._ask("POST", "/challenges/initialize", player)
        made = answer.json["newAssignments"] > 0
        self._keep(player, "initialize", serial.initializing(answer.json), must_write=made)

    async def activate(self, player: str, goal_id: str) -> None:
        active = self._dice.random() < 0.6
        path = f"/challenges/{CHALLENGE_OF[goal_id]}/goals/{goal_id}/active"
        await self._ask("PUT", path, player, {"isActive": active})
        self._keep(player, f"active {goal_id} {active}", serial.activating(goal_id, active=active))

    async def select(self, player: str, goal_id: str) -> None:
        name = CHALLENGE_OF[goal_id]
        replacing = self._dice.random() < 0.5
        body = {"goalIds": [goal_id], "replaceExisting": replacing}
        answer = await self._ask("POST", f"/challenges/{name}/goals/batch-select", player, body)
        apply = serial.selecting(name, answer.json, replace_existing=replacing)
        self._keep(player, f"select {goal_id} {replacing}", apply)

    async def draw(self, player: str, goal_id: str) -> None:
        name = CHALLENGE_OF[goal_id]
        path = f"/challenges/{name}/goals/random-select"
        answer = await self._ask("POST", path, player, {"count": 1, "replaceExisting": True})
        if answer.status == 200:
            apply = serial.selecting(name, answer.json, replace_existing=True)
            self._keep(player, f"random {name}", apply)

    async def claim(self, player: str, goal_id: str) -> None:
        if self._dice.random() < 0.5:
            goal_id = "come"
        path = f"/challenges/{CHALLENGE_OF[goal_id]}/goals/{goal_id}/claim"
        answer = await self._ask("POST", path, player)
        if answer.status == 200:
            self.claims.append(answer.json["claimId"])
            self._keep(player, f"claim {goal_id}", serial.claiming(goal_id), must_write=True)

    async def send_events(self, *_: str) -> None:
        stat = self._dice.choice(list(self._values))
        self._values[stat] += 1
        value = self._values[stat]
        players = self._dice.sample(PLAYERS, 2)
        at = datetime.now(UTC).replace(microsecond=0) + self._offset
        time = at.isoformat()
        body = [
            one
            for player in players
            for one in (
                statistic(next(self._ids), value, player, stat=stat, time=time),
                login(next(self._ids), player, time=time),
            )
        ]
        content_type, data = as_batch(*body)
        pod = self._dice.choice(self._pods)
        headers = {"content-type": content_type}
        answer = await pod.request("POST", f"{V1}/events", player=None, body=data, headers=headers)
        assert [one["result"] for one in answer.json["results"]] == ["accepted"] * len(body)
        apply = serial.counting(
            Event(Source.STATISTIC, int(at.timestamp()) * 1000, stat, value),
            Event(Source.LOGIN, int(at.timestamp()) * 1000),
        )
        for player in players:
            self._keep(player, "events", apply, must_write=True)

    async def _ask(self, method: str, path: str, player: str, body: Any = None) -> Exchange:
        data = b"" if body is None else json.dumps(body).encode()
        pod = self._dice.choice(self._pods)
        answer = await pod.request(method, V1 + path, player=player, body=data)
        assert answer.status in {200, 400, 409}, answer.json
        return answer

    async def turn_the_day(self) -> None:
        """Move both pods' clocks into the next day, while calls are under way."""
        await asyncio.sleep(0)
        for pod in self._pods:
            pod.state["clock"].offset_ms += DAY_MS
        self._offset += timedelta(days=1)

    def _keep(
        self, player: str, text: str, apply: serial.Apply, *, must_write: bool = False
    ) -> None:
        self.calls[player].append(serial.Call(text, apply, must_write))


@pytest.fixture
async def pods(database_url: str) -> AsyncIterator[list[App]]:
    run_sql(database_url, serial.AUDIT)
    settings = settings_for(ADMISSION_MODE="off", DATABASE_POOL_SIZE="6")
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(App(settings, database_url, two_challenges()))
            for _ in range(2)
        ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_runs_at_once_takes_effect_one_after_another(
    pods: list[App], database_url: str, seed: int
) -> None:
    crowd = Crowd(pods, seed)
    for wave in range(20):
        calls = [crowd.send_one() for _ in range(16)]
        if wave % 4 == 3:
            calls.insert(8, crowd.turn_the_day())
        await asyncio.gather(*calls)
    connection = await asyncpg.connect(database_url)
    rows = [to_player(row) for row in await connection.fetch(serial.WRITTEN)]
    granted = await connection.fetch("select claim_id::text, period from claim")
    await connection.close()
    world = serial.World(pods[0].served)
    for player in PLAYERS:
        history = [row for row in rows if row.player_id == player]
        assert serial.unexplained(world, history, crowd.calls[player]) == []
    assert sorted(row["claim_id"] for row in granted) == sorted(crowd.claims)
    periods = {row["period"] for row in granted}
    assert len(periods - {"once"}) > 1, "a daily reward was claimed on two days"
