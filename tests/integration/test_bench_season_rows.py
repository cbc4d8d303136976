"""Both rivals store the same season, and the naive one says what the service would say."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.routing import Route

from app.catalogue.loadtest import generate_catalogue
from app.catalogue.parse import parse_catalogue
from app.domain.goal import Catalogue
from app.domain.player import Player
from app.domain.view import view_of
from benchmarks.rules.row_per_goal import RowPerGoal
from benchmarks.rules.season_rows import SEASON_PREFIX, SeasonRows
from benchmarks.rules.served import Served, served

PLAYER = f"{SEASON_PREFIX}000001"


@pytest.fixture
def catalogue_path(tmp_path: Path) -> Path:
    path = tmp_path / "challenges.json"
    path.write_bytes(generate_catalogue(all_default=True))
    return path


@pytest.fixture
def catalogue(catalogue_path: Path) -> Catalogue:
    return parse_catalogue(catalogue_path.read_bytes()).catalogue


@pytest.fixture
async def rows(database_url: str, catalogue_path: Path) -> SeasonRows:
    made = SeasonRows(database_url, catalogue_path, 2)
    await made.fill()
    return made


@pytest.fixture
async def naive(database_url: str, catalogue: Catalogue) -> AsyncIterator[AsyncClient]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        handlers = RowPerGoal(catalogue, pool)
        routes = [
            Route("/list", handlers.list_all),
            Route("/initialize", handlers.initialize, methods=["POST"]),
        ]
        transport = ASGITransport(Starlette(routes=routes))
        async with AsyncClient(transport=transport, base_url="http://naive") as client:
            yield client


async def read(to: Served) -> Player:
    return (await to.players.read_many([PLAYER])).players[PLAYER]


async def test_both_say_the_same_of_the_same_season(
    rows: SeasonRows, naive: AsyncClient, database_url: str, catalogue: Catalogue
) -> None:
    async with served(database_url, catalogue) as to:
        player = await read(to)
        plan, template = await to.served.cohort(player.revisions)
        seen = view_of(to.served.rules, plan, player, player.changed_at_ms)
    answer = await naive.get("/list", headers={"x-mock-user-id": PLAYER})
    assert answer.json() == json.loads(template.list_answer(seen.states, seen.now_ms))


async def test_the_naive_one_writes_a_row_per_goal_and_does_so_once(
    rows: SeasonRows, naive: AsyncClient, database_url: str
) -> None:
    new = {"x-mock-user-id": "new"}
    first, second = [(await naive.post("/initialize", headers=new)).json() for _ in range(2)]
    assert (first["newAssignments"], second["newAssignments"]) == (500, 0)
    assert first["assignedGoals"] == second["assignedGoals"]
    connection = await asyncpg.connect(database_url)
    count = "select count(*) from bench.player_goal where player = $1"
    assert await connection.fetchval(count, "new") == 500
    await connection.close()


async def test_what_first_calls_left_behind_goes_and_the_season_stays(
    rows: SeasonRows, naive: AsyncClient, database_url: str
) -> None:
    await naive.post("/initialize", headers={"x-mock-user-id": "new"})
    await rows.refill_goal_rows()
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select count(*) from bench.player_goal") == 1_000
    await connection.close()
