"""Claims on a real database: who may have what once, whoever else writes at the same moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from app.domain.facts import Assignment, Counts, StatFacts, encode_stats
from app.domain.goal import Requirement, Rotation, Schedule
from app.domain.period import DAY_MS
from app.domain.player import Player
from app.domain.reward import ClaimState, RefusedForGood, Unknown
from app.errors import ServiceReason
from app.services.claims import ClaimResult
from db.claims import PgClaims
from middleware.problem import Problem
from tests.catalogues import make_catalogue, make_goal
from tests.database import lock_is_awaited, run_sql
from tests.eventually import until
from tests.rewards import HASTY_S, Pausing, ScriptedProvider, ScriptedShop, Shop

DAILY = Rotation(Schedule.DAILY, reset_progress=True, allow_reselection=True)
GOALS = [make_goal(f"g{number}") for number in range(10)]
CATALOGUE = make_catalogue(
    *GOALS,
    make_goal("daily", rotation=DAILY),
    make_goal("locked", prerequisites=("g0", "g1")),
)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[ScriptedShop]:
    async with Shop(database_url, CATALOGUE, ScriptedProvider()) as shop:
        yield shop


async def refusal(
    shop: ScriptedShop, player: str, goal_id: str, challenge: str = "challenge"
) -> Problem:
    with pytest.raises(Problem) as caught:
        await shop.claim(player, goal_id, challenge_id=challenge)
    return caught.value


async def test_a_claim_is_granted_recorded_and_shown(shop: ScriptedShop) -> None:
    await shop.complete("ann", ["g0"])
    claim, state = await shop.claim("ann", "g0")
    assert state is ClaimState.GRANTED
    assert shop.provider.asked == [claim]
    assert (claim.namespace, claim.reward, claim.period) == ("game", GOALS[0].reward, "once")
    facts = await shop.facts("ann")
    assert facts.goals["g0"].claimed_at_ms == claim.claimed_at_ms
    assert facts.version == 2
    assert await shop.stored("ann") == {"g0": "granted"}


async def test_of_ten_parallel_claims_one_is_made_and_nine_hear_its_id(shop: ScriptedShop) -> None:
    await shop.complete("ann", ["g0"])
    answers = await asyncio.gather(
        *(shop.claim("ann", "g0") for _ in range(10)), return_exceptions=True
    )
    [made] = [answer for answer in answers if isinstance(answer, ClaimResult)]
    refused = [answer for answer in answers if isinstance(answer, Problem)]
    assert [problem.reason for problem in refused] == [ServiceReason.ALREADY_CLAIMED] * 9
    assert {problem.extra["claimId"] for problem in refused} == {str(made.claim.claim_id)}
    assert len(shop.provider.asked) == 1


async def test_who_loses_the_race_gives_the_call_back_that_was_reserved_for_it(
    database_url: str,
) -> None:
    goal_ids = ["g0", "g1", "g2", "g3"]
    async with Shop(database_url, CATALOGUE, ScriptedProvider(), concurrency=2) as shop:
        await shop.complete("ann", goal_ids)
        for goal_id in goal_ids:
            await asyncio.gather(
                *(shop.claim("ann", goal_id) for _ in range(10)), return_exceptions=True
            )
        assert [await shop.deliveries.reserve() for _ in range(3)] == [True, True, False]


async def test_ten_goals_of_one_player_claimed_at_once_are_all_granted(shop: ScriptedShop) -> None:
    goal_ids = [goal.goal_id for goal in GOALS]
    await shop.complete("ann", goal_ids)
    results = await asyncio.gather(*(shop.claim("ann", goal_id) for goal_id in goal_ids))
    assert Counter(result.state for result in results) == {ClaimState.GRANTED: 10}
    facts = await shop.facts("ann")
    assert facts.version == 11
    assert all(facts.goals[goal_id].claimed for goal_id in goal_ids)


async def test_a_claim_and_a_deactivation_at_once_end_as_one_order_or_the_other(
    shop: ScriptedShop,
) -> None:
    for number in range(10):
        player = f"p{number}"
        await shop.complete(player, ["g0"])
        claimed, _ = await asyncio.gather(
            shop.claim(player, "g0"),
            shop.decide(player, "g0", active=False),
            return_exceptions=True,
        )
        facts = (await shop.facts(player)).goals["g0"]
        assert facts.active is False
        if isinstance(claimed, Problem):
            assert claimed.reason == ServiceReason.GOAL_NOT_ACTIVE
            assert not facts.claimed
            assert await shop.stored(player) == {}
        else:
            assert facts.claimed
            assert await shop.stored(player) == {"g0": "granted"}


async def test_a_claim_and_an_initialize_at_once_lose_nothing_of_each_other(
    shop: ScriptedShop,
) -> None:
    catalogue = make_catalogue(*GOALS, make_goal("new", default=True))
    await shop.publish(catalogue)
    for number in range(10):
        player = f"p{number}"
        await shop.complete(player, ["g0"])
        await asyncio.gather(
            shop.claim(player, "g0"),
            shop.initialize.initialize([player]),
        )
        facts = await shop.facts(player)
        assert facts.goals["g0"].claimed
        assert facts.revisions == (shop.served.revision,)


async def test_what_was_completed_yesterday_cannot_be_claimed_today(shop: ScriptedShop) -> None:
    clock_ms, _ = await shop.players.read_many([])
    today = clock_ms // DAY_MS
    await shop.complete("ann", ["daily"], period=today)
    await shop.complete("bob", ["daily"], period=today - 1)
    assert (await shop.claim("ann", "daily")).claim.period.startswith("d20")
    problem = await refusal(shop, "bob", "daily")
    assert problem.reason == ServiceReason.GOAL_ROTATED
    assert problem.message == (
        "Goal has rotated and must be re-completed (goal_id: daily, challenge_id: challenge)"
    )


@pytest.mark.parametrize(
    ("facts", "goal", "reason", "message"),
    [
        (
            {"completed_at_ms": None, "carry": 9},
            "g0",
            ServiceReason.GOAL_NOT_COMPLETED,
            (
                "Goal not completed. Please wait 1 second and try again. "
                "(goal_id: g0, status: in_progress)"
            ),
        ),
        (
            {},
            "g1",
            ServiceReason.GOAL_NOT_COMPLETED,
            (
                "Goal not completed. Please wait 1 second and try again. "
                "(goal_id: g1, status: not_started)"
            ),
        ),
        (
            {"active": False},
            "g0",
            ServiceReason.GOAL_NOT_ACTIVE,
            (
                "Goal must be active to claim reward. Activate it first via PUT "
                "/v1/challenges/challenge/goals/g0/active (goal_id: g0)"
            ),
        ),
        (
            {"claimed_at_ms": 1_767_225_599_999},
            "g0",
            ServiceReason.ALREADY_CLAIMED,
            "Reward has already been claimed (goal_id: g0, claimed_at: 2025-12-31T23:59:59Z)",
        ),
        (
            {},
            "nowhere",
            ServiceReason.GOAL_NOT_FOUND,
            "Goal not found or removed from config (goal_id: nowhere, challenge_id: challenge)",
        ),
    ],
)
async def test_what_cannot_be_claimed_is_told_in_the_contract_s_words(
    shop: ScriptedShop, facts: dict[str, object], goal: str, reason: ServiceReason, message: str
) -> None:
    await shop.complete("ann", ["g0"], **facts)
    problem = await refusal(shop, "ann", goal)
    assert (problem.reason, problem.message) == (reason, message)
    assert (await shop.facts("ann")).version == 1
    assert shop.provider.asked == []


async def test_a_goal_of_another_challenge_is_not_found(shop: ScriptedShop) -> None:
    await shop.complete("ann", ["g0"])
    assert (await refusal(shop, "ann", "g0", "other")).reason == ServiceReason.GOAL_NOT_FOUND


async def test_a_stranger_has_completed_nothing(shop: ScriptedShop) -> None:
    assert (await refusal(shop, "ann", "g0")).reason == ServiceReason.GOAL_NOT_COMPLETED


async def test_a_locked_goal_names_what_is_missing(shop: ScriptedShop) -> None:
    await shop.complete("ann", ["locked", "g1"])
    problem = await refusal(shop, "ann", "locked")
    assert problem.reason == ServiceReason.GOAL_LOCKED
    assert problem.message == "Prerequisites not completed (goal_id: locked)"
    assert problem.extra["missingPrerequisites"] == ("g0",)


async def test_a_refused_reward_undoes_the_claim_and_it_can_be_claimed_again(
    shop: ScriptedShop,
) -> None:
    await shop.complete("ann", ["g0"], offset=3)
    before = await shop.facts("ann")
    shop.provider.script = [RefusedForGood("422: no such item")]
    problem = await refusal(shop, "ann", "g0")
    assert problem.reason.status == 502
    assert problem.message == (
        "Failed to grant reward via Platform Service after 3 retries (goal_id: g0)"
    )
    assert (await shop.facts("ann")).goals == before.goals
    assert await shop.stored("ann") == {}
    again = await shop.claim("ann", "g0")
    assert again.state is ClaimState.GRANTED
    assert shop.provider.keys == [again.claim.claim_id] * 2


async def test_what_a_lowered_target_completed_is_claimed_and_undone_like_all_else(
    shop: ScriptedShop,
) -> None:
    given = make_goal("given", default=True, requirement=Requirement("wins", ">=", 3))
    await shop.publish(make_catalogue(given))
    [known] = await shop.initialize.initialize(["ann"])
    wins = StatFacts(5, known.view.now_ms, Counts(0, 0, 0, 0), 1)
    column = encode_stats({"statistic:wins": wins})
    assert column is not None
    run_sql(shop.url, f"update player set stats = '\\x{column.hex()}'")
    shop.provider.script = [RefusedForGood("422")]
    assert (await refusal(shop, "ann", "given")).reason == ServiceReason.REWARD_GRANT_FAILED
    # What the player was shown as completed before the claim stays so, whatever comes.
    undone = (await shop.facts("ann")).goals["given"]
    assert (undone.completed_at_ms, undone.claimed) == (known.view.now_ms, False)
    assert (await shop.claim("ann", "given")).state is ClaimState.GRANTED
    assert (await refusal(shop, "ann", "given")).reason == ServiceReason.ALREADY_CLAIMED


async def test_what_was_written_while_the_provider_thought_outlives_the_undoing(
    shop: ScriptedShop,
) -> None:
    await shop.complete("ann", ["g0"])

    async def think() -> RefusedForGood:
        await shop.decide("ann", "g5", active=True)
        return RefusedForGood("422")

    shop.provider.script = [think()]
    assert (await refusal(shop, "ann", "g0")).reason == ServiceReason.REWARD_GRANT_FAILED
    goals = (await shop.facts("ann")).goals
    assert not goals["g0"].claimed
    assert goals["g5"].active


async def test_nothing_comes_between_an_undoing_and_the_facts_that_it_read(
    shop: ScriptedShop, database_url: str
) -> None:
    await shop.complete("ann", ["g0"])
    selecting: list[asyncio.Task[object]] = []

    async def before(name: str) -> None:
        if name == "claims_restore_player":
            selection = shop.decide("ann", "g5", active=True)
            selecting.append(asyncio.create_task(selection))
            await until(selection_waits)

    async def selection_waits() -> bool:
        return lock_is_awaited(database_url) or selecting[0].done()

    database = Pausing(database_url, before)
    await database.open()
    shop.use(PgClaims(database, erasure_secret="s" * 32))
    shop.provider.script = [RefusedForGood("422")]
    assert (await refusal(shop, "ann", "g0")).reason == ServiceReason.REWARD_GRANT_FAILED
    await selecting[0]
    await database.close()
    goals = (await shop.facts("ann")).goals
    assert not goals["g0"].claimed
    assert goals["g5"].active


async def test_an_unknown_end_is_pending_and_not_undone(shop: ScriptedShop) -> None:
    await shop.complete("ann", ["g0"])
    shop.provider.script = [Unknown("500")]
    assert (await shop.claim("ann", "g0")).state is ClaimState.PENDING
    assert (await shop.facts("ann")).goals["g0"].claimed
    assert await shop.stored("ann") == {"g0": "pending"}


async def test_a_claim_without_a_free_call_is_pending_at_once(database_url: str) -> None:
    never: asyncio.Future[RefusedForGood] = asyncio.get_running_loop().create_future()
    provider = ScriptedProvider(never)
    async with Shop(database_url, CATALOGUE, provider, concurrency=1, wait_s_max=HASTY_S) as shop:
        await shop.complete("ann", ["g0", "g1"])
        assert (await shop.claim("ann", "g0")).state is ClaimState.PENDING
        assert (await shop.claim("ann", "g1")).state is ClaimState.PENDING
        assert [claim.goal_id for claim in shop.provider.asked] == ["g0"]
        [first, second] = await shop.outbox.list_of_player("ann", 10)
        assert (first.leased, first.attempt) == (True, 1)
        assert (second.leased, second.attempt) == (False, 0)
        never.cancel()


async def test_a_claim_that_the_facts_do_not_know_is_a_conflict_and_counted(
    shop: ScriptedShop, database_url: str
) -> None:
    await shop.complete("ann", ["g0"])
    made = (await shop.claim("ann", "g0")).claim
    run_sql(database_url, "delete from player")
    await shop.complete("ann", ["g0"])
    problem = await refusal(shop, "ann", "g0")
    assert problem.reason == ServiceReason.ALREADY_CLAIMED
    assert problem.extra["claimId"] == str(made.claim_id)
    assert shop.metrics.registry.get_sample_value("reward_claim_conflicts_total") == 1
    assert len(shop.provider.asked) == 1


async def test_a_row_that_was_deleted_and_made_again_is_not_taken_for_the_old_one(
    shop: ScriptedShop,
) -> None:
    """Versions start anew, so the beginning is part of the guard."""
    await shop.complete("ann", ["g0"])
    read_many = shop.players.read_many

    async def deleted_meanwhile(players: object) -> object:
        read = await read_many(["ann"])
        shop.players.read_many = read_many  # type: ignore[method-assign]
        await shop.claims.erase("ann")
        await asyncio.sleep(0.002)  # the clock moves on by a millisecond
        clock_ms, _ = await read_many([])
        given = (Assignment(shop.served.revision, clock_ms),)
        await shop.players.insert_many(
            [Player.unknown("ann", clock_ms)._replace(assignments=given)]
        )
        return read

    shop.players.read_many = deleted_meanwhile  # type: ignore[method-assign,assignment]
    assert (await refusal(shop, "ann", "g0")).reason == ServiceReason.GOAL_NOT_COMPLETED
    assert (await shop.facts("ann")).goals == {}
