"""`python -m app claims` and `mock-provider`, as processes of their own."""

import asyncio
import json
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.domain.reward import ClaimState, Settlement, Unknown
from app.rewards.mock_provider import Fault, Faults
from tests.catalogues import make_catalogue, make_goal
from tests.database import run_sql
from tests.eventually import PATIENCE_S
from tests.integration.test_player_commands import run, start
from tests.rewards import LEASE_MS, ScriptedProvider, ScriptedShop, Shop

NOBODY = "00000000-0000-0000-0000-000000000000"
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
def test_every_claim_is_shown_whole_however_narrow_the_terminal_is(database_url: str) -> None:
    code, out, _ = run("claims", "list", DATABASE_URL=database_url, COLUMNS="20")
    [doubted, _] = listed(database_url)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"{doubted['claimId']} in_doubt"
    assert "  player      ann" in lines
    assert "  goal        g1, once" in lines
    assert "  reward      5 WALLET GOLD" in lines
    assert "  last error  500: [red]broken[/red]" in lines
    assert lines[-1] == "2 claims"


@pytest.mark.usefixtures("shop_of_ann")
def test_what_others_wrote_gives_the_terminal_no_orders(database_url: str) -> None:
    for column in ("player", "goal", "period", "reward_id", "error"):
        orders = "chr(27) || '[2J' || chr(127) || chr(155)"
        run_sql(database_url, f"update claim set {column} = {column} || {orders}")
    player = "ann\x1b[2J\x7f\x9b"
    for command in (("claims", "list"), ("claims", "list", "--json"), ("player", player)):
        code, out, _ = run(*command, DATABASE_URL=database_url)
        assert code == 0
        assert not set(out) & {"\x1b", "\x7f", "\x9b"}
        assert "[2J" in out
    assert listed(database_url)[0]["player"] == player


def owe_many(database_url: str, number: int) -> None:
    run_sql(
        database_url,
        "insert into claim (claim_id, player, goal, period, challenge, namespace, reward_type,"
        " reward_id, reward_quantity, claimed_at, state, attempt, leased, due_at)"
        " select gen_random_uuid(), 'ann', 'g', 'd' || n, 'c', 'n', 'ITEM', 'hat', 1,"
        " now() + n * interval '1 s', 'in_doubt', 3, false, now()"
        f" from generate_series(1, {number}) as n",
    )


def test_a_list_that_is_cut_says_so(database_url: str) -> None:
    owe_many(database_url, 1_003)
    code, out, complaints = run("claims", "list", DATABASE_URL=database_url)
    assert (code, complaints) == (0, "")
    assert out.splitlines()[-1] == "the first 1000 of 1003 claims"
    assert out.count("in_doubt") == 1_000
    code, out, complaints = run("claims", "list", "--json", DATABASE_URL=database_url)
    assert (code, len(out.splitlines())) == (0, 1_000)
    assert complaints == "headrace: the first 1000 of 1003 claims\n"
    _, out, _ = run("claims", "list", "--player", "ann", DATABASE_URL=database_url)
    assert out.splitlines()[-1] == "the first 1000 of more claims"


def test_claims_of_one_state_are_retried_together_and_counted(database_url: str) -> None:
    owe_many(database_url, 1_003)

    def retry() -> tuple[int, str, str]:
        return run(
            "claims", "settle", "--state", "in_doubt", "--as", "retry", DATABASE_URL=database_url
        )

    assert retry() == (0, "1000 claims: pending; 3 are in_doubt still\n", "")
    assert retry() == (0, "3 claims: pending; 0 are in_doubt still\n", "")
    assert retry() == (0, "0 claims: pending; 0 are in_doubt still\n", "")
    assert run_sql(database_url, "select distinct state from claim") == ["pending"]


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("--state", "in_doubt", "--as", "granted"), 1, "granted is said of one claim"),
        (("--state", "refused", "--as", "refused"), 1, "refused is said of one claim"),
        (("--state", "pending", "--as", "retry"), 2, "invalid choice"),
        (("--as", "retry"), 2, "required"),
        ((NOBODY, "--state", "in_doubt", "--as", "retry"), 2, "not allowed with"),
    ],
)
def test_many_claims_can_only_be_retried(
    arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    ended, _, complaints = run("claims", "settle", *arguments)
    assert ended == code
    assert complaint in complaints


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
    code, _, complaints = settle(database_url, NOBODY, "granted")
    assert code == 1
    assert "no such claim" in complaints
    assert run("claims", "settle", "nonsense", "--as", "granted")[0] == 2
    assert run("claims", "settle", NOBODY, "--as", "maybe")[0] == 2


def test_a_mock_provider_that_is_killed_knows_what_it_granted(tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger")

    def grant(url: str, player: str) -> int:
        body = json.dumps({"player": player}).encode()
        request = urllib.request.Request(url, body, {"Idempotency-Key": "key"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
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
        process.communicate(timeout=PATIENCE_S)


def test_the_faults_that_the_mock_provider_explains_are_those_that_it_takes() -> None:
    code, out, _ = run("mock-provider", "--help")
    assert code == 0
    [body] = re.findall(r"curl -X PUT -d '(.+)'", out)
    assert msgspec.json.decode(body, type=Faults).shares
    assert all(re.search(rf"\b{fault}\b", out) for fault in Fault)
