"""The clock on the operations listener: a person stands at any date and sees goals turn."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.operations.clock import BYTES_MAX
from app.operations.main import create_operations_app
from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange, http_scope
from tests.database import run_sql
from tests.events import as_batch, login

START = "2027-06-23T12:00:00Z"


class Stage:
    """A service and its clock."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._operations = create_operations_app(clock_may_be_set=True)

    def ask_for_token(self, token: str) -> None:
        self._operations = create_operations_app(clock_may_be_set=True, token=token)

    async def ask(self, method: str, body: bytes = b"", token: bytes | None = None) -> Exchange:
        sent = [] if token is None else [(b"authorization", b"Bearer " + token)]
        length = (b"content-length", b"%d" % len(body))
        scope = http_scope(method, "/clock", [length, *sent])
        scope["state"] = dict(self.app.state)
        exchange = Exchange(self._operations, scope, body)
        await exchange.task
        return exchange

    async def set(self, **move: Any) -> dict[str, Any]:
        answer = await self.ask("PUT", msgspec.json.encode(move))
        assert answer.status == 200, answer.body
        return dict(answer.json)

    async def log_in(self, event_id: str, player: str = "ann") -> str:
        kind, body = as_batch(login(event_id, player))
        answer = await self.app.request(
            "POST", f"{V1}/events", body=body, headers={"content-type": kind}
        )
        return str(answer.json["results"][0]["result"])

    async def goals(self, player: str = "ann") -> dict[str, Any]:
        shown = await self.app.request("GET", f"{V1}/challenges", player=player)
        return {
            goal["goalId"]: goal
            for challenge in shown.json["challenges"]
            for goal in challenge["goals"]
        }


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    async with App(settings_for(ADMISSION_QUOTA="1000"), database_url) as app:
        yield Stage(app)


async def test_the_moment_is_the_databases_until_it_is_set(stage: Stage) -> None:
    answer = await stage.ask("GET")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["isSet"] is False
    assert answer.json["offsetSeconds"] == 0
    assert answer.json["now"] == answer.json["databaseNow"]
    assert answer.json["note"].startswith("This process alone")


async def test_a_moment_is_set_runs_on_and_is_released(stage: Stage) -> None:
    reading = await stage.set(now=START)
    assert (reading["now"], reading["isSet"]) == (START, True)
    later = await stage.set(advanceSeconds=86_400)
    assert later["now"].startswith("2027-06-24T12:00")
    assert later["offsetSeconds"] - reading["offsetSeconds"] == pytest.approx(86_400, abs=5)
    back = await stage.set(advanceSeconds=-3600.5)
    assert back["now"].startswith("2027-06-24T10:59:") or back["now"].startswith("2027-06-24T11:0")
    released = (await stage.ask("DELETE")).json
    assert (released["isSet"], released["offsetSeconds"]) == (False, 0)


async def test_the_days_of_a_moment_are_there_before_it_is(stage: Stage, database_url: str) -> None:
    await stage.set(now=START)
    day = "select to_regclass('event_seen_20270614'), to_regclass('event_seen_20270625')"
    assert run_sql(database_url, day) == ["event_seen_20270614|event_seen_20270625"]


async def test_goals_turn_when_their_day_comes(stage: Stage) -> None:
    await stage.set(now=START)
    assert await stage.log_in("1") == "accepted"
    today = (await stage.goals())["daily-login-rotation"]
    assert (today["progress"], today["expiresAt"]) == (1, "2027-06-24T00:00:00Z")
    await stage.set(now="2027-06-23T23:59:00Z")
    assert (await stage.goals())["daily-login-rotation"]["progress"] == 1
    await stage.set(advanceSeconds=60)
    tomorrow = (await stage.goals())["daily-login-rotation"]
    assert (tomorrow["progress"], tomorrow["expiresAt"]) == (0, "2027-06-25T00:00:00Z")
    assert await stage.log_in("2") == "accepted"
    assert (await stage.goals())["daily-login-rotation"]["progress"] == 1


async def test_going_back_is_told_and_rewinds_nobody(stage: Stage) -> None:
    await stage.log_in("0", "bob")
    await stage.set(now=START)
    await stage.log_in("1")
    in_summer = await stage.goals()
    released = (await stage.ask("DELETE")).json
    assert "keep their own" in released["note"]
    assert await stage.goals() == in_summer
    assert await stage.log_in("2") == "accepted"
    done = [goal["completedAt"] for goal in (await stage.goals()).values() if goal["completedAt"]]
    assert done
    assert min(done) >= START
    assert max(g["completedAt"] for g in (await stage.goals("bob")).values()) < START
    assert "keep their own" not in (await stage.set(now=START))["note"]


async def test_who_goes_back_is_told_that_old_days_are_forgotten(stage: Stage) -> None:
    note = (await stage.set(now="1995-06-23T12:00:00Z"))["note"]
    assert "more than 9 days before the database's clock are forgotten" in note


async def test_initialize_gives_goals_at_the_set_moment(stage: Stage) -> None:
    await stage.set(now=START)
    answer = await stage.app.request("POST", f"{V1}/challenges/initialize")
    assert all(
        goal["assignedAt"].startswith("2027-06-23T12:00") for goal in answer.json["assignedGoals"]
    )


@pytest.mark.parametrize("now", ["1970-01-01T00:00:00Z", "9000-12-31T23:59:58Z"])
async def test_from_end_to_end_of_the_calendar_everything_works(stage: Stage, now: str) -> None:
    assert (await stage.set(now=now))["now"] == now
    assert await stage.log_in("1") == "accepted"
    assert await stage.log_in("1") == "duplicate"
    assert (await stage.app.request("POST", f"{V1}/challenges/initialize")).status == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b"{}", "advanceSeconds"),
        (b'{"now":null,"advanceSeconds":null}', "advanceSeconds"),
        (b'{"now":"2027-06-23T12:00:00Z","advanceSeconds":1}', "advanceSeconds"),
        (b'{"later":1}', "later"),
        (b'{"now":7}', "now"),
        (b'{"now":"2027-06-23"}', "now"),
        (b'{"now":"2027-06-23T12:00:00"}', "now"),
        (b'{"now":"1969-12-31T23:59:59Z"}', "1970"),
        (b'{"now":"9001-01-01T00:00:00Z"}', "9000"),
        (b'{"now":"9999-12-31T23:59:59-23:59"}', "9000"),
        (b'{"advanceSeconds":"1"}', "advanceSeconds"),
        (b'{"advanceSeconds":NaN}', "body"),
        (b'{"advanceSeconds":1e400}', "advanceSeconds"),
        (b'{"advanceSeconds":1e308}', "advanceSeconds"),
        (b'{"advanceSeconds":-1e12}', "advanceSeconds"),
        (b'{"advanceSeconds":-3000000000}', "1970"),
        (b'{"now":"\xff"}', "body"),
        (b"[" * 1000, "body"),
    ],
)
async def test_what_is_wrong_is_named_and_changes_nothing(
    stage: Stage, body: bytes, named: str
) -> None:
    answer = await stage.ask("PUT", body)
    assert (answer.status, answer.json["reason"]) == (400, "bad_request")
    assert named in answer.json["detail"]
    assert "traceId" not in answer.json  # this listener has no spans, so there is none to look for
    assert (await stage.ask("GET")).json["isSet"] is False


async def test_a_body_has_a_bound(stage: Stage) -> None:
    answer = await stage.ask("PUT", b" " * (BYTES_MAX + 1))
    assert (answer.status, answer.json["reason"]) == (413, "body_too_large")


async def test_another_method_is_told_which_there_are(stage: Stage) -> None:
    answer = await stage.ask("POST", b"{}")
    assert answer.status == 405
    assert {"GET", "PUT", "DELETE"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_in_production_there_is_no_such_route(method: str) -> None:
    exchange = Exchange(create_operations_app(clock_may_be_set=False), http_scope(method, "/clock"))
    await exchange.task
    assert exchange.status == 404


async def test_where_there_is_a_token_it_takes_it_to_change_the_clock_and_not_to_read_it(
    stage: Stage,
) -> None:
    stage.ask_for_token("operations-token")
    move = b'{"advanceSeconds": 60}'
    for token in (None, b"", b"operations-toke", b"operations-token2"):
        for method in ("PUT", "DELETE"):
            refused = await stage.ask(method, move, token)
            assert (refused.status, refused.json["reason"]) == (401, "unauthenticated")
    assert (await stage.ask("GET")).json["isSet"] is False
    assert (await stage.ask("PUT", move, b"operations-token")).json["isSet"] is True
    assert (await stage.ask("DELETE", b"", b"operations-token")).json["isSet"] is False
