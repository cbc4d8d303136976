"""Hundreds of claims against a provider that fails in every way: its own ledger is the judge."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.domain.reward import ClaimState
from app.errors import ServiceReason
from app.rewards.mock_provider import Fault, Faults, serving
from app.rewards.provider import open_provider
from middleware.problem import Problem
from tests.catalogues import make_catalogue, make_goal
from tests.database import run_sql
from tests.eventually import until
from tests.rewards import Shop

PLAYERS = [f"p{number:03}" for number in range(60)]
GOALS = [f"g{number}" for number in range(5)]
DUPLICATES = 3

UNKNOWN_ENDS = {
    Fault.ERROR: 0.08,
    Fault.ERROR_AFTER: 0.08,
    Fault.SILENCE: 0.03,
    Fault.SILENCE_AFTER: 0.03,
    Fault.CUT: 0.06,
    Fault.CUT_AFTER: 0.06,
    Fault.GARBAGE: 0.06,
    Fault.GARBAGE_AFTER: 0.06,
    Fault.TOO_MANY: 0.04,
    Fault.SLOW: 0.05,
}


@pytest.mark.parametrize("refusals", [0.0, 0.2])
async def test_every_claim_is_granted_exactly_once(
    database_url: str, tmp_path: Path, refusals: float
) -> None:
    catalogue = make_catalogue(*map(make_goal, GOALS))
    async with AsyncExitStack() as stack:
        mock, port = await stack.enter_async_context(serving(tmp_path / "ledger", "127.0.0.1", 0))
        mock.faults = Faults(UNKNOWN_ENDS | {Fault.REFUSE: refusals}, seed=7, slow_ms=20)
        provider = await stack.enter_async_context(
            open_provider(f"http://127.0.0.1:{port}/grants", timeout_s=0.2, concurrency=16)
        )
        shop = await stack.enter_async_context(
            Shop(database_url, catalogue, provider, wait_s_max=0.05, tries_max=4)
        )
        for player in PLAYERS:
            await shop.complete(player, GOALS)
        shop.relay.start()

        async def claim_until_told(player: str, goal_id: str) -> str | ClaimState:
            while True:
                try:
                    return (await shop.claim(player, goal_id)).state
                except Problem as problem:
                    if problem.reason != ServiceReason.REWARD_GRANT_FAILED:
                        return str(problem.reason)

        for goal_id in GOALS:
            told = await asyncio.gather(
                *(
                    claim_until_told(player, goal_id)
                    for player in PLAYERS
                    for _ in range(DUPLICATES)
                )
            )
            counts = Counter(isinstance(answer, ClaimState) for answer in told)
            assert counts == {True: len(PLAYERS), False: len(PLAYERS) * (DUPLICATES - 1)}

        async def a_person_sees_to_the_rest() -> bool:
            run_sql(database_url, "update claim set due_at = now() where not leased")
            for stored in await shop.outbox.list_open(
                [ClaimState.REFUSED, ClaimState.IN_DOUBT], 1_000
            ):
                await shop.outbox.decide(stored.claim.claim_id, ClaimState.PENDING)
            return await shop.outbox.count_open() == {}

        await until(a_person_sees_to_the_rest)
    claims = run_sql(database_url, "select claim_id from claim where state = 'granted'")
    assert len(claims) == len(PLAYERS) * len(GOALS)
    assert set(mock.ledger.grants) == set(claims)
    granted = Counter((grant["player"], grant["claimId"]) for grant in mock.ledger.grants.values())
    assert set(granted.values()) == {1}
    assert mock.ledger.conflicts == 0
    # The faults did happen: the provider heard many claims again.
    assert mock.ledger.repeated > len(claims) // 20
