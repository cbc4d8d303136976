"""An answer that a client has already is not sent again; one that it has not, always."""

import pytest

from app.domain.period import DAY_MS
from tests.app import V1, FakeApp, sample_catalogue
from tests.asgi_client import Exchange
from tests.catalogues import defaults

LIST = f"{V1}/challenges"
ONE = f"{V1}/challenges/winter-challenge-2025"
NOON_MS = 1_772_798_400_000  # 2026-03-06T12:00:00Z
MIDNIGHT_MS = NOON_MS + DAY_MS // 2


@pytest.fixture
async def app() -> FakeApp:
    running = FakeApp(NOON_MS)
    await running.publish(sample_catalogue())
    return running


async def again(app: FakeApp, answer: Exchange, path: str, player: str = "alice") -> Exchange:
    """Ask for what the client has."""
    return await app.request(
        "GET", path, player=player, headers={"if-none-match": answer.headers["etag"]}
    )


@pytest.mark.parametrize("path", [LIST, f"{LIST}?active_only=true", ONE, f"{ONE}?activeOnly=true"])
async def test_what_did_not_change_is_not_sent_again(app: FakeApp, path: str) -> None:
    await app.request("POST", f"{LIST}/initialize")
    first = await app.request("GET", path)
    assert first.status == 200
    assert first.headers["cache-control"] == "private, no-cache"
    app.players.clock_ms = MIDNIGHT_MS - 1
    second = await again(app, first, path)
    assert second.status == 304
    assert second.body == b""
    assert second.headers == {
        "etag": first.headers["etag"],
        "cache-control": "private, no-cache",
    }


async def test_what_is_not_sent_is_not_made_either(app: FakeApp) -> None:
    """No catalogue is looked into: a player of many revisions costs no more than another."""
    await app.request("POST", f"{LIST}/initialize")
    first = await app.request("GET", LIST)
    app.served._cohorts.clear()
    app.served._revisions = None  # type: ignore[assignment]
    assert (await again(app, first, LIST)).status == 304


@pytest.mark.parametrize("path", [LIST, ONE])
async def test_every_decision_is_another_answer_until_the_next(app: FakeApp, path: str) -> None:
    tags = []
    for is_active in (b"true", b"false", b"true"):
        body = b'{"isActive":' + is_active + b"}"
        await app.request("PUT", f"{ONE}/goals/kill-10-snowmen/active", body=body)
        tags.append((await app.request("GET", path)).headers["etag"])
    assert len(set(tags)) == 3


async def test_a_decision_that_changes_nothing_leaves_the_answer_as_it_was(app: FakeApp) -> None:
    await app.request("POST", f"{LIST}/initialize")
    first = await app.request("GET", LIST)
    await app.request("PUT", f"{ONE}/goals/complete-tutorial/active", body=b'{"isActive":true}')
    assert (await again(app, first, LIST)).status == 304


async def test_the_day_turns_every_answer(app: FakeApp) -> None:
    await app.request("POST", f"{LIST}/initialize")
    first = await app.request("GET", LIST)
    app.players.clock_ms = MIDNIGHT_MS
    second = await again(app, first, LIST)
    assert second.status == 200
    assert second.body != first.body


async def test_a_new_catalogue_turns_every_answer(app: FakeApp) -> None:
    first = await app.request("GET", LIST)
    await app.publish(defaults("a"))
    assert (await again(app, first, LIST)).status == 200


async def test_an_unknown_player_has_an_answer_to_keep_until_known(app: FakeApp) -> None:
    first = await app.request("GET", LIST)
    app.players.clock_ms += 1
    assert (await again(app, first, LIST)).status == 304
    await app.request("POST", f"{LIST}/initialize")
    assert (await again(app, first, LIST)).status == 200


async def test_after_a_deletion_no_tag_returns(app: FakeApp) -> None:
    tags = []
    for _ in range(3):
        await app.request("POST", f"{LIST}/initialize")
        tags.append((await app.request("GET", LIST)).headers["etag"])
        del app.players.rows["alice"]
        app.players.clock_ms += 1
    assert len(set(tags)) == 3


async def test_the_filter_and_the_player_have_tags_of_their_own(app: FakeApp) -> None:
    for player in ("alice", "bob"):
        await app.request("POST", f"{LIST}/initialize", player=player)
    first = await app.request("GET", LIST)
    assert (await again(app, first, f"{LIST}?active_only=true")).status == 200
    assert (await again(app, first, LIST, player="bob")).status == 200


async def test_a_challenge_that_is_not_there_is_not_there_whatever_the_client_has(
    app: FakeApp,
) -> None:
    answer = await app.request("GET", f"{LIST}/nope", headers={"if-none-match": "*"})
    assert answer.status == 404
    assert (await app.request("GET", LIST, headers={"if-none-match": "*"})).status == 304


async def test_one_challenge_is_the_same_bytes_as_in_the_list(app: FakeApp) -> None:
    await app.request("POST", f"{LIST}/initialize")
    for player in ("alice", "stranger"):
        listed = await app.request("GET", LIST, player=player)
        alone = [
            await app.request("GET", f"{LIST}/{challenge['challengeId']}", player=player)
            for challenge in listed.json["challenges"]
        ]
        joined = b",".join(answer.body for answer in alone)
        assert listed.body == b'{"challenges":[%b]}' % joined
