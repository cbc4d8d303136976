"""A connection that is cut while a claim commits: whether it was made is found out, not guessed."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from app.domain.player import Player
from app.domain.reward import Call, Claim, ClaimState, Making, RefusedForGood, Undo
from app.errors import ServiceReason
from db.claims import PgClaims
from middleware.problem import Problem
from tests.catalogues import make_catalogue, make_goal
from tests.cutting_proxy import CuttingProxy
from tests.database import reachable_folder, run_sql
from tests.eventually import until
from tests.rewards import ScriptedProvider, ScriptedShop, Shop

UNDO_ANSWERS = 5
"""Of begin, lock, unmake, restore and commit."""


class Cut(NamedTuple):
    """What to cut in the next write of a claim."""

    answer_after: int | None = None
    request: bool = False


class CuttingClaims(PgClaims):
    """Claims whose next write meets a cut; only writes do."""

    cut = Cut()

    def __init__(self, shop: ScriptedShop, proxy: CuttingProxy) -> None:
        super().__init__(shop.database, erasure_secret="s" * 32)
        self._proxy = proxy

    def _arm(self) -> None:
        self._proxy.cut_answer_after, self._proxy.cut_next_request = self.cut
        self.cut = Cut()

    async def make(self, claimed: Player, claim: Claim, lease_ms: int | None) -> Making:
        self._arm()
        return await super().make(claimed, claim, lease_ms)

    async def undo(self, call: Call, undo: Undo) -> bool:
        self._arm()
        return await super().undo(call, undo)


class Counter(NamedTuple):
    """A shop whose only connection leads through the proxy."""

    shop: ScriptedShop
    claims: CuttingClaims
    proxy: CuttingProxy


@pytest.fixture
async def counter(database_url: str) -> AsyncIterator[Counter]:
    with reachable_folder() as folder:
        async with CuttingProxy.running(database_url, Path(folder)) as proxy:
            catalogue = make_catalogue(make_goal("g0"), make_goal("warm"))
            async with Shop(proxy.url, catalogue, ScriptedProvider(), pool_size=1) as shop:
                claims = CuttingClaims(shop, proxy)
                shop.use(claims)
                yield Counter(shop, claims, proxy)


async def warm_up(shop: ScriptedShop, player: str) -> None:
    """Prepare every statement, so that each is one answer from now on."""
    await shop.complete(player, ["g0", "warm"])
    shop.provider.script = [RefusedForGood("422")]
    with pytest.raises(Problem):
        await shop.claim(player, "warm")
    await shop.claim(player, "warm")


async def test_a_commit_whose_answer_was_lost_is_found_and_the_claim_is_made(
    counter: Counter, database_url: str
) -> None:
    shop, claims, proxy = counter
    for number in range(10):
        player = f"p{number}"
        await warm_up(shop, player)
        claims.cut = Cut(answer_after=0)
        result = await shop.claim(player, "g0")
        assert result.state is ClaimState.PENDING
        assert proxy.cuts == number + 1
    assert run_sql(database_url, "select count(*) from claim where state = 'pending'") == ["10"]
    with pytest.raises(Problem) as caught:
        await shop.claim("p0", "g0")
    assert caught.value.reason == ServiceReason.ALREADY_CLAIMED

    async def all_are_given_back() -> bool:
        rows = "select distinct leased, uncertain, due_at <= now(), attempt - attempts_before"
        pending = " from claim where state = 'pending'"
        return run_sql(database_url, rows + pending) == ["f|f|t|0"]

    # Nobody called, so nothing is uncertain, no try is used up, and no lease has to run out.
    await until(all_are_given_back)
    shop.relay.start()

    async def all_are_granted() -> bool:
        return run_sql(database_url, "select distinct state from claim") == ["granted"]

    await until(all_are_granted)
    # Each warm-up asked twice under one key.
    assert len(shop.provider.asked) == 10 * 2 + 10
    assert len(set(shop.provider.keys)) == 20


async def test_a_write_that_never_arrived_is_repeated(counter: Counter, database_url: str) -> None:
    shop, claims, proxy = counter
    for number in range(10):
        player = f"p{number}"
        await warm_up(shop, player)
        claims.cut = Cut(request=True)
        assert (await shop.claim(player, "g0")).state is ClaimState.GRANTED
        assert proxy.cuts == number + 1
    assert run_sql(database_url, "select count(*) from claim where goal = 'g0'") == ["10"]
    assert len(set(shop.provider.keys)) == 20


@pytest.mark.parametrize("answers", range(UNDO_ANSWERS))
async def test_an_undoing_that_is_cut_is_done_or_not_done_and_never_half(
    counter: Counter, database_url: str, answers: int
) -> None:
    shop, claims, proxy = counter
    await warm_up(shop, "ann")
    shop.provider.script = [RefusedForGood("422")]

    async def refuse() -> RefusedForGood:
        claims.cut = Cut(answer_after=answers)
        return RefusedForGood("422")

    shop.provider.script = [refuse()]
    with pytest.raises(Problem) as caught:
        await shop.claim("ann", "g0")
    assert caught.value.reason == ServiceReason.DATABASE_UNAVAILABLE
    assert proxy.cuts == 1

    async def server_has_ended_it() -> bool:
        return run_sql(database_url, OPEN_TRANSACTIONS) == ["0"]

    await until(server_has_ended_it)
    undone = answers == UNDO_ANSWERS - 1
    assert (await shop.facts("ann")).goals["g0"].claimed is not undone
    assert ("g0" in await shop.stored("ann")) is not undone


OPEN_TRANSACTIONS = (
    "select count(*) from pg_stat_activity"
    " where application_name = 'headrace' and xact_start is not null"
)
