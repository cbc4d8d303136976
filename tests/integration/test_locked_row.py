"""One row that somebody holds: its player is told to come again, and nobody else notices.

A player's statement waits a second for it, and a batch of events five.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial

import asyncpg
import pytest

from tests.app import V1, App, settings_for
from tests.database import lock_is_awaited
from tests.event_pods import event_pods
from tests.eventually import until
from tests.integration.test_pool import with_statements

LIMIT = 4


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    async with App(settings_for(DATABASE_POOL_SIZE=str(LIMIT)), database_url) as app:
        for player in ("ann", "bob"):
            await app.request("POST", f"{V1}/challenges/initialize", player=player)
        yield app


@asynccontextmanager
async def locked(database_url: str, player: str) -> AsyncIterator[None]:
    session = await asyncpg.connect(database_url)
    try:
        async with session.transaction():
            await session.execute("select from player where player = $1 for update", player)
            yield
    finally:
        await session.close()


async def deactivate(app: App, player: str) -> tuple[int | None, str]:
    path = f"{V1}/challenges/winter-challenge-2025/goals/complete-tutorial/active"
    answer = await app.request("PUT", path, player=player, body=b'{"isActive": false}')
    return answer.status, str(answer.json.get("reason"))


async def test_ten_requests_of_a_locked_player_leave_all_others_their_places(
    app: App, database_url: str
) -> None:
    async with locked(database_url, "ann"):
        hers = [asyncio.create_task(deactivate(app, "ann")) for _ in range(10)]
        await until(partial(asyncio.to_thread, lock_is_awaited, database_url))
        for _ in range(10):
            assert (await app.request("GET", f"{V1}/challenges", player="bob")).status == 200
        assert (await app.request("GET", "/challenge/healthz")).status == 200
        told = await asyncio.gather(*hers)
    # One ran and waited for the row as long as a statement may; the others waited for that one.
    assert {status for status, _ in told} <= {429, 503}
    assert {reason for _, reason in told} <= {
        "database_unavailable",
        "wait_expired",
        "line_full",
        "line_per_key",
    }
    assert ("503", "database_unavailable") in {(str(status), reason) for status, reason in told}


async def test_a_player_s_statement_waits_a_second_for_a_lock(app: App) -> None:
    database = with_statements(app.state["database"])
    [[bound, _]] = await database.fetch("lock_bound")
    assert bound == "1s"


@pytest.mark.parametrize("failure", [None, OSError("planted")])
async def test_a_batch_of_events_waits_five_seconds_and_whoever_comes_next_does_not(
    database_url: str, failure: OSError | None
) -> None:
    async with event_pods(database_url, size=2) as [pod]:
        database = with_statements(pod.store._database)
        with pytest.raises(OSError, match="planted") if failure else nullcontext():
            async with pod.store.transaction() as batch:
                [[bound, connection]] = await batch._transaction.fetch("lock_bound")
                [[beside, other]] = await database.fetch("lock_bound")
                if failure:
                    raise failure
        assert (bound, beside) == ("5s", "1s")
        after = await asyncio.gather(*(database.fetch("lock_bound") for _ in range(2)))
        assert {pid: bound for [[bound, pid]] in after} == {connection: "1s", other: "1s"}
