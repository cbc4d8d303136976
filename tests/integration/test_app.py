"""The application on a real database: every route, and what a client does wrong with it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.failures import SchemaBehind
from app.serving.lifecycle import Phase
from app.setting_types import Environment
from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange, http_scope
from tests.database import named


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    async with App(settings_for(), database_url) as running:
        yield running


def goals_of(challenges: Exchange) -> list[dict[str, Any]]:
    return [goal for challenge in challenges.json["challenges"] for goal in challenge["goals"]]


async def test_a_first_initialize_gives_the_defaults_and_the_second_finds_them(app: App) -> None:
    first = await app.request("POST", f"{V1}/challenges/initialize")
    assert first.status == 200
    assert first.headers["content-type"] == "application/json"
    assert first.json["newAssignments"] == first.json["totalActive"] == 10
    second = await app.request("POST", f"{V1}/challenges/initialize")
    assert second.json["newAssignments"] == 0
    assert second.json["assignedGoals"] == first.json["assignedGoals"]


@pytest.mark.parametrize("body", [b"", b"{}", b"{nope", b"\x00\xff", b"[" * 10_000])
async def test_initialize_ignores_what_its_body_says(app: App, body: bytes) -> None:
    answer = await app.request("POST", f"{V1}/challenges/initialize", body=body)
    assert answer.status == 200


async def test_the_list_shows_everything_to_a_player_that_nobody_knows_and_writes_nothing(
    app: App,
) -> None:
    shown = await app.request("GET", f"{V1}/challenges", player="stranger")
    assert shown.status == 200
    assert len(goals_of(shown)) == 24
    assert not any(goal["isActive"] for goal in goals_of(shown))
    first = await app.request("POST", f"{V1}/challenges/initialize", player="stranger")
    assert first.json["newAssignments"] == 10


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("?active_only=true", 10),
        ("?activeOnly=true", 10),
        ("?active_only=false", 24),
        ("?active_only=True", 24),
        ("?active_only=1", 24),
        ("?active_only=true&active_only=false", 10),
        ("?active_only=false&active_only=true", 24),
        ("?activeOnly=false&activeOnly=true", 24),
        ("?active_only=false&activeOnly=true", 10),
        ("?x=y", 24),
        ("", 24),
    ],
)
async def test_the_filter_has_two_spellings_and_one_value(app: App, query: str, count: int) -> None:
    await app.request("POST", f"{V1}/challenges/initialize")
    shown = await app.request("GET", f"{V1}/challenges{query}")
    assert len(goals_of(shown)) == count


async def test_active_only_leaves_out_challenges_without_goals(app: App) -> None:
    shown = await app.request("GET", f"{V1}/challenges?active_only=true", player="stranger")
    assert shown.json == {"challenges": []}


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/challenge", 404, "not_found"),
        ("GET", "/challenge/", 404, "not_found"),
        ("GET", "/v1/challenges", 404, "not_found"),
        ("GET", "/challenge/nope", 404, "not_found"),
        ("GET", f"{V1}/nope", 404, "not_found"),
        ("PUT", f"{V1}/challenges/winter-challenge/goals//active", 404, "not_found"),
        ("GET", "/metrics", 404, "not_found"),
        ("HEAD", f"{V1}/challenges", 405, "method_not_allowed"),
        ("GET", f"{V1}/challenges/initialize", 405, "method_not_allowed"),
        ("POST", "/challenge/healthz", 405, "method_not_allowed"),
    ],
)
async def test_what_is_not_there_is_told_in_one_body(
    app: App, method: str, path: str, status: int, reason: str
) -> None:
    answer = await app.request(method, path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["reason"] == reason
    assert answer.json["code"] == {404: 5, 405: 12}[status]
    assert answer.json["details"] == []
    if status == 405:
        assert answer.headers["allow"] in {"GET", "POST", "PUT"}


async def test_without_an_identity_the_answer_names_what_is_missing(app: App) -> None:
    answer = await app.request("POST", f"{V1}/challenges/initialize", player=None)
    assert answer.status == 401
    assert "x-mock-user-id" in answer.json["detail"]
    assert answer.json["code"] == 16


@pytest.mark.parametrize("player", ["", "u" * 101, "nul\x00", "\udcff"])
async def test_an_id_that_cannot_be_stored_is_refused(app: App, player: str) -> None:
    scope = http_scope("POST", f"{V1}/challenges/initialize")
    scope["headers"] = [(b"x-mock-user-id", player.encode("utf-8", "surrogateescape"))]
    answer = Exchange(app.asgi, scope)
    await answer.task
    assert answer.status == 400
    assert answer.json["reason"] == "bad_request"


async def test_an_id_of_a_hundred_characters_is_a_player(app: App) -> None:
    answer = await app.request("POST", f"{V1}/challenges/initialize", player="é" * 100)
    assert answer.status == 200


async def test_health_asks_the_database_and_liveness_and_readiness_do_not(app: App) -> None:
    healthy = await app.request("GET", "/challenge/healthz", player=None)
    assert (healthy.status, healthy.json) == (200, {"status": "healthy"})
    assert (await app.request("GET", "/healthz", player=None)).status == 200
    starting = await app.request("GET", "/readyz", player=None)
    assert (starting.status, starting.json) == (503, {"status": "starting"})
    app.lifecycle.phase = Phase.READY
    assert (await app.request("GET", "/readyz", player=None)).status == 200
    app.lifecycle.phase = Phase.DRAINING
    assert (await app.request("GET", "/readyz", player=None)).status == 503


async def test_with_the_gate_off_players_are_served_all_the_same(database_url: str) -> None:
    async with App(settings_for(ADMISSION_MODE="off"), database_url) as app:
        answer = await app.request("POST", f"{V1}/challenges/initialize")
        assert answer.status == 200


async def test_the_gate_stands_before_players_and_not_before_health(database_url: str) -> None:
    settings = settings_for(ADMISSION_QUOTA="0.5", ADMISSION_INITIALIZE_RATE="1000/s")
    async with App(settings, database_url) as app:
        assert (await app.request("POST", f"{V1}/challenges/initialize")).status == 200
        refused = await app.request("POST", f"{V1}/challenges/initialize")
        assert refused.status == 429
        assert refused.json["reason"] == "over_quota"
        for _ in range(3):
            assert (await app.request("GET", "/challenge/healthz")).status == 200


async def test_production_does_not_migrate_by_itself(postgres_url: str) -> None:
    settings = settings_for().model_copy(update={"environment": Environment.PRODUCTION})
    app = App(settings, named(postgres_url, "postgres"))
    with pytest.raises(SchemaBehind, match="migrate"):
        await app.__aenter__()
