"""Events against claims and deletions of the same player, over HTTP on a real PostgreSQL."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count

import pytest

from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange
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


async def test_events_beside_a_deletion_come_before_it_or_begin_anew(app: App) -> None:
    await send(app, 5)
    told = await asyncio.gather(
        *(
            send(app, 5) if number % 4 else app.request("DELETE", f"{V1}/users/me/data")
            for number in range(40)
        )
    )
    deletions = [each for each in told if isinstance(each, Exchange)]
    assert {each.status for each in deletions} == {200}
    results = {result for each in told if isinstance(each, list) for result in each}
    assert results <= {"accepted", "ignored"}
    left = (await goal(app, "logins"))["progress"]
    assert isinstance(left, int)
    assert 0 <= left <= 31
    assert await send(app, 7) == ["accepted"] * 2
