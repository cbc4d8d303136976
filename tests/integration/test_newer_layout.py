"""Facts in a layout of a newer release: whoever meets them here is told to try again."""

from collections.abc import AsyncIterator, Callable

import pytest
from structlog.testing import capture_logs

from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange
from tests.database import run_sql
from tests.event_pods import SEASON
from tests.events import as_batch, as_lines, login

NEWER = "player-of-a-newer-release"


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    async with App(settings_for(), database_url, SEASON) as running:
        yield running


async def post(app: App, encoded: tuple[str, bytes]) -> Exchange:
    kind, body = encoded
    return await app.request(
        "POST", f"{V1}/events", player=None, body=body, headers={"content-type": kind}
    )


async def results(app: App, encoded: tuple[str, bytes]) -> list[str]:
    answer = await post(app, encoded)
    assert answer.status == 200
    return [each["result"] for each in answer.json["results"]]


def set_layout(database_url: str, layout: int) -> None:
    run_sql(database_url, f"update player set format = {layout} where player = '{NEWER}'")


def is_told_to_come_again(answer: Exchange) -> bool:
    return (
        answer.status == 503
        and answer.json["reason"] == "database_unavailable"
        and answer.json["detail"].startswith("This pod is older than the stored data")
        and 500 <= answer.json["retry_after_ms"] <= 3000
        and NEWER not in str(answer.body)
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "challenges"),
        ("POST", "challenges/initialize"),
        ("PUT", "challenges/challenge/goals/by-hand/active"),
        ("POST", "challenges/challenge/goals/a/claim"),
    ],
)
async def test_a_player_whom_a_newer_release_wrote_is_told_to_come_again(
    app: App, database_url: str, method: str, path: str
) -> None:
    await post(app, as_batch(login("1", NEWER)))
    set_layout(database_url, 2)
    with capture_logs() as lines:
        answer = await app.request(method, f"{V1}/{path}", player=NEWER, body=b"{}")
    assert is_told_to_come_again(answer)
    assert NEWER not in str(lines)
    assert "layout 2" in str(lines)
    assert (await app.request("GET", f"{V1}/challenges", player="bob")).status == 200


@pytest.mark.parametrize("encoding", [as_batch, as_lines])
async def test_a_batch_with_his_events_is_told_the_same_and_loses_none_of_them(
    app: App, database_url: str, encoding: Callable[..., tuple[str, bytes]]
) -> None:
    await post(app, as_batch(login("0", NEWER)))
    set_layout(database_url, 2)
    batch = encoding(*(login(f"{number}", NEWER) for number in range(1, 12)), login("12", "bob"))
    with capture_logs() as lines:
        assert is_told_to_come_again(await post(app, batch))
    assert NEWER not in str(lines)
    assert run_sql(database_url, "select count(distinct digest) from event_seen") == ["1"]
    set_layout(database_url, 1)
    assert await results(app, batch) == ["accepted"] * 12


async def test_his_data_can_be_deleted_all_the_same(app: App, database_url: str) -> None:
    await post(app, as_batch(login("1", NEWER)))
    set_layout(database_url, 2)
    answer = await app.request("DELETE", f"{V1}/users/me/data", player=NEWER)
    assert (answer.status, answer.json["rowsDeleted"]) == (200, 1)
