"""The naive rival: one row per player and goal, all of them read, and an answer built from them.

`python -m benchmarks.rules.row_per_goal PORT DATABASE_URL CATALOGUE`. It has Starlette's router, a
pool and one statement per step, on plain Hypercorn: no middleware, no gate, no identity but the
header, no batches. So it does less than the service beside its work on the goals.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.catalogue.parse import parse_catalogue
from app.domain.goal import Catalogue, GoalState, Status
from benchmarks.naive import NaiveAnswers
from benchmarks.rules.canned import serve_plainly

POOL_SIZE = 10
UNTOUCHED = GoalState(0, Status.NOT_STARTED, None, None, True, None, False)
NO_ROW = UNTOUCHED._replace(is_active=False)
JSON = "application/json"
COLUMNS = (
    "player",
    "goal",
    "challenge",
    "progress",
    "status",
    "completed_at",
    "claimed_at",
    "is_active",
    "assigned_at",
    "updated_at",
)
TABLE = """
create schema if not exists bench;
create table if not exists bench.player_goal (
    player text collate "C", goal text, challenge text not null, progress integer not null,
    status text not null, completed_at timestamptz, claimed_at timestamptz,
    is_active boolean not null, assigned_at timestamptz, updated_at timestamptz not null,
    primary key (player, goal)
)
"""
READ = "select * from bench.player_goal where player = $1"
INSERT = """
insert into bench.player_goal (player, goal, challenge, progress, status, is_active, assigned_at,
                               updated_at)
select $1, goal, challenge, 0, 'not_started', true, $4, $4
from unnest($2::text[], $3::text[]) as given (goal, challenge)
on conflict do nothing
"""


class RowPerGoal:
    """Both routes on one pool."""

    def __init__(self, catalogue: Catalogue, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._answers = NaiveAnswers(catalogue)
        self._goals = catalogue.goals
        given = [goal for goal in catalogue.goals if goal.default_assigned]
        self._given = [goal.goal_id for goal in given]
        self._challenges = [goal.challenge_id for goal in given]
        self._pool = pool

    async def list_all(self, request: Request) -> Response:
        """Read every row of the player and show every goal."""
        states = self._states(await self._pool.fetch(READ, _player(request)))
        return Response(self._answers.list_answer(states, _now_ms()), media_type=JSON)

    async def initialize(self, request: Request) -> Response:
        """Insert a row for each default goal, unless the player has some."""
        player, now_ms, new = _player(request), _now_ms(), 0
        states = self._states(await self._pool.fetch(READ, player))
        if not any(state.is_active for state in states.values()):
            await self._pool.execute(
                INSERT, player, self._given, self._challenges, _instant(now_ms)
            )
            states |= dict.fromkeys(self._given, UNTOUCHED._replace(assigned_at_ms=now_ms))
            new = len(self._given)
        body = self._answers.initialize_answer(states, now_ms, new)
        return Response(body, media_type=JSON)

    def _states(self, rows: Iterable[asyncpg.Record]) -> dict[str, GoalState]:
        states = {row["goal"]: _state(row) for row in rows}
        for goal in self._goals:
            states.setdefault(goal.goal_id, NO_ROW)
        return states


def records(
    player: str, catalogue: Catalogue, states: Sequence[GoalState]
) -> list[tuple[object, ...]]:
    """Return a player's rows in the order of COLUMNS, from what the player sees of each goal."""
    now = datetime.now(UTC)
    return [
        (
            player,
            goal.goal_id,
            goal.challenge_id,
            state.progress,
            str(state.status),
            _instant(state.completed_at_ms),
            _instant(state.claimed_at_ms),
            state.is_active,
            _instant(state.assigned_at_ms),
            now,
        )
        for goal, state in zip(catalogue.goals, states, strict=True)
    ]


def _state(row: asyncpg.Record) -> GoalState:
    return GoalState(
        progress=row["progress"],
        status=Status(row["status"]),
        completed_at_ms=_ms(row["completed_at"]),
        claimed_at_ms=_ms(row["claimed_at"]),
        is_active=row["is_active"],
        assigned_at_ms=_ms(row["assigned_at"]),
        locked=False,
    )


def _player(request: Request) -> str:
    return request.headers["x-mock-user-id"]


def _now_ms() -> int:
    return round(datetime.now(UTC).timestamp() * 1000)


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else round(instant.timestamp() * 1000)


def _instant(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC)


async def _serve(port: int, database_url: str, catalogue: Catalogue) -> None:
    async with asyncpg.create_pool(database_url, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
        await pool.execute(TABLE)
        handlers = RowPerGoal(catalogue, pool)
        routes = [
            Route("/challenge/v1/challenges", handlers.list_all, methods=["GET"]),
            Route("/challenge/v1/challenges/initialize", handlers.initialize, methods=["POST"]),
        ]
        await serve_plainly(Starlette(routes=routes), port)


def main(arguments: list[str]) -> None:
    """Serve until a signal."""
    catalogue = parse_catalogue(Path(arguments[2]).read_bytes()).catalogue
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(arguments[0]), arguments[1], catalogue))


if __name__ == "__main__":
    main(sys.argv[1:])
