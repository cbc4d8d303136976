"""A place that is handed on between two pieces of a longer work."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from middleware.admission import Arrival, Class
from tests.asgi.test_gate import Bench
from tests.asgi_client import settle
from tests.virtual_time import run_virtual, virtual


class PieceBench(Bench):
    """Its events are taken in in pieces: before each, the place is handed on."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def classify(self, scope: Scope, jitter: float) -> Arrival:
        cls = Class.EVENTS if scope["path"].startswith("/batch") else Class.GAMEPLAY
        return Arrival(cls, scope["path"], verified=True, jitter=jitter)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"]
        if not name.startswith("/batch"):
            await super().app(scope, receive, send)
            return
        for piece in range(3):
            await scope["state"]["hand_on_place"]()
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
