"""The call right after a claim: who waits for it how long, and what becomes of it without them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from app.domain.player import Player
from app.domain.reward import Call, Claim, ClaimState, Granted, Making, RefusedForGood
from db.claims import PgClaims
from middleware.problem import Problem
from tests.catalogues import make_catalogue, make_goal
from tests.database import run_sql
from tests.eventually import until
from tests.integration.test_pool import TERMINATE
from tests.rewards import HASTY_S, ScriptedProvider, ScriptedShop, Shop

Answer = asyncio.Future[Granted | RefusedForGood]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[ScriptedShop]:
    catalogue = make_catalogue(make_goal("g0"))
    async with Shop(database_url, catalogue, ScriptedProvider()) as shop:
        await shop.complete("ann", ["g0"])
        yield shop


@pytest.fixture
async def hasty(database_url: str) -> AsyncIterator[ScriptedShop]:
    """Give a shop whose players wait no moment for the provider."""
    catalogue = make_catalogue(make_goal("g0"))
    async with Shop(database_url, catalogue, ScriptedProvider(), wait_s_max=HASTY_S) as shop:
        await shop.complete("ann", ["g0"])
        yield shop


async def is_asked(shop: ScriptedShop) -> bool:
    return bool(shop.provider.asked)


async def test_who_has_waited_long_enough_is_told_pending_and_the_call_goes_on(
    hasty: ScriptedShop,
) -> None:
    answer: Answer = asyncio.Future()
    hasty.provider.script = [answer]
    assert (await hasty.claim("ann", "g0")).state is ClaimState.PENDING
    assert await hasty.stored("ann") == {"g0": "pending"}
    answer.set_result(Granted())

    async def is_granted() -> bool:
        return await hasty.stored("ann") == {"g0": "granted"}

    await until(is_granted)
    assert len(hasty.provider.asked) == 1


async def test_a_refusal_that_comes_too_late_undoes_nothing(hasty: ScriptedShop) -> None:
    answer: Answer = asyncio.Future()
    hasty.provider.script = [answer]
    await hasty.claim("ann", "g0")
    answer.set_result(RefusedForGood("404"))

    async def is_refused() -> bool:
        return await hasty.stored("ann") == {"g0": "refused"}

    await until(is_refused)
    assert (await hasty.facts("ann")).goals["g0"].claimed


async def test_who_waits_while_a_claim_is_undone_hears_of_it_however_long_it_takes(
    database_url: str,
) -> None:
    """Told that it is pending, the player would wait for a reward that nobody owes any more."""
    catalogue = make_catalogue(make_goal("g0"))
    # The answer comes at once, and no time is left for anything that takes any.
    async with Shop(database_url, catalogue, ScriptedProvider(), wait_s_max=0.0) as shop:
        await shop.complete("ann", ["g0"])
        shop.provider.script = [RefusedForGood("422")]
        with pytest.raises(Problem) as caught:
            await shop.claim("ann", "g0")
        assert caught.value.reason.status == 502
        assert await shop.stored("ann") == {}


async def test_a_player_who_leaves_gets_the_reward_all_the_same(shop: ScriptedShop) -> None:
    answer: Answer = asyncio.Future()
    shop.provider.script = [answer]
    claiming = asyncio.create_task(shop.claim("ann", "g0"))
    await until(lambda: is_asked(shop))
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    # Nobody would hear that it was undone, so it is not.
    answer.set_result(RefusedForGood("404"))

    async def is_refused() -> bool:
        return await shop.stored("ann") == {"g0": "refused"}

    await until(is_refused)


async def test_who_leaves_before_a_call_began_leaves_the_claim_to_the_relay_at_once(
    database_url: str,
) -> None:
    class Silent(PgClaims):
        written = asyncio.Event()

        async def make(self, claimed: Player, claim: Claim, lease_ms: int | None) -> Making:
            await super().make(claimed, claim, lease_ms)
            self.written.set()
            return await asyncio.Future[Making]()

    catalogue = make_catalogue(make_goal("g0"))
    async with Shop(database_url, catalogue, ScriptedProvider(), concurrency=1) as shop:
        await shop.complete("ann", ["g0"])
        silent = Silent(shop.database, erasure_secret="s" * 32)
        shop.use(silent)
        claiming = asyncio.create_task(shop.claim("ann", "g0"))
        await silent.written.wait()
        claiming.cancel()
        with pytest.raises(asyncio.CancelledError):
            await claiming

        async def place_is_back() -> bool:
            return await shop.deliveries.reserve()

        await until(place_is_back)
        [call] = await shop.outbox.lease(1, shop.deliveries.lease_ms)
        # Nobody called: nothing is uncertain, and no try was used up.
        assert (call.attempt, call.tries, call.uncertain) == (2, 1, False)


async def test_a_claim_that_somebody_else_made_is_not_taken_from_its_caller(
    shop: ScriptedShop,
) -> None:
    answer: Answer = asyncio.Future()
    shop.provider.script = [answer]
    claiming = asyncio.create_task(shop.claim("ann", "g0"))
    await until(lambda: is_asked(shop))
    [asked] = shop.provider.asked
    other = asked._replace(claimed_at_ms=asked.claimed_at_ms + 1)
    await shop.outbox.release(Call(other, attempt=1, tries=1, uncertain=False))
    assert await shop.outbox.lease(1, shop.deliveries.lease_ms) == []
    answer.set_result(Granted())
    assert (await claiming).state is ClaimState.GRANTED


async def test_the_place_is_given_back_at_the_commit_and_before_the_provider_answers(
    shop: ScriptedShop,
) -> None:
    answer: Answer = asyncio.Future()
    shop.provider.script = [answer]
    released: list[str] = []

    def release() -> None:
        released.append("released")
        assert shop.database.in_use == 0

    claiming = asyncio.create_task(shop.claim("ann", "g0", release))
    await until(lambda: is_asked(shop))
    assert released == ["released"]
    assert shop.database.in_use == 0
    assert await shop.stored("ann") == {"g0": "pending"}
    answer.set_result(Granted())
    assert (await claiming).state is ClaimState.GRANTED
    assert released == ["released"]


async def test_a_claim_that_is_refused_by_the_rules_keeps_its_place_and_its_call(
    shop: ScriptedShop,
) -> None:
    released: list[str] = []
    for _ in range(30):
        with pytest.raises(Problem):
            await shop.claim("bob", "g0", lambda: released.append("released"))
    assert released == []
    # No reservation was lost on the way.
    assert (await shop.claim("ann", "g0")).state is ClaimState.GRANTED


async def test_an_undoing_that_fails_is_a_503_and_the_claim_stands(
    shop: ScriptedShop, database_url: str
) -> None:
    async def refuse() -> RefusedForGood:
        await shop.database.close()
        return RefusedForGood("422")

    shop.provider.script = [refuse()]
    with pytest.raises(Problem) as caught:
        await shop.claim("ann", "g0")
    assert caught.value.reason.status == 503
    assert run_sql(database_url, "select state, leased from claim") == ["pending|t"]


async def test_an_undoing_that_meets_a_newer_layout_does_nothing_and_names_no_player(
    shop: ScriptedShop, database_url: str
) -> None:
    async def refuse() -> RefusedForGood:
        run_sql(database_url, "update player set format = format + 1")
        return RefusedForGood("422")

    shop.provider.script = [refuse()]
    with capture_logs() as lines, pytest.raises(Problem) as caught:
        await shop.claim("ann", "g0")
    assert caught.value.reason.status == 503
    assert "ann" not in f"{lines} {caught.value.__cause__}"
    assert await shop.stored("ann") == {"g0": "pending"}


async def test_a_grant_that_cannot_be_written_down_is_told_and_asked_again(
    shop: ScriptedShop, database_url: str
) -> None:
    async def grant() -> Granted:
        run_sql(database_url, TERMINATE)
        return Granted()

    shop.provider.script = [grant()]
    assert (await shop.claim("ann", "g0")).state is ClaimState.GRANTED
    assert await asyncio.to_thread(run_sql, database_url, "select state from claim") == ["pending"]
    run_sql(database_url, "update claim set due_at = now()")
    shop.relay.start()

    async def is_granted() -> bool:
        return run_sql(database_url, "select state from claim") == ["granted"]

    await until(is_granted)
    assert len(set(shop.provider.keys)) == 1
    assert len(shop.provider.asked) == 2


async def test_claims_are_counted_by_what_their_players_were_told(shop: ScriptedShop) -> None:
    shop.provider.script = [RefusedForGood("422")]
    with pytest.raises(Problem):
        await shop.claim("ann", "g0")
    await shop.claim("ann", "g0")
    value = shop.metrics.registry.get_sample_value
    assert value("reward_claims_total", {"state": "refused"}) == 1
    assert value("reward_claims_total", {"state": "granted"}) == 1
    assert value("reward_call_duration_seconds_count", {"outcome": "granted"}) == 1
