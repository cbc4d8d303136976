"""The relay: every claim is granted once, whoever dies, and whatever is not known is said so."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.domain.reward import ClaimState, Granted, RefusedForGood, Settlement, Unknown
from db.outbox import PgOutbox
from tests.catalogues import make_catalogue, make_goal
from tests.database import run_sql
from tests.eventually import until
from tests.integration.test_pool import TERMINATE
from tests.rewards import LEASE_MS, ScriptedProvider, ScriptedShop, Shop

PLAYERS = [f"p{number:02}" for number in range(40)]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[ScriptedShop]:
    catalogue = make_catalogue(make_goal("g0"), make_goal("g1"))
    async with Shop(database_url, catalogue, ScriptedProvider(), concurrency=8) as shop:
        yield shop


async def owe(shop: ScriptedShop, *players: str) -> None:
    """Let players claim while no call can begin, so that all of it is left to the relay."""
    for player in players:
        await shop.complete(player, ["g0"])
    places = [await shop.deliveries.reserve() for _ in range(8)]
    for player in players:
        assert (await shop.claim(player, "g0")).state is ClaimState.PENDING
    for _ in filter(None, places):
        shop.deliveries.cancel()


def make_due(database_url: str) -> None:
    """Let the time of the next attempts have come."""
    run_sql(database_url, "update claim set due_at = now() where not leased")


def end_leases(database_url: str) -> None:
    """Let so much time go by that whoever holds a lease is taken for dead."""
    run_sql(database_url, "update claim set due_at = now() where leased")


def states(database_url: str) -> set[str]:
    return set(run_sql(database_url, "select distinct state from claim"))


async def all_granted(database_url: str) -> bool:
    return states(database_url) == {"granted"}


async def test_what_was_left_to_the_relay_is_granted_once(
    shop: ScriptedShop, database_url: str
) -> None:
    await owe(shop, *PLAYERS)
    shop.relay.start()
    await until(lambda: all_granted(database_url))
    assert sorted(claim.player_id for claim in shop.provider.asked) == PLAYERS
    assert run_sql(database_url, "select count(*) from claim where settled_at is null") == ["0"]


async def test_two_relays_never_take_the_same_claim(shop: ScriptedShop) -> None:
    await owe(shop, *PLAYERS)
    taken = await asyncio.gather(
        *(outbox.lease(7, LEASE_MS) for outbox in [shop.outbox, PgOutbox(shop.database)] * 4)
    )
    players = [call.claim.player_id for calls in taken for call in calls]
    assert sorted(players) == PLAYERS
    assert await shop.outbox.lease(7, LEASE_MS) == []


async def test_the_oldest_due_claim_is_taken_first(shop: ScriptedShop, database_url: str) -> None:
    await owe(shop, "ann", "bob")
    run_sql(database_url, "update claim set due_at = now() - interval '1 h' where player = 'bob'")
    [call] = await shop.outbox.lease(1, LEASE_MS)
    assert call.claim.player_id == "bob"


async def test_a_caller_that_died_is_replaced_and_too_late_if_it_was_only_slow(
    shop: ScriptedShop, database_url: str
) -> None:
    await owe(shop, "ann")
    [slow] = await shop.outbox.lease(1, LEASE_MS)
    assert await shop.outbox.lease(1, LEASE_MS) == []
    end_leases(database_url)
    [next_call] = await shop.outbox.lease(1, LEASE_MS)
    assert (slow.attempt, next_call.attempt) == (1, 2)
    # Nobody knows what the first one did.
    assert (slow.uncertain, next_call.uncertain) == (False, True)
    assert not await shop.outbox.settle(slow, Settlement(ClaimState.REFUSED, "too late"))
    assert states(database_url) == {"pending"}
    assert await shop.outbox.settle(next_call, Settlement(ClaimState.GRANTED))
    assert not await shop.outbox.settle(next_call, Settlement(ClaimState.GRANTED))
    assert states(database_url) == {"granted"}


async def test_an_unknown_end_is_asked_again_under_the_same_key_later(
    shop: ScriptedShop, database_url: str
) -> None:
    shop.provider.script = [Unknown("500"), Unknown("time-out", retry_after_ms=60_000)]
    await owe(shop, "ann")
    shop.relay.start()

    async def is_put_off(attempts: int) -> bool:
        [stored] = await shop.outbox.list_of_player("ann", 1)
        return stored.attempt == attempts and not stored.leased

    await until(lambda: is_put_off(1))
    make_due(database_url)
    await until(lambda: is_put_off(2))
    [seconds] = run_sql(database_url, "select round(extract(epoch from due_at - now())) from claim")
    assert 50 < int(seconds) <= 60
    make_due(database_url)
    await until(lambda: all_granted(database_url))
    assert len(shop.provider.asked) == 3
    assert len(set(shop.provider.keys)) == 1


async def ends_as(shop: ScriptedShop, database_url: str, state: ClaimState) -> bool:
    make_due(database_url)
    return await shop.stored("ann") == {"g0": state}


async def test_when_the_attempts_are_used_up_the_claim_is_in_doubt(
    shop: ScriptedShop, database_url: str
) -> None:
    shop.provider.script = [Unknown("500: broken")] * 10
    await owe(shop, "ann")
    shop.relay.start()
    await until(lambda: ends_as(shop, database_url, ClaimState.IN_DOUBT))
    assert len(shop.provider.asked) == 3
    [stored] = await shop.outbox.list_open([ClaimState.IN_DOUBT], 10)
    assert (stored.claim.player_id, stored.error) == ("ann", "500: broken")


async def test_a_late_refusal_is_listed_and_leaves_the_goal_claimed(
    shop: ScriptedShop, database_url: str
) -> None:
    shop.provider.script = [RefusedForGood("404: no such item")]
    await owe(shop, "ann")
    shop.relay.start()
    await until(lambda: ends_as(shop, database_url, ClaimState.REFUSED))
    [stored] = await shop.outbox.list_open([ClaimState.REFUSED], 10)
    assert stored.error == "404: no such item"
    assert (await shop.facts("ann")).goals["g0"].claimed
    assert await shop.outbox.count_open() == {ClaimState.REFUSED: 1}


async def test_a_refusal_after_an_unknown_end_is_in_doubt(
    shop: ScriptedShop, database_url: str
) -> None:
    shop.provider.script = [Unknown("time-out"), RefusedForGood("422")]
    await owe(shop, "ann")
    shop.relay.start()
    await until(lambda: ends_as(shop, database_url, ClaimState.IN_DOUBT))


async def test_what_a_person_decides_outlives_the_call_that_is_under_way(
    shop: ScriptedShop, database_url: str
) -> None:
    await owe(shop, "ann")
    [call] = await shop.outbox.lease(1, LEASE_MS)
    assert await shop.outbox.decide(call.claim.claim_id, ClaimState.REFUSED)
    assert not await shop.outbox.settle(call, Settlement(ClaimState.PENDING, "500"))
    assert not await shop.outbox.settle(call, Settlement(ClaimState.IN_DOUBT, "500"))
    assert states(database_url) == {"refused"}


async def test_a_call_that_a_person_did_not_wait_for_may_have_granted(
    shop: ScriptedShop,
) -> None:
    await owe(shop, "ann")
    [slow] = await shop.outbox.lease(1, LEASE_MS)
    assert await shop.outbox.decide(slow.claim.claim_id, ClaimState.PENDING)
    [call] = await shop.outbox.lease(1, LEASE_MS)
    assert (call.attempt, call.tries, call.uncertain) == (2, 1, True)
    assert not await shop.outbox.settle(slow, Settlement(ClaimState.REFUSED, "422"))


async def test_a_person_may_ask_for_as_many_new_attempts_as_there_were(
    shop: ScriptedShop, database_url: str
) -> None:
    shop.provider.script = [Unknown("500")] * 5
    await owe(shop, "ann")
    shop.relay.start()
    await until(lambda: ends_as(shop, database_url, ClaimState.IN_DOUBT))
    [stored] = await shop.outbox.list_of_player("ann", 1)
    assert await shop.outbox.decide(stored.claim.claim_id, ClaimState.PENDING)
    await until(lambda: ends_as(shop, database_url, ClaimState.GRANTED))
    assert len(shop.provider.asked) == 6
    assert not await shop.outbox.decide(stored.claim.claim_id, ClaimState.REFUSED)
    assert states(database_url) == {"granted"}


async def test_a_database_that_goes_away_and_returns_loses_no_claim(
    shop: ScriptedShop, database_url: str
) -> None:
    async def cut() -> Granted:
        run_sql(database_url, TERMINATE)
        return Granted()

    shop.provider.script = [cut() for _ in range(4)]
    await owe(shop, *PLAYERS)
    shop.relay.start()

    async def done() -> bool:
        make_due(database_url)
        end_leases(database_url)
        return states(database_url) == {"granted"}

    await until(done)
    assert {claim.player_id for claim in shop.provider.asked} == set(PLAYERS)


async def test_a_provider_whose_client_has_a_bug_is_not_taken_for_a_refusal(
    shop: ScriptedShop, database_url: str
) -> None:
    async def fail() -> Granted:
        raise ZeroDivisionError

    shop.provider.script = [fail()]
    await owe(shop, "ann")
    shop.relay.start()

    async def is_put_off() -> bool:
        [stored] = await shop.outbox.list_of_player("ann", 1)
        return stored.error == "our client failed: ZeroDivisionError"

    await until(is_put_off)
    assert states(database_url) == {"pending"}


async def test_no_more_calls_run_than_there_are_places(shop: ScriptedShop) -> None:
    answers: list[asyncio.Future[Granted]] = [asyncio.Future() for _ in PLAYERS]
    shop.provider.script = list(answers)
    await owe(shop, *PLAYERS)
    shop.relay.start()

    answered = 0

    async def is_full() -> bool:
        running = len(shop.provider.asked) - answered
        # More would run by the end, since each step waits for the database.
        assert running <= 8
        return running == min(8, len(answers) - answered)

    for answer in answers:
        await until(is_full)
        answer.set_result(Granted())
        answered += 1


async def test_closing_waits_for_running_calls_and_takes_no_more(
    shop: ScriptedShop, database_url: str
) -> None:
    answer: asyncio.Future[Granted] = asyncio.Future()
    shop.provider.script = [answer]
    await owe(shop, "ann")
    shop.relay.start()

    async def is_asked() -> bool:
        return bool(shop.provider.asked)

    await until(is_asked)
    closing = asyncio.create_task(shop.relay.close(10.0))
    await asyncio.sleep(0)
    await owe(shop, "bob")
    answer.set_result(Granted())
    await closing
    assert run_sql(database_url, "select player || state from claim order by 1") == [
        "anngranted",
        "bobpending",
    ]


async def test_a_call_that_is_cut_at_the_end_is_left_to_the_next_relay(
    shop: ScriptedShop, database_url: str
) -> None:
    shop.provider.script = [asyncio.Future[Granted]()]
    await owe(shop, "ann")
    shop.relay.start()

    async def is_asked() -> bool:
        return bool(shop.provider.asked)

    await until(is_asked)
    await shop.relay.close(0.0)
    end_leases(database_url)
    [call] = await shop.outbox.lease(1, LEASE_MS)
    assert (call.attempt, call.uncertain) == (2, True)
