"""A grant is true whoever heard of it: what was decided without knowing gives way to it."""

from collections.abc import AsyncIterator

import pytest

from app.domain.reward import Call, ClaimState, Settlement, Unknown
from tests.catalogues import make_catalogue, make_goal
from tests.database import run_sql
from tests.rewards import LEASE_MS, ScriptedProvider, ScriptedShop, Shop

GRANTED = Settlement(ClaimState.GRANTED)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[ScriptedShop]:
    catalogue = make_catalogue(make_goal("g0"))
    async with Shop(database_url, catalogue, ScriptedProvider(Unknown("500"))) as shop:
        await shop.complete("ann", ["g0"])
        await shop.claim("ann", "g0")
        yield shop


async def lease(shop: ScriptedShop) -> Call:
    run_sql(shop.url, "update claim set due_at = now()")
    [call] = await shop.outbox.lease(1, LEASE_MS)
    return call


async def test_a_grant_counts_although_its_lease_ran_out(shop: ScriptedShop) -> None:
    slow, newer = await lease(shop), await lease(shop)
    assert await shop.outbox.settle(slow, GRANTED)
    assert await shop.stored("ann") == {"g0": "granted"}
    assert not await shop.outbox.settle(newer, Settlement(ClaimState.REFUSED, "422"))
    assert not await shop.outbox.settle(newer, GRANTED)
    [stored] = await shop.outbox.list_of_player("ann", 1)
    assert (stored.state, stored.leased, stored.error) == (ClaimState.GRANTED, False, None)


@pytest.mark.parametrize("decided", [ClaimState.REFUSED, ClaimState.IN_DOUBT, ClaimState.PENDING])
async def test_a_grant_outweighs_what_a_person_decided(
    shop: ScriptedShop, decided: ClaimState
) -> None:
    call = await lease(shop)
    assert await shop.outbox.decide(call.claim.claim_id, decided)
    assert await shop.outbox.settle(call, GRANTED)
    assert await shop.stored("ann") == {"g0": "granted"}
    assert await shop.outbox.count_open() == {}


async def test_a_late_grant_removes_what_a_deletion_kept(shop: ScriptedShop) -> None:
    slow = await lease(shop)
    await shop.claims.erase("ann")
    newer = await lease(shop)
    assert await shop.outbox.settle(newer, Settlement(ClaimState.IN_DOUBT, "500", uncertain=True))
    assert await shop.outbox.settle(slow, GRANTED)
    assert run_sql(shop.url, "select count(*) from claim") == ["0"]
