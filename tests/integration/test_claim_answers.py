"""Claims and deletions as clients see them over HTTP, with a provider process of their own."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.domain.facts import GoalFacts
from app.domain.player import Player
from app.rewards.delivery import WAIT_S_MAX
from app.rewards.mock_provider import Fault, Faults, MockProvider, serving
from tests.app import V1, App, settings_for
from tests.asgi_client import Exchange
from tests.eventually import until
from tests.rewards import PATIENT_S

GOAL = ("challenge-001", "challenge-001-goal-01")
TUTORIAL = ("winter-challenge-2025", "complete-tutorial")
LOCKED = ("winter-challenge-2025", "kill-10-snowmen")
PLACES = 10
DONE = GoalFacts(active=True, completed_at_ms=1_000, carry=10)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[tuple[MockProvider, int]]:
    async with serving(tmp_path / "ledger", "127.0.0.1", 0) as served:
        yield served


@pytest.fixture
def wait_s_max(request: pytest.FixtureRequest) -> float:
    """How long players wait for the provider: no test depends on how fast it answers."""
    return float(getattr(request, "param", PATIENT_S))


@pytest.fixture
async def app(
    database_url: str,
    provider: tuple[MockProvider, int],
    wait_s_max: float,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[App]:
    monkeypatch.setattr("app.rewards.service.WAIT_S_MAX", wait_s_max)
    settings = settings_for(
        REWARD_URL=f"http://127.0.0.1:{provider[1]}/grants",
        NAMESPACE="game",
        ADMISSION_QUOTA="1000",
        DATABASE_POOL_SIZE=str(PLACES),
    )
    async with App(settings, database_url) as running:
        yield running


async def complete(app: App, *goals: tuple[str, str], player: str = "alice") -> None:
    clock_ms, _ = await app.players.read_many([])
    facts = Player.unknown(player, clock_ms)._replace(goals={goal: DONE for _, goal in goals})
    assert await app.players.insert_many([facts])


async def claim(
    app: App, goal: tuple[str, str], player: str | None = "alice", body: bytes = b""
) -> Exchange:
    challenge_id, goal_id = goal
    path = f"{V1}/challenges/{challenge_id}/goals/{goal_id}/claim"
    return await app.request("POST", path, player=player, body=body)


async def shown(app: App, goal: tuple[str, str]) -> dict[str, object]:
    answer = await app.request("GET", f"{V1}/challenges/{goal[0]}")
    [found] = [each for each in answer.json["goals"] if each["goalId"] == goal[1]]
    return dict(found)


async def test_a_claim_answers_with_the_reward_and_where_it_stands(
    app: App, provider: tuple[MockProvider, int]
) -> None:
    await complete(app, GOAL)
    answer = await claim(app, GOAL)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {
        "goalId": "challenge-001-goal-01",
        "status": "claimed",
        "reward": {"type": "WALLET", "rewardId": "GEMS", "quantity": 10},
        "claimedAt": answer.json["claimedAt"],
        "claimId": answer.json["claimId"],
        "rewardState": "granted",
    }
    seen = await shown(app, GOAL)
    assert (seen["status"], seen["claimedAt"]) == ("claimed", answer.json["claimedAt"])
    assert provider[0].ledger.grants == {
        answer.json["claimId"]: {
            "claimId": answer.json["claimId"],
            "player": "alice",
            "namespace": "game",
            "type": "WALLET",
            "rewardId": "GEMS",
            "quantity": 10,
        }
    }


async def test_a_second_claim_is_a_409_with_the_first_one_s_id(app: App) -> None:
    await complete(app, GOAL)
    first = await claim(app, GOAL)
    second = await claim(app, GOAL)
    assert second.status == 409
    assert second.json["code"] == 6
    assert second.json["errorCode"] == "ALREADY_CLAIMED"
    assert second.json["claimId"] == first.json["claimId"]
    claimed_at = first.json["claimedAt"]
    assert second.json["message"] == (
        f"Reward has already been claimed (goal_id: {GOAL[1]}, claimed_at: {claimed_at})"
    )


async def test_ten_claims_at_once_are_one_200_and_nine_409(
    app: App, provider: tuple[MockProvider, int]
) -> None:
    await complete(app, GOAL)
    answers = await asyncio.gather(*(claim(app, GOAL) for _ in range(10)))
    assert Counter(answer.status for answer in answers) == {200: 1, 409: 9}
    assert len({answer.json["claimId"] for answer in answers}) == 1
    assert len(provider[0].ledger.grants) == 1


@pytest.mark.parametrize(
    "body", [b"{}", b"", b"[1", b"null", b'{"claimedAt":1}', b"\xff\xfe", b"x"]
)
async def test_the_body_of_a_claim_means_nothing(app: App, body: bytes) -> None:
    await complete(app, GOAL)
    assert (await claim(app, GOAL, body=body)).status == 200


@pytest.mark.parametrize(
    ("goal", "status", "code", "error_code"),
    [
        (("challenge-001", "nowhere"), 404, 5, "GOAL_NOT_FOUND"),
        (("nowhere", GOAL[1]), 404, 5, "GOAL_NOT_FOUND"),
        (("winter-challenge-2025", GOAL[1]), 404, 5, "GOAL_NOT_FOUND"),
        (("c" * 5_000, "g" * 3_000), 404, 5, "GOAL_NOT_FOUND"),
        (TUTORIAL, 400, 9, "GOAL_NOT_COMPLETED"),
        (LOCKED, 400, 9, "GOAL_LOCKED"),
    ],
)
async def test_what_cannot_be_claimed_has_the_contract_s_status_and_code(
    app: App, goal: tuple[str, str], status: int, code: int, error_code: str
) -> None:
    await complete(app, GOAL, LOCKED)
    answer = await claim(app, goal)
    assert answer.status == status
    assert (answer.json["code"], answer.json["errorCode"]) == (code, error_code)
    assert len(answer.body) < 2_000


async def test_a_claim_without_identity_is_a_401(app: App) -> None:
    assert (await claim(app, GOAL, player=None)).status == 401
    assert (await app.request("DELETE", f"{V1}/users/me/data", player=None)).status == 401


async def test_a_refused_reward_is_a_502_and_can_be_claimed_again(
    app: App, provider: tuple[MockProvider, int]
) -> None:
    await complete(app, GOAL)
    provider[0].faults = Faults({Fault.REFUSE: 1.0})
    answer = await claim(app, GOAL)
    assert answer.status == 502
    assert answer.json["code"] == 13
    assert answer.json["errorCode"] == "REWARD_GRANT_FAILED"
    assert answer.json["message"] == (
        f"Failed to grant reward via Platform Service after 3 retries (goal_id: {GOAL[1]})"
    )
    assert "a refusal on demand" not in answer.body.decode()
    assert (await shown(app, GOAL))["status"] == "completed"
    provider[0].faults = Faults()
    assert (await claim(app, GOAL)).json["rewardState"] == "granted"


@pytest.mark.parametrize("wait_s_max", [WAIT_S_MAX], indirect=True)
async def test_while_the_provider_is_silent_others_have_the_place_and_the_connections(
    app: App, provider: tuple[MockProvider, int]
) -> None:
    """Claims wait 300 ms for the provider, and others at the gate no longer than 150 ms."""
    provider[0].faults = Faults({Fault.SILENCE: 1.0})
    players = [f"p{number}" for number in range(PLACES)]
    for player in players:
        await complete(app, GOAL, player=player)
    claims = [asyncio.create_task(claim(app, GOAL, player)) for player in players]

    async def all_are_asked_for() -> bool:
        return provider[0].requests == len(players)

    await until(all_are_asked_for)
    assert (await app.request("GET", f"{V1}/challenges")).status == 200
    answers = await asyncio.gather(*claims)
    assert {answer.json["rewardState"] for answer in answers} == {"pending"}


async def test_a_deletion_says_how_many_rows_and_the_second_one_none(app: App) -> None:
    await complete(app, GOAL, TUTORIAL)
    await claim(app, GOAL)
    await claim(app, TUTORIAL)
    for rows in (3, 0):
        answer = await app.request("DELETE", f"{V1}/users/me/data")
        assert answer.status == 200
        assert answer.json == {"userId": "alice", "rowsDeleted": rows}
    assert (await shown(app, GOAL))["status"] == "not_started"
    await complete(app, GOAL)
    assert (await shown(app, GOAL))["status"] == "completed"
    assert (await claim(app, GOAL)).status == 409
    assert (await shown(app, GOAL))["status"] == "claimed"


async def test_nothing_but_a_deletion_is_known_there(app: App) -> None:
    answer = await app.request("GET", f"{V1}/users/me/data")
    assert answer.status == 405
    assert answer.headers["allow"] == "DELETE"
