"""Credentials that nobody has looked at: verified before they take anything, within a budget."""

import random
from contextlib import suppress
from dataclasses import replace

import pytest
from starlette.types import Scope

from middleware.admission import AdmissionCore, Arrival, Class, Place
from middleware.admission.budget import FULL_NS
from middleware.gate import AdmissionGate
from middleware.problem import HttpReason, Problem
from tests.asgi.test_gate import SETTINGS, Bench
from tests.asgi_client import Exchange, settle
from tests.virtual_time import clock_ns, virtual

MS = 1_000_000
COST_NS = 2 * MS


class Door(Bench):
    """A gate whose clients show tokens: `name-…` is one of name's, `bad-…` is forged.

    Each look at one takes 2 ms of the gate's clock.
    """

    def __init__(self, share_ppm: int = 100_000, *, wait_ns_max: int = 0) -> None:
        super().__init__()
        self.core = AdmissionCore(replace(SETTINGS, wait_ns_max=wait_ns_max))
        self.known: set[str] = set()
        self.looked_at: list[str] = []
        self.spent_ns = 0
        self.dice = random.Random(1)
        self.gate = AdmissionGate(
            core=self.core,
            classify=self.classify,
            verify=self.verify,
            verify_share_ppm=share_ppm,
            hooks=[self.events.append],
            cpu_ns=lambda: self.spent_ns,
            clock_ns=lambda: clock_ns() + self.spent_ns,
            dice=self.dice.random,
        )

    def classify(self, scope: Scope, jitter: float) -> Arrival:
        token = scope["path"]
        cls = Class.INITIALIZE if scope["method"] == "POST" else Class.GAMEPLAY
        if token not in self.known:
            return Arrival(cls, token, verified=False, jitter=jitter, unknown=True)
        return Arrival(cls, token.partition("-")[0], verified=True, jitter=jitter)

    def verify(self, scope: Scope) -> None:
        token = scope["path"]
        self.looked_at.append(token)
        self.spent_ns += COST_NS
        if token.startswith("/bad"):
            raise Problem(HttpReason.UNAUTHENTICATED, "forged")
        self.known.add(token)

    def knock(self, token: str) -> Exchange:
        """Let somebody initialize."""
        return self.send(f"/{token}", "POST")

    async def refused(self, token: str) -> tuple[str, int]:
        """Return the reason and the moment that a client is told."""
        answer = self.knock(token)
        await answer.task
        return answer.json["reason"], answer.json["retry_after_ms"]

    async def use_up_the_budget(self) -> None:
        for number in range(2 * FULL_NS // COST_NS):
            with suppress(Problem):
                await self.knock(f"bad-{number}").task

    async def forged(self, token: str) -> None:
        with pytest.raises(Problem, match="forged"):
            await self.knock(token).task


async def full(door: Door) -> None:
    """Take the one place. Nobody waits for it, where the door lets nobody wait."""
    door.knock("ann-1")
    await settle()
    door.looked_at.clear()


@virtual
async def test_a_forged_token_takes_no_place_no_seat_and_no_moment() -> None:
    door = Door()
    await door.forged("bad-1")
    assert door.at_rest()
    door.knock("ann-1")
    await settle()
    await door.forged("bad-2")
    snapshot = door.core.snapshot(clock_ns())
    assert (snapshot.running, sum(snapshot.waiting.values()), snapshot.promised) == (1, 0, 0)
    assert door.started == ["/ann-1"]
    await door.end("/ann-1")
    assert door.at_rest()


@virtual
async def test_a_new_token_is_its_player_before_it_waits() -> None:
    door = Door(wait_ns_max=2_000 * MS)
    door.knock("ann-1")
    await settle()
    second, third = door.knock("ann-2"), door.knock("bob-1")
    await settle()
    assert door.looked_at == ["/ann-1", "/ann-2", "/bob-1"]
    assert [place.arrival.key for place in waiting(door)] == ["/ann", "/bob"]
    for token in ("/ann-1", "/ann-2", "/bob-1"):
        await door.end(token)
    assert (second.status, third.status) == (200, 200)


@virtual
async def test_a_moment_is_the_player_s_whatever_token_it_comes_back_with() -> None:
    door = Door()
    await full(door)
    reason, told_ms = await door.refused("bob-1")
    assert reason == "line_full"
    again, still_ms = await door.refused("bob-2")
    assert (again, door.core.snapshot(clock_ns()).promised) == ("slot_early", 1)
    assert still_ms <= told_ms


@virtual
async def test_beyond_the_budget_each_is_told_a_moment_of_its_own_and_reserves_nothing() -> None:
    door = Door()
    await full(door)
    await door.use_up_the_budget()
    door.looked_at.clear()
    told = [await door.refused(f"new{number}-1") for number in range(20)]
    assert door.looked_at == []
    assert {reason for reason, _ in told} == {"line_full"}
    assert len({moment_ms for _, moment_ms in told}) == 20
    assert door.core.snapshot(clock_ns()).promised == 0


@virtual
async def test_whoever_is_known_is_served_beside_a_flood_of_forged_tokens() -> None:
    door = Door()
    door.knock("ann-1")
    await settle()
    await door.use_up_the_budget()
    await door.end("/ann-1")
    known = door.knock("ann-1")
    await settle()
    assert known.status == 200


@virtual
async def test_where_there_is_room_a_new_token_is_looked_at_when_the_others_budget_is_empty() -> (
    None
):
    door = Door()
    await full(door)
    await door.use_up_the_budget()
    reason, _ = await door.refused("bob-1")
    assert reason == "line_full"
    await door.end("/ann-1")
    second = door.knock("bob-2")
    await door.end("/bob-2")
    assert second.status == 200


@virtual
async def test_verifying_whoever_is_served_costs_no_budget() -> None:
    door = Door()
    for number in range(2 * FULL_NS // COST_NS):
        served = door.knock(f"player{number}-1")
        await door.end(f"/player{number}-1")
        assert served.status == 200
    await full(door)
    await door.forged("bad-1")


@virtual
async def test_the_budget_comes_back_with_time() -> None:
    door = Door()
    await full(door)
    await door.use_up_the_budget()
    door.looked_at.clear()
    await door.refused("bob-1")
    assert door.looked_at == []
    door.spent_ns += 10 * COST_NS
    await door.refused("bob-1")
    assert door.looked_at == ["/bob-1"]


def waiting(door: Door) -> list[Place]:
    """Return who waits, in the order of their arrival."""
    return sorted(door.gate._turns, key=lambda place: place.number)
