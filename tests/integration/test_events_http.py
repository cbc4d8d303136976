"""POST /challenge/v1/events on a real database: answers, bounds, and who may send."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import generate_latest

from app.events.cloudevents import BATCH, LINES, STRUCTURED
from app.main import EVENTS_BYTES_MAX
from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange, http_scope
from tests.database import run_sql
from tests.events import LOGIN, as_batch, as_lines, login, statistic
from tests.integration.test_event_poison import spoil

EVENTS = f"{V1}/events"
TOKEN = "s3cret-s3cret-s3cret"
AS_SERVICE = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[App]:
    async with App(settings_for(ADMISSION_QUOTA="1000"), database_url) as running:
        yield running


@pytest.fixture
async def locked_app(database_url: str) -> AsyncIterator[App]:
    """Give an application that asks for a token."""
    settings = settings_for(EVENTS_TOKEN=TOKEN, ADMISSION_QUOTA="1000")
    async with App(settings, database_url) as running:
        yield running


async def post(app: App, encoded: tuple[str, bytes], **headers: str) -> Exchange:
    kind, body = encoded
    return await app.request(
        "POST", EVENTS, player=None, body=body, headers={"content-type": kind, **headers}
    )


async def progress(app: App, player: str, goal_id: str) -> int:
    answer = await app.request("GET", f"{V1}/challenges", player=player)
    [goal] = [
        goal
        for challenge in answer.json["challenges"]
        for goal in challenge["goals"]
        if goal["goalId"] == goal_id
    ]
    return int(goal["progress"])


def written(database_url: str) -> list[str]:
    return run_sql(
        database_url, "select count(*) from event_seen union all select count(*) from player"
    )


@pytest.mark.parametrize("encoded", [as_batch, as_lines])
async def test_every_event_is_answered_in_order(app: App, encoded: Any) -> None:
    answer = await post(
        app,
        encoded(
            login("1"),
            login("1"),
            login("2", namespace="theirs"),
            statistic("3", 1, stat="nobody_listens"),
            statistic("4", -1),
            login("5", time="2020-01-01T00:00:00Z"),
            login("6", player=""),
            [],
            login("7", "bob"),
        ),
    )
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {
        "results": [
            {"id": "1", "result": "accepted", "reason": ""},
            {"id": "1", "result": "duplicate", "reason": ""},
            {"id": "2", "result": "ignored", "reason": "namespace_foreign"},
            {"id": "3", "result": "ignored", "reason": "stat_unknown"},
            {"id": "4", "result": "ignored", "reason": "value_negative"},
            {"id": "5", "result": "rejected", "reason": "too_old"},
            {"id": "6", "result": "rejected", "reason": "player_invalid"},
            {"id": "", "result": "rejected", "reason": "not_object"},
            {"id": "7", "result": "accepted", "reason": ""},
        ]
    }
    for player in ("alice", "bob"):
        assert await progress(app, player, "challenge-001-goal-01") == 1


async def test_a_batch_of_which_nothing_is_taken_is_answered_all_the_same(
    app: App, database_url: str
) -> None:
    answer = await post(app, as_lines(b"{", login("", ""), b"7"))
    assert answer.status == 200
    assert [each["result"] for each in answer.json["results"]] == ["rejected"] * 3
    assert written(database_url) == ["0", "0"]
    for encoded in (as_batch(), as_lines()):
        assert (await post(app, encoded)).json == {"results": []}


async def test_a_broken_line_is_rejected_and_its_neighbours_count(app: App) -> None:
    answer = await post(app, as_lines(login("1"), b'{"id":"2","x":NaN}', login("3")))
    assert [each["reason"] for each in answer.json["results"]] == ["", "not_json", ""]
    assert await progress(app, "alice", "challenge-001-goal-01") == 2


async def test_a_broken_array_writes_nothing(app: App, database_url: str) -> None:
    kind, body = as_batch(login("1"), login("2"))
    answer = await post(app, (kind, body[:-1] + b",NaN]"))
    assert (answer.status, answer.json["reason"], answer.json["code"]) == (400, "bad_request", 3)
    assert written(database_url) == ["0", "0"]


async def test_five_hundred_events_with_long_names_fit_and_one_more_is_refused_whole(
    app: App, database_url: str
) -> None:
    events = [
        statistic(
            f"0190a6f0-7c1e-7b3a-9c7e-{number:012}",
            number,
            f"8f14e45fceea167a5a36dedd{number:08}",
            stat="challenges_completed_in_total",
            source="https://match.eu-central-1.games.example/servers/17",
            time="2026-11-26T12:34:56.789012+00:00",
            namespace="local",
            datacontenttype="application/json",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        for number in range(501)
    ]
    kind, body = as_batch(*events)
    assert 200_000 < len(body) < EVENTS_BYTES_MAX
    refused = await post(app, (kind, body))
    assert (refused.status, refused.json["reason"]) == (413, "batch_too_large")
    assert written(database_url) == ["0", "0"]
    answer = await post(app, as_batch(*events[:500]))
    assert answer.status == 200
    assert len(answer.json["results"]) == 500


async def test_a_body_above_the_bound_is_refused_before_it_is_read(app: App) -> None:
    kind, body = as_lines(login("1"))
    at_most = body + b" " * (EVENTS_BYTES_MAX - len(body))
    assert (await post(app, (kind, at_most))).status == 200
    refused = await post(app, (kind, at_most + b" "))
    assert (refused.status, refused.json["reason"]) == (413, "body_too_large")
    assert refused.headers["connection"] == "close"


async def test_other_routes_keep_their_smaller_bound(app: App) -> None:
    answer = await app.request("POST", f"{V1}/challenges/initialize", body=b"x" * 16_385)
    assert answer.status == 413


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
async def test_other_content_is_refused(app: App, kind: str) -> None:
    answer = await post(app, (kind, as_batch(LOGIN)[1]))
    assert (answer.status, answer.json["code"]) == (415, 3)
    assert answer.json["reason"] == "unsupported_media_type"
    assert answer.headers["accept-post"] == f"{BATCH}, {LINES}, {STRUCTURED}"


async def test_an_event_alone_is_a_batch_of_one(app: App) -> None:
    """As brokers send it: in structured mode, and in binary mode."""
    headers = {f"ce-{name}": text for name, text in login("2").items()}
    for _ in ("accepted", "duplicate"):
        structured = await post(app, (STRUCTURED, as_lines(login("1"))[1]))
        binary = await app.request("POST", EVENTS, player=None, headers=headers)
        # A broker takes any body for an event, and none that is no event.
        assert {(each.status, each.body) for each in (structured, binary)} == {(204, b"")}
    shown = generate_latest(app.metrics.registry).decode()
    assert 'events_total{reason="",result="accepted"} 2.0' in shown
    assert 'events_total{reason="",result="duplicate"} 2.0' in shown
    ignored = await post(app, (STRUCTURED, as_lines(login("3", namespace="other"))[1]))
    assert (ignored.status, ignored.body) == (204, b"")


async def test_an_event_alone_that_is_rejected_is_an_error_for_brokers(app: App) -> None:
    refused = await post(app, (STRUCTURED, as_lines(login("1", type="unheard"))[1]))
    assert (refused.status, refused.json["reason"]) == (400, "bad_request")
    assert (refused.json["eventId"], refused.json["eventReason"]) == ("1", "type_unknown")
    assert refused.json["detail"] == (
        "The event is rejected (type_unknown): `type` is neither of the two."
    )


async def test_a_header_that_cannot_be_read_is_named(app: App) -> None:
    headers = {f"ce-{name}": text for name, text in login("a", "a%FF").items()}
    refused = await app.request("POST", EVENTS, player=None, headers=headers)
    assert (refused.status, refused.json["eventId"]) == (400, "a")
    assert refused.json["detail"] == (
        "The event is rejected (attribute_invalid, ce-subject):"
        " A `ce-` header is not percent-encoded UTF-8."
    )


async def test_two_content_types_are_none(app: App) -> None:
    twice = [(b"content-type", STRUCTURED.encode()), (b"content-type", b"text/plain")]
    scope = {**http_scope("POST", EVENTS, twice), "state": dict(app.state)}
    answer = Exchange(app.asgi, scope, as_lines(LOGIN)[1])
    await answer.task
    assert answer.status == 415


async def test_an_event_alone_on_which_the_service_fails_may_be_sent_again(
    app: App, database_url: str
) -> None:
    spoil(database_url, "alice")
    failed = await post(app, (STRUCTURED, as_lines(login("1"))[1]))
    assert (failed.status, failed.json["eventReason"]) == (500, "internal")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_another_method_is_told_which_one_there_is(locked_app: App, method: str) -> None:
    answer = await locked_app.request(method, EVENTS, player=None)
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


async def test_the_token_opens_events_and_no_players_route(locked_app: App) -> None:
    answer = await post(locked_app, as_batch(LOGIN), **AS_SERVICE)
    assert answer.json["results"][0]["result"] == "accepted"
    as_player = await locked_app.request(
        "POST", f"{V1}/challenges/initialize", player=None, headers=AS_SERVICE
    )
    assert as_player.status == 401


@pytest.mark.parametrize("size", [1, 500])
@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong-wrong-wrong"}, {"x-mock-user-id": "alice"}]
)
async def test_without_the_token_nothing_is_written_however_much_is_sent(
    locked_app: App, database_url: str, headers: dict[str, str], size: int
) -> None:
    batch = as_batch(*(login(f"{number:0100}") for number in range(size)))
    answer = await post(locked_app, batch, **headers)
    assert (answer.status, answer.json["reason"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert written(database_url) == ["0", "0"]


async def test_where_no_token_is_set_any_is_taken(app: App) -> None:
    answer = await post(app, as_batch(LOGIN), authorization="Bearer whatever")
    assert answer.status == 200


async def test_what_is_not_there_is_told_to_strangers_as_well(locked_app: App) -> None:
    """Who is asking matters to a route, and there is none."""
    for method, path in (("GET", f"{V1}/nope"), ("POST", f"{V1}/events/1"), ("GET", V1)):
        answer = await locked_app.request(method, path, player=None)
        assert (answer.status, answer.json["reason"]) == (404, "not_found")


async def test_the_setting_decides_whether_events_make_players_known(database_url: str) -> None:
    settings = settings_for(EVENTS_MAKE_KNOWN="false", NAMESPACE="studio")
    async with App(settings, database_url) as app:
        answer = await post(app, as_batch(LOGIN, login("2", namespace="local")))
    assert [each["reason"] for each in answer.json["results"]] == [
        "player_unknown",
        "namespace_foreign",
    ]


async def test_events_are_counted_by_result_and_reason(app: App) -> None:
    await post(app, as_batch(LOGIN, LOGIN, login("2", namespace="theirs"), []))
    lines = generate_latest(app.metrics.registry).decode().splitlines()
    counted = {line for line in lines if line.startswith("events_total{")}
    assert counted == {
        'events_total{reason="",result="accepted"} 1.0',
        'events_total{reason="",result="duplicate"} 1.0',
        'events_total{reason="namespace_foreign",result="ignored"} 1.0',
        'events_total{reason="not_object",result="rejected"} 1.0',
    }
    assert "events_batch_duration_seconds_count 1.0" in lines
