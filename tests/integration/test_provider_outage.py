"""A provider that cannot be reached, for however long, makes no claim doubtful."""

from collections.abc import AsyncIterator

import pytest

from app.domain.reward import ClaimState, NotGranted, RefusedForGood, Settlement, Unknown
from tests.catalogues import make_catalogue, make_goal
from tests.database import run_sql
from tests.eventually import until
from tests.rewards import LEASE_MS, ScriptedProvider, ScriptedShop, Shop

ATTEMPTS = 25
TRIES_MAX = 3


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[ScriptedShop]:
    catalogue = make_catalogue(make_goal("g0"))
    provider = ScriptedProvider()
    async with Shop(database_url, catalogue, provider, tries_max=TRIES_MAX) as shop:
        await shop.complete("ann", ["g0"])
        yield shop


async def outlast(shop: ScriptedShop, attempts: int) -> None:
    """Let the time of the next attempt come until there were so many."""

    async def were_made() -> bool:
        due = f"not leased and attempt < {attempts}"
        run_sql(shop.url, f"update claim set due_at = now() where {due}")
        [stored] = await shop.outbox.list_of_player("ann", 1)
        return stored.attempt == attempts and not stored.leased

    await until(were_made)


async def test_a_long_outage_leaves_a_claim_pending_with_the_longest_delay(
    shop: ScriptedShop,
) -> None:
    shop.provider.script = [NotGranted("no connection")] * ATTEMPTS
    assert (await shop.claim("ann", "g0")).state is ClaimState.PENDING
    shop.relay.start()
    await outlast(shop, ATTEMPTS)
    [stored] = await shop.outbox.list_of_player("ann", 1)
    assert (stored.state, stored.uncertain) == (ClaimState.PENDING, False)
    assert stored.error == "no connection"
    [minutes] = run_sql(shop.url, "select ceil(extract(epoch from due_at - now()) / 60) from claim")
    assert 7 < int(minutes) <= 15


async def test_after_an_outage_all_tries_are_left(shop: ScriptedShop) -> None:
    shop.provider.script = [*[NotGranted("429")] * 10, *[Unknown("500")] * TRIES_MAX]
    await shop.claim("ann", "g0")
    shop.relay.start()
    await outlast(shop, 10 + TRIES_MAX - 1)
    assert await shop.stored("ann") == {"g0": "pending"}
    await outlast(shop, 10 + TRIES_MAX)
    assert await shop.stored("ann") == {"g0": "in_doubt"}


async def test_a_refusal_after_an_outage_is_a_refusal(shop: ScriptedShop) -> None:
    shop.provider.script = [NotGranted("no connection"), RefusedForGood("422")]
    await shop.claim("ann", "g0")
    shop.relay.start()
    await outlast(shop, 2)
    assert await shop.stored("ann") == {"g0": "refused"}


async def test_what_an_outage_made_doubtful_is_asked_for_anew_oldest_first(
    shop: ScriptedShop,
) -> None:
    for player in ("bob", "cid", "dan"):
        await shop.complete(player, ["g0"])
        shop.provider.script = [Unknown("500")]
        await shop.claim(player, "g0")
    run_sql(shop.url, "update claim set due_at = now()")
    for call in await shop.outbox.lease(3, LEASE_MS):
        state = ClaimState.REFUSED if call.claim.player_id == "dan" else ClaimState.IN_DOUBT
        assert await shop.outbox.settle(call, Settlement(state, "500", uncertain=True))
    assert await shop.outbox.retry(ClaimState.IN_DOUBT, 1) == 1
    assert await shop.stored("bob") == {"g0": "pending"}
    assert await shop.stored("cid") == {"g0": "in_doubt"}
    assert await shop.outbox.retry(ClaimState.IN_DOUBT, 10) == 1
    assert await shop.outbox.retry(ClaimState.IN_DOUBT, 10) == 0
    assert await shop.outbox.count_open() == {ClaimState.PENDING: 2, ClaimState.REFUSED: 1}
    calls = await shop.outbox.lease(10, LEASE_MS)
    assert [(call.tries, call.uncertain) for call in calls] == [(1, True)] * 2
