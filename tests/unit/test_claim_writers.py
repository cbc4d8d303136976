"""Few write at once how claims ended, nobody waits for long for that, and what breaks is heard."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from structlog.testing import capture_logs

from app.domain.facts import GoalFacts
from app.domain.goal import Reward
from app.domain.player import Player
from app.domain.reward import (
    Call,
    Claim,
    ClaimState,
    Erased,
    Granted,
    Making,
    RefusedForGood,
    Settlement,
    Undo,
)
from app.rewards.calls import WRITER_WAIT_S_MAX, WRITERS_MAX, Calls
from app.rewards.delivery import ClaimDeliveries
from app.rewards.pace import Pace
from app.rewards.relay import Relay
from app.rewards.service import LEASE_MARGIN_MS
from app.telemetry import Metrics
from tests.rewards import ScriptedProvider
from tests.virtual_time import run_virtual

CALLERS = 3 * WRITERS_MAX
CLAIM = Claim(UUID(int=1), "ann", "win", "once", "c", "local", Reward("ITEM", "sword", 1), 0)
CALL = Call(CLAIM, 1, 1, uncertain=False)
UNDO = Undo("win", GoalFacts(), GoalFacts())


class SlowDatabase:
    """Answers when `answers` is set; counts who waits for it."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.waiting = 0
        self.waiting_max = 0

    async def write(self) -> bool:
        self.waiting += 1
        self.waiting_max = max(self.waiting_max, self.waiting)
        await self.answers.wait()
        self.waiting -= 1
        return True

    async def settle(self, call: Call, settlement: Settlement) -> bool:
        return await self.write()

    async def make(self, claimed: Player, claim: Claim, lease_ms: int | None) -> Making:
        return Making.MADE

    async def undo(self, call: Call, undo: Undo) -> bool:
        return await self.write()

    async def erase(self, player: str) -> Erased:
        return Erased(0, 0)

    async def release(self, call: Call) -> None:
        await self.write()

    async def lease(self, limit: int, lease_ms: int) -> Sequence[Call]:
        return []

    async def count_open(self) -> Mapping[ClaimState, int]:
        return {}

    async def sweep(self) -> int:
        return 0


def calls_on(database: SlowDatabase, *answers: Granted | RefusedForGood) -> Calls:
    return Calls(ScriptedProvider(*answers), database, database, tries_max=3, metrics=Metrics())


def test_undoings_settlements_and_releases_share_the_few_writers() -> None:
    async def check() -> None:
        database = SlowDatabase()
        calls = calls_on(database)
        works = [
            *(calls.undo(CALL, UNDO) for _ in range(WRITERS_MAX)),
            *(calls.settle(CALL, Granted()) for _ in range(WRITERS_MAX)),
            *(calls.release(CALL) for _ in range(WRITERS_MAX)),
        ]
        tasks = [asyncio.create_task(work) for work in works]
        await asyncio.sleep(WRITER_WAIT_S_MAX / 2)
        database.answers.set()
        await asyncio.gather(*tasks)
        assert database.waiting_max == WRITERS_MAX

    run_virtual(check())


def test_a_delivery_undoes_by_the_few_writers() -> None:
    async def check() -> None:
        database = SlowDatabase()
        deliveries = ClaimDeliveries(
            calls_on(database, *[RefusedForGood("422")] * CALLERS),
            Pace(concurrency=CALLERS, rate_per_s=100),
            lease_ms=1,
            metrics=Metrics(),
            wake_relay=lambda: None,
            wait_s_max=0.3,
        )
        for _ in range(CALLERS):
            assert await deliveries.reserve()
        told = [asyncio.create_task(deliveries.deliver(CALL, UNDO)) for _ in range(CALLERS)]
        await asyncio.sleep(WRITER_WAIT_S_MAX / 2)
        database.answers.set()
        assert await asyncio.gather(*told) == [ClaimState.REFUSED] * CALLERS
        assert database.waiting_max == WRITERS_MAX

    run_virtual(check())


def test_who_finds_no_writer_in_time_says_so_while_the_lease_lasts() -> None:
    async def check() -> None:
        database = SlowDatabase()
        calls = calls_on(database)
        busy = [asyncio.create_task(calls.settle(CALL, Granted())) for _ in range(WRITERS_MAX)]
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        with capture_logs() as lines:
            state, undone, _ = await asyncio.gather(
                calls.settle(CALL, Granted()), calls.undo(CALL, UNDO), calls.release(CALL)
            )
        assert loop.time() - started_s < LEASE_MARGIN_MS / 1e3
        assert (state, undone) == (ClaimState.GRANTED, False)
        assert {line["event"] for line in lines} == {
            "claim_not_settled",
            "claim_not_undone",
            "claim_not_released",
        }
        database.answers.set()
        await asyncio.gather(*busy)

    run_virtual(check())


def test_what_breaks_a_relay_s_call_is_in_the_log() -> None:
    class Broken(SlowDatabase):
        async def lease(self, limit: int, lease_ms: int) -> Sequence[Call]:
            return [CALL]

        async def settle(self, call: Call, settlement: Settlement) -> bool:
            raise ZeroDivisionError

    async def check() -> None:
        database = Broken()
        pace = Pace(concurrency=1, rate_per_s=1)
        relay = Relay(calls_on(database), database, pace, lease_ms=1, metrics=Metrics())
        with capture_logs() as lines:
            relay.start()
            await asyncio.sleep(0.5)
            await relay.close(1.0)
        [line] = lines
        assert line["event"] == "claim_call_not_finished"
        assert line["cause"] == "ZeroDivisionError()"

    run_virtual(check())
