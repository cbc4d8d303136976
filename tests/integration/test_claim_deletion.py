"""A player has all their data deleted: nothing owed is lost, nothing granted is granted again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from app.domain.reward import Call, ClaimState, Granted, RefusedForGood, Settlement, Unknown
from app.errors import ServiceReason
from app.services.claims import ClaimResult
from db.claims import PgClaims
from middleware.problem import Problem
from tests.catalogues import make_catalogue, make_goal
from tests.database import lock_is_awaited, run_sql
from tests.eventually import until
from tests.rewards import LEASE_MS, Pausing, ScriptedProvider, ScriptedShop, Shop

NO_DELAY = timedelta()
PLAYERS = [f"p{number:02}" for number in range(20)]


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[ScriptedShop]:
    catalogue = make_catalogue(make_goal("g0"), make_goal("g1"))
    async with Shop(database_url, catalogue, ScriptedProvider()) as shop:
        yield shop


def count(database_url: str, table: str) -> int:
    return int(run_sql(database_url, f"select count(*) from {table}")[0])


async def owe(shop: ScriptedShop, player: str, goal_id: str = "g0") -> Call:
    """Let a player claim with an unknown end, and return the right to the next attempt."""
    await shop.complete(player, ["g0", "g1"])
    shop.provider.script = [Unknown("500")]
    assert (await shop.claim(player, goal_id)).state is ClaimState.PENDING
    run_sql(shop.url, "update claim set due_at = now() where state = 'pending'")
    [call] = await shop.outbox.lease(1, LEASE_MS)
    return call


async def test_a_deletion_removes_the_row_and_settled_claims_and_says_how_many(
    shop: ScriptedShop, database_url: str
) -> None:
    await shop.complete("ann", ["g0", "g1"])
    await shop.complete("bob", ["g0"])
    for player, goal_id in [("ann", "g0"), ("ann", "g1"), ("bob", "g0")]:
        await shop.claim(player, goal_id)
    assert await shop.claims.erase("ann") == (3, 0)
    assert await shop.claims.erase("ann") == (0, 0)
    assert await shop.claims.erase("stranger") == (0, 0)
    assert run_sql(
        database_url, "select player from player union all select player from claim"
    ) == [
        "bob",
        "bob",
    ]
    assert count(database_url, "claim_erased") == 2
    for text in run_sql(database_url, "select * from claim_erased"):
        assert "ann" not in text


async def test_a_reward_that_is_owed_outlives_the_deletion_until_it_is_granted(
    shop: ScriptedShop, database_url: str
) -> None:
    call = await owe(shop, "ann")
    with capture_logs() as lines:
        assert await shop.service.erase("ann") == (1, 1)
    [line] = lines
    assert (line["rows"], line["claims_kept"]) == (1, 1)
    assert "ann" not in str(line)
    assert await shop.claims.erase("ann") == (0, 1)
    assert await shop.stored("ann") == {"g0": "pending"}
    assert await shop.outbox.settle(call, Settlement(ClaimState.GRANTED))
    assert count(database_url, "claim") == 0
    assert count(database_url, "claim_erased") == 1


async def test_a_claim_in_doubt_stays_until_a_person_has_decided(
    shop: ScriptedShop, database_url: str
) -> None:
    call = await owe(shop, "ann")
    assert await shop.outbox.settle(call, Settlement(ClaimState.IN_DOUBT, "500", uncertain=True))
    assert await shop.claims.erase("ann") == (1, 1)
    assert await shop.outbox.decide(call.claim.claim_id, ClaimState.REFUSED)
    assert count(database_url, "claim") == 0


async def test_a_late_refusal_of_a_deleted_player_s_claim_leaves_nothing(
    shop: ScriptedShop, database_url: str
) -> None:
    call = await owe(shop, "ann")
    await shop.claims.erase("ann")
    assert await shop.outbox.settle(call, Settlement(ClaimState.REFUSED, "404"))
    assert count(database_url, "claim") == 0


async def test_what_was_claimed_before_a_deletion_cannot_be_claimed_after_it(
    shop: ScriptedShop, database_url: str
) -> None:
    await shop.complete("ann", ["g0", "g1"])
    first = await shop.claim("ann", "g0")
    await shop.claims.erase("ann")
    await shop.complete("ann", ["g0", "g1"])
    for is_marked in (False, True):
        with pytest.raises(Problem) as caught:
            await shop.claim("ann", "g0")
        assert caught.value.reason == ServiceReason.ALREADY_CLAIMED
        assert ("claimedAt" in caught.value.extra) is is_marked, "nobody knows when it was"
        assert caught.value.extra["claimId"] == str(first.claim.claim_id)
        # The list says so, too.
        assert (await shop.facts("ann")).goals["g0"].claimed
    assert len(shop.provider.asked) == 1
    assert count(database_url, "claim") == 0
    # What was not claimed then can be claimed now.
    assert (await shop.claim("ann", "g1")).state is ClaimState.GRANTED


async def test_another_secret_would_not_know_the_deleted_claims(shop: ScriptedShop) -> None:
    """The keys are hashes under the secret: this is why it must never change."""
    await shop.complete("ann", ["g0"])
    await shop.claim("ann", "g0")
    await shop.claims.erase("ann")
    await shop.complete("ann", ["g0"])
    other = PgClaims(shop.database, erasure_secret="t" * 32)
    shop.use(other)
    assert (await shop.claim("ann", "g0")).state is ClaimState.GRANTED


async def test_a_refusal_after_a_deletion_leaves_nothing_of_the_player(
    shop: ScriptedShop, database_url: str
) -> None:
    async def think() -> RefusedForGood:
        assert await shop.claims.erase("ann") == (1, 1)
        return RefusedForGood("422")

    await shop.complete("ann", ["g0"])
    shop.provider.script = [think()]
    with pytest.raises(Problem) as caught:
        await shop.claim("ann", "g0")
    assert caught.value.reason == ServiceReason.REWARD_GRANT_FAILED
    assert count(database_url, "player") + count(database_url, "claim") == 0
    # It was never granted, so it can be claimed in another life.
    assert count(database_url, "claim_erased") == 0
    await shop.complete("ann", ["g0"])
    assert (await shop.claim("ann", "g0")).state is ClaimState.GRANTED


async def test_claims_and_deletions_at_once_end_as_one_order_or_the_other(
    shop: ScriptedShop, database_url: str
) -> None:
    for player in PLAYERS:
        await shop.complete(player, ["g0"])
    claimed = {player: asyncio.Event() for player in PLAYERS}
    deleted = {player: asyncio.Event() for player in PLAYERS}
    # Some of one order, some of the other, and the rest as it comes.
    claim_first, deletion_first = set(PLAYERS[:5]), set(PLAYERS[-5:])

    async def claim(player: str) -> ClaimResult:
        if player in deletion_first:
            await deleted[player].wait()
        return await shop.claim(player, "g0", claimed[player].set)

    async def delete(player: str) -> None:
        if player in claim_first:
            await claimed[player].wait()
        await shop.claims.erase(player)
        deleted[player].set()

    # Those for whom there is no call free are left to it.
    shop.relay.start()
    both = [act(player) for player in PLAYERS for act in (claim, delete)]
    results = await asyncio.gather(*both, return_exceptions=True)
    made = {result.claim.player_id for result in results if isinstance(result, ClaimResult)}
    for problem in (result for result in results if isinstance(result, Exception)):
        assert isinstance(problem, Problem)
        assert problem.reason == ServiceReason.GOAL_NOT_COMPLETED
    assert claim_first <= made
    assert not deletion_first & made

    async def nothing_is_left() -> bool:
        return count(database_url, "player") + count(database_url, "claim") == 0

    await until(nothing_is_left)
    assert {claim.player_id for claim in shop.provider.asked} == made
    assert count(database_url, "claim_erased") == len(made)


async def test_deletions_and_the_relay_at_once_grant_everything_and_leave_nothing(
    shop: ScriptedShop, database_url: str
) -> None:
    places = [await shop.deliveries.reserve() for _ in range(16)]
    for player in PLAYERS:
        await shop.complete(player, ["g0", "g1"])
        for goal_id in ("g0", "g1"):
            assert (await shop.claim(player, goal_id)).state is ClaimState.PENDING
    shop.relay.start()
    for _ in places:
        shop.deliveries.cancel()
    await asyncio.gather(*(shop.claims.erase(player) for player in PLAYERS * 2))

    async def nothing_is_left() -> bool:
        return count(database_url, "player") + count(database_url, "claim") == 0

    await until(nothing_is_left)
    assert len(shop.provider.asked) == 40
    assert len(set(shop.provider.keys)) == 40


async def test_no_claim_is_made_between_the_steps_of_a_deletion(
    shop: ScriptedShop, database_url: str
) -> None:
    await shop.complete("ann", ["g0", "g1"])
    await shop.claim("ann", "g0")
    steps: list[str] = []
    claiming: list[asyncio.Task[ClaimResult]] = []

    async def claim_before_the_second(name: str) -> None:
        steps.append(name)
        if len(steps) == 2:
            claiming.append(asyncio.create_task(shop.claim("ann", "g1")))
            await until(claim_waits)

    async def claim_waits() -> bool:
        return lock_is_awaited(database_url) or claiming[0].done()

    database = Pausing(database_url, claim_before_the_second)
    await database.open()
    assert await PgClaims(database, erasure_secret="s" * 32).erase("ann") == (2, 0)
    await database.close()
    with pytest.raises(Problem) as caught:
        await claiming[0]
    assert caught.value.reason == ServiceReason.GOAL_NOT_COMPLETED
    assert count(database_url, "claim") == 0


@pytest.mark.parametrize("state", [ClaimState.GRANTED, ClaimState.REFUSED])
async def test_an_answer_that_waits_for_a_deletion_finds_the_claim_to_be_removed(
    shop: ScriptedShop, database_url: str, state: ClaimState
) -> None:
    call = await owe(shop, "ann")
    settling: list[asyncio.Task[bool]] = []

    async def before(name: str) -> None:
        if name == "erasure_write":
            settling.append(asyncio.create_task(shop.outbox.settle(call, Settlement(state))))
            await until(settle_waits)

    async def settle_waits() -> bool:
        return lock_is_awaited(database_url)

    database = Pausing(database_url, before)
    await database.open()
    assert await PgClaims(database, erasure_secret="s" * 32).erase("ann") == (1, 1)
    await database.close()
    assert await settling[0]
    assert count(database_url, "claim") == 0


async def test_a_deletion_that_waits_for_an_answer_finds_the_claim_settled(
    shop: ScriptedShop, database_url: str
) -> None:
    call = await owe(shop, "ann")
    deleting: list[asyncio.Task[object]] = []

    async def deletion_waits() -> bool:
        return lock_is_awaited(database_url)

    async with shop.database.transaction() as transaction:
        await transaction.fetch(
            "claims_settle",
            call.claim.claim_id,
            call.attempt,
            "granted",
            None,
            NO_DELAY,
            False,
            True,
        )
        deleting.append(asyncio.create_task(shop.claims.erase("ann")))
        await until(deletion_waits)
    assert await deleting[0] == (2, 0)
    assert count(database_url, "claim") == 0


async def test_what_a_crash_left_is_swept_up(shop: ScriptedShop, database_url: str) -> None:
    call = await owe(shop, "ann")
    await shop.claims.erase("ann")
    # A process that ended between settling and removing.
    run_sql(
        database_url, f"update claim set state = 'granted' where claim_id = '{call.claim.claim_id}'"
    )
    shop.relay.start()

    async def is_gone() -> bool:
        return count(database_url, "claim") == 0

    await until(is_gone)


async def test_a_deletion_whose_claim_is_being_called_for_does_not_wait_for_the_provider(
    shop: ScriptedShop,
) -> None:
    answer: asyncio.Future[Granted] = asyncio.Future()
    await shop.complete("ann", ["g0"])
    shop.provider.script = [answer]
    claiming = asyncio.create_task(shop.claim("ann", "g0"))

    async def is_asked() -> bool:
        return bool(shop.provider.asked)

    await until(is_asked)
    assert await shop.claims.erase("ann") == (1, 1)
    answer.set_result(Granted())
    assert (await claiming).state is ClaimState.GRANTED
    assert await shop.stored("ann") == {}
