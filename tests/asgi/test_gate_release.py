"""A place that the application gives back before its answer is complete."""

import asyncio

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from middleware.admission import AdmissionCore, Share
from middleware.gate import AdmissionGate
from tests.asgi.test_gate import SETTINGS, Bench
from tests.asgi_client import Exchange, http_scope, settle
from tests.virtual_time import virtual


class ReleasingBench(Bench):
    """Its application gives its place back `releases` times, and then waits to be told to end."""

    releases = 1

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"]
        self.started.append(name)
        for _ in range(self.releases):
            scope["state"]["release_place"]()
        await self.ends.setdefault(name, asyncio.Event()).wait()
        await PlainTextResponse(name, self.statuses.get(name, 200))(scope, receive, send)


@virtual
async def test_whoever_is_next_runs_while_the_answer_is_still_waited_for() -> None:
    bench = ReleasingBench()
    exchanges = [bench.send(f"/{number}") for number in range(5)]
    await settle()
    assert bench.started == [f"/{number}" for number in range(5)]
    assert bench.at_rest()
    assert [exchange.status for exchange in exchanges] == [None] * 5
    for number in range(5):
        await bench.end(f"/{number}")
    assert [exchange.status for exchange in exchanges] == [200] * 5


@virtual
async def test_a_place_that_was_given_back_is_not_given_back_again_with_the_answer() -> None:
    bench = ReleasingBench()
    bench.releases = 3
    early = bench.send("/early")
    await settle()
    bench.releases = 0
    holder, waiting = bench.send("/holder"), bench.send("/waiting")
    await bench.end("/early")
    assert early.status == 200
    # The one place is the holder's: the end of the early one has not freed it.
    assert bench.started == ["/early", "/holder"]
    assert bench.core.snapshot(0).running == 1
    await bench.end("/holder")
    await bench.end("/waiting")
    assert (holder.status, waiting.status) == (200, 200)
    assert bench.at_rest()


@virtual
async def test_the_place_s_time_ends_when_it_is_given_back_whatever_the_answer_is() -> None:
    """The core learns how long work takes, not how long a provider does."""

    def held_ns(core: AdmissionCore) -> int:
        return core.snapshot(0).held_ns[Share.GAMEPLAY]

    bench = ReleasingBench()
    before_ns = held_ns(bench.core)
    bench.statuses["/1"] = 502
    exchange = bench.send("/1")
    await settle()
    learnt_ns = held_ns(bench.core)
    assert learnt_ns < before_ns
    await asyncio.sleep(0.3)
    await bench.end("/1")
    assert exchange.status == 502
    assert held_ns(bench.core) == learnt_ns


@virtual
async def test_a_server_that_gives_no_state_gets_one() -> None:
    gate_states: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        gate_states.append(scope["state"])
        scope["state"]["release_place"]()
        await PlainTextResponse("done")(scope, receive, send)

    bench = ReleasingBench()
    gate = AdmissionGate(core=AdmissionCore(SETTINGS), classify=bench.classify)
    scope = http_scope("GET", "/1")
    del scope["state"]
    exchange = Exchange(gate.around(app), scope)
    await exchange.task
    assert exchange.status == 200
    assert gate_states
