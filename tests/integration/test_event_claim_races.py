"""Events against claims and deletions of the same player, over HTTP on a real PostgreSQL."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count

import pytest

from app.domain.facts import decode_stats
from app.domain.number import Number
from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange
from tests.database import run_sql
from tests.event_pods import SEASON
from tests.events import as_batch, login, statistic

CLAIM = f"{V1}/challenges/challenge/goals/a/claim"


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    # Without the gate: it would let those who race in one after another.
    settings = settings_for(ADMISSION_MODE="off", DATABASE_POOL_SIZE="8")
    async with App(settings, database_url, SEASON) as running:
        yield running


numbers = count(1)


async def send(app: App, value: int) -> list[str]:
    """Send a login and a statistic; return what became of them."""
    kind, body = as_batch(
        login(f"{next(numbers)}"), statistic(f"{next(numbers)}", value, stat="wins")
    )
    answer = await app.request(
        "POST", f"{V1}/events", player=None, body=body, headers={"content-type": kind}
    )
    assert answer.status == 200
    return [each["result"] for each in answer.json["results"]]


async def claim(app: App) -> int:
    return (await app.request("POST", CLAIM)).status or 0


async def goal(app: App, goal_id: str) -> dict[str, object]:
    shown: Exchange = await app.request("GET", f"{V1}/challenges")
    [found] = [each for each in shown.json["challenges"][0]["goals"] if each["goalId"] == goal_id]
    return dict(found)


async def test_events_beside_claims_of_a_completed_goal_are_all_counted_and_one_claim_wins(
    app: App,
) -> None:
    await send(app, 12)
    told = await asyncio.gather(
        *(send(app, 13 + number) for number in range(20)), *(claim(app) for _ in range(10))
    )
    assert told[:20] == [["accepted"] * 2] * 20
    assert Counter(told[20:]) == {200: 1, 409: 9}
    assert (await goal(app, "logins"))["progress"] == 21
    assert (await goal(app, "a"))["status"] == "claimed"
    frozen = (await goal(app, "a"))["progress"]
    await send(app, 99)
    assert (await goal(app, "a"))["progress"] == frozen


async def test_a_claim_beside_the_event_that_completes_is_too_early_or_wins_once(app: App) -> None:
    await send(app, 1)
    told = await asyncio.gather(
        *(claim(app) if number % 2 else send(app, 1 + number) for number in range(40))
    )
    claims = Counter(told[1::2])
    assert claims.keys() <= {200, 400, 409}
    assert claims[200] <= 1
    assert await claim(app) == (409 if claims[200] else 200)
    assert (await goal(app, "logins"))["progress"] == 21


def rows_of_all_time(database_url: str) -> list[tuple[int, Number]]:
    """Return how often each row was written, those that are deleted too, and its logins."""
    rows = run_sql(
        database_url,
        "select version, encode(stats, 'hex') from deleted"
        " union all select version, encode(stats, 'hex') from player",
    )
    read = [(int(version), bytes.fromhex(stats)) for version, stats in (r.split("|") for r in rows)]
    return [(version, decode_stats(stats)["login:login"].value) for version, stats in read]


KEEP_DELETED = """
create table deleted (like player);
create function keep() returns trigger language plpgsql as
    $$ begin insert into deleted select old.*; return null; end $$;
create trigger keep after delete on player for each row execute function keep()
"""


async def test_events_beside_a_deletion_come_before_it_or_begin_anew(
    app: App, database_url: str
) -> None:
    """Each batch that is accepted is one write of one row, with its login, and of no other."""
    run_sql(database_url, KEEP_DELETED)
    assert await send(app, 5) == ["accepted"] * 2
    told = await asyncio.gather(
        *(
            send(app, 5) if number % 4 else app.request("DELETE", f"{V1}/users/me/data")
            for number in range(40)
        )
    )
    deletions = [each for each in told if isinstance(each, Exchange)]
    assert {each.status for each in deletions} == {200}
    results = [each for each in told if isinstance(each, list)]
    # Ignored are those whose player was deleted while they waited for his row.
    assert all(each in (["accepted"] * 2, ["ignored"] * 2) for each in results)
    assert await send(app, 7) == ["accepted"] * 2
    rows = rows_of_all_time(database_url)
    assert len(rows) == sum(each.json["rowsDeleted"] for each in deletions) + 1
    assert all(logins == version - 1 for version, logins in rows)
    assert sum(logins for _, logins in rows) == results.count(["accepted"] * 2) + 2
    assert (await goal(app, "logins"))["progress"] == rows[-1][1]
