"""A place that is handed on between two pieces of a longer work."""

import asyncio
from dataclasses import replace

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from middleware.admission import AdmissionSettings, Arrival, Class, Share, Verdict
from middleware.problem import HttpReason, Problem
from tests.admission import S
from tests.asgi.test_gate import SETTINGS, Bench
from tests.asgi_client import settle
from tests.virtual_time import run_virtual, virtual


class PieceBench(Bench):
    """Its events are taken in in three pieces: before each, the place is handed on."""

    def __init__(self, settings: AdmissionSettings = SETTINGS) -> None:
        super().__init__(settings)
        self.pieces: list[str] = []
        self.failure: Exception | None = None
        self.releases = False

    def classify(self, scope: Scope, jitter: float) -> Arrival:
        cls = Class.EVENTS if scope["path"].startswith("/batch") else Class.GAMEPLAY
        return Arrival(cls, scope["path"], verified=True, jitter=jitter)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"]
        if not name.startswith("/batch"):
            await super().app(scope, receive, send)
            return
        for piece in range(3):
            if self.releases:
                scope["state"]["release_place"]()
            try:
                await scope["state"]["hand_on_place"]()
            except Exception as failure:
                self.failure = failure
                raise
            self.pieces.append(f"{name} {piece}")
            await self.ends.setdefault(f"{name} {piece}", asyncio.Event()).wait()
        await PlainTextResponse("done")(scope, receive, send)


@virtual
async def test_whoever_is_due_first_runs_between_two_pieces() -> None:
    bench = PieceBench()
    batch = bench.send("/batch")
    await settle()
    player = bench.send("/player")
    await settle()
    assert bench.started == []
    await bench.end("/batch 0")
    assert bench.started == ["/player"]
    assert bench.pieces == ["/batch 0"]
    await bench.end("/player")
    assert player.status == 200
    assert bench.pieces == ["/batch 0", "/batch 1"]
    await bench.end("/batch 1")
    await bench.end("/batch 2")
    assert batch.status == 200
    assert bench.at_rest()


@virtual
async def test_alone_a_batch_goes_on_without_a_pause() -> None:
    bench = PieceBench()
    for piece in range(3):
        bench.ends.setdefault(f"/batch {piece}", asyncio.Event()).set()
    batch = bench.send("/batch")
    await settle()
    assert batch.status == 200
    assert bench.at_rest()


@virtual
async def test_a_wait_between_two_pieces_is_told_to_the_hooks_and_is_no_second_arrival() -> None:
    bench = PieceBench()
    batch = bench.send("/batch")
    await settle()
    bench.send("/player")
    await settle()
    await bench.end("/batch 0")
    await asyncio.sleep(0.1)  # of the virtual clock: no time passes
    for name in ("/player", "/batch 1", "/batch 2"):
        await bench.end(name)
    assert batch.status == 200
    told = [(event.verdict, event.waited_ns) for event in bench.events if event.cls is Class.EVENTS]
    admitted, *resumed = told
    assert admitted == (Verdict.ADMITTED, 0)
    assert [verdict for verdict, _ in resumed] == [Verdict.RESUMED] * 3
    assert [waited_ns for _, waited_ns in resumed] == [0, pytest.approx(100_000_000), 0]


@virtual
async def test_a_batch_that_may_not_finish_is_answered_with_a_moment_to_come_back() -> None:
    patient = replace(SETTINGS, waits_ns=dict.fromkeys(Share, 60 * S), wait_ns_max=60 * S)
    bench = PieceBench(patient)
    bench.send("/batch")
    await settle()
    player = bench.send("/player")
    await settle()
    await bench.end("/batch 0")
    await asyncio.sleep(10)  # of the virtual clock: no time passes
    await settle()
    assert isinstance(bench.failure, Problem)
    assert bench.failure.reason == HttpReason.WAIT_EXPIRED
    assert bench.failure.headers["Retry-After"] == "1"
    assert bench.pieces == ["/batch 0"]
    verdicts = [event.verdict for event in bench.events if event.cls is Class.EVENTS]
    assert verdicts == [Verdict.ADMITTED, Verdict.RESUMED, Verdict.REFUSED]
    await bench.end("/player")
    assert player.status == 200
    assert bench.at_rest()


@virtual
async def test_a_place_that_was_given_back_cannot_be_handed_on() -> None:
    bench = PieceBench()
    bench.releases = True
    batch = bench.send("/batch")
    await settle()
    with pytest.raises(RuntimeError, match="given back"):
        await batch.task
    assert bench.at_rest()


@pytest.mark.parametrize("rounds", range(4))
@pytest.mark.parametrize("granted_first", [True, False])
def test_a_batch_that_is_cancelled_while_it_waits_gives_nothing_up_twice(
    granted_first: bool, rounds: int
) -> None:
    async def meet() -> None:
        bench = PieceBench()
        batch = bench.send("/batch")
        await settle()
        player = bench.send("/player")
        await bench.end("/batch 0")
        if granted_first:
            bench.ends.setdefault("/player", asyncio.Event()).set()
            for _ in range(rounds):
                await asyncio.sleep(0)
            batch.task.cancel()
        else:
            batch.task.cancel()
            for _ in range(rounds):
                await asyncio.sleep(0)
            bench.ends.setdefault("/player", asyncio.Event()).set()
        await bench.end("/player")
        await asyncio.wait([batch.task, player.task])
        assert player.status == 200
        assert bench.at_rest()

    run_virtual(meet())
