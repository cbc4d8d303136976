"""`python -m app claims` and `mock-provider`, as processes of their own."""

import asyncio
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.domain.reward import ClaimState, Settlement, Unknown
from tests.catalogues import make_catalogue, make_goal
from tests.database import run_sql
from tests.integration.test_player_commands import run, start
from tests.rewards import LEASE_MS, ScriptedProvider, ScriptedShop, Shop

CATALOGUE = make_catalogue(make_goal("g0"), make_goal("g1"), make_goal("g2"))


@pytest.fixture
def shop_of_ann(database_url: str) -> None:
    """Let ann have a granted claim, one in doubt and one that is pending."""

    async def fill(shop: ScriptedShop) -> None:
        await shop.complete("ann", ["g0", "g1", "g2"])
        await shop.claim("ann", "g0")
        shop.provider.script = [Unknown("500: [red]broken[/red]"), Unknown("503: later", 60_000)]
        await shop.claim("ann", "g1")
        run_sql(database_url, "update claim set due_at = now() where state = 'pending'")
        [call] = await shop.outbox.lease(1, LEASE_MS)
        doubt = Settlement(ClaimState.IN_DOUBT, "500: [red]broken[/red]", uncertain=True)
        assert await shop.outbox.settle(call, doubt)
        shop.provider.script = [Unknown("503: later", 60_000)]
        await shop.claim("ann", "g2")

    in_shop(database_url, fill)


def in_shop(database_url: str, act: Callable[[ScriptedShop], Awaitable[None]]) -> None:
    async def open_and_act() -> None:
        async with Shop(database_url, CATALOGUE, ScriptedProvider()) as shop:
            await act(shop)

    asyncio.run(open_and_act())


def listed(database_url: str, *arguments: str) -> list[dict[str, Any]]:
    code, out, complaints = run("claims", "list", "--json", *arguments, DATABASE_URL=database_url)
    assert (code, complaints) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def settle(database_url: str, claim_id: str, verdict: str) -> tuple[int, str, str]:
    return run("claims", "settle", claim_id, "--as", verdict, DATABASE_URL=database_url)


@pytest.mark.usefixtures("shop_of_ann")
def test_what_is_not_granted_is_listed_with_what_it_met(database_url: str) -> None:
    doubted, pending = listed(database_url)
    assert doubted["goalId"] == "g1"
    assert doubted["state"] == "in_doubt"
    assert doubted["lastError"] == "500: [red]broken[/red]"
    assert doubted["reward"] == {"type": "WALLET", "rewardId": "GOLD", "quantity": 5}
    assert doubted["attempts"] == 2
    assert doubted["nextAttemptAt"] is None
    assert doubted["settledAt"] is not None
    assert (pending["goalId"], pending["state"], pending["underWay"]) == ("g2", "pending", False)
    assert pending["nextAttemptAt"] > pending["claimedAt"]


@pytest.mark.usefixtures("shop_of_ann")
def test_a_list_can_be_of_one_player_or_of_some_states(database_url: str) -> None:
    assert [claim["goalId"] for claim in listed(database_url, "--player", "ann")] == [
        "g0",
        "g1",
        "g2",
    ]
    assert listed(database_url, "--player", "bob") == []
    [only] = listed(database_url, "--player", "ann", "--state", "granted")
    assert only["goalId"] == "g0"
    [pending] = listed(database_url, "--state", "pending", "--state", "refused")
    assert pending["goalId"] == "g2"
    code, _, complaints = run("claims", "list", "--state", "granted", DATABASE_URL=database_url)
    assert code == 1
    assert "--player" in complaints


@pytest.mark.usefixtures("shop_of_ann")
def test_the_table_shows_what_was_written_and_not_what_it_would_do(database_url: str) -> None:
    code, out, _ = run("claims", "list", DATABASE_URL=database_url, COLUMNS="200")
    assert code == 0
    assert "500: [red]broken[/red]" in out
    assert "2 claims" in out


@pytest.mark.usefixtures("shop_of_ann")
def test_a_person_s_word_is_written_down(database_url: str) -> None:
    doubted, pending = listed(database_url)
    assert settle(database_url, doubted["claimId"], "retry")[0] == 0
    assert settle(database_url, pending["claimId"], "refused")[:2] == (
        0,
        f"{pending['claimId']}: refused\n",
    )
    assert {claim["goalId"]: claim["state"] for claim in listed(database_url)} == {
        "g1": "pending",
        "g2": "refused",
    }
    assert settle(database_url, doubted["claimId"], "granted")[0] == 0
    code, _, complaints = settle(database_url, doubted["claimId"], "refused")
    assert code == 1
    assert "granted already" in complaints


@pytest.mark.usefixtures("shop_of_ann")
def test_a_deleted_player_s_claim_goes_with_a_person_s_word(database_url: str) -> None:
    async def erase(shop: ScriptedShop) -> None:
        assert await shop.claims.erase("ann") == (2, 2)

    in_shop(database_url, erase)
    doubted, pending = listed(database_url)
    assert doubted["playerDeleted"]
    assert settle(database_url, doubted["claimId"], "granted")[0] == 0
    assert settle(database_url, pending["claimId"], "retry")[0] == 0
    assert [claim["goalId"] for claim in listed(database_url)] == ["g2"]
    assert settle(database_url, pending["claimId"], "refused")[0] == 0
    assert listed(database_url) == []


def test_what_is_no_claim_is_told(database_url: str) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    code, _, complaints = settle(database_url, nobody, "granted")
    assert code == 1
    assert "no such claim" in complaints
    assert run("claims", "settle", "nonsense", "--as", "granted")[0] == 2
    assert run("claims", "settle", nobody, "--as", "maybe")[0] == 2


def test_a_mock_provider_that_is_killed_knows_what_it_granted(tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger")

    def grant(url: str, player: str) -> int:
        body = json.dumps({"player": player}).encode()
        request = urllib.request.Request(url, body, {"Idempotency-Key": "key"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    for expected in (200, 422):
        process = start("mock-provider", "--port", "0", "--ledger", ledger)
        assert process.stdout is not None
        name, _, url = process.stdout.readline().strip().partition("=")
        assert name == "REWARD_URL"
        assert grant(url, f"player of the {expected}") == expected
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
