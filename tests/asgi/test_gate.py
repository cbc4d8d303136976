"""The gate's shell, in virtual time, around an application that does what it is told."""

import asyncio
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.errors import ServiceReason
from middleware.admission import (
    AdmissionCore,
    AdmissionEvent,
    AdmissionSettings,
    Arrival,
    Class,
    Rate,
    Share,
    Verdict,
)
from middleware.gate import AdmissionGate
from middleware.problem import Problem
from tests.asgi_client import Exchange, http_scope, settle
from tests.virtual_time import clock_ns, run_virtual, virtual

SETTINGS = AdmissionSettings(limit=1, initialize_rate=None, quota=Rate.per_second(1000, burst=1000))


class Bench:
    """A gate before an application whose handlers end when the test says so."""

    def __init__(self, settings: AdmissionSettings = SETTINGS) -> None:
        self.core = AdmissionCore(settings)
        self.events: list[AdmissionEvent] = []
        self.started: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.failures: dict[str, Exception] = {}
        self.statuses: dict[str, int] = {}
        self.gate = AdmissionGate(
            core=self.core,
            classify=self.classify,
            hooks=[self.events.append],
            clock_ns=clock_ns,
            dice=lambda: 0.5,
        )

    def classify(self, scope: Scope, jitter: float) -> Arrival:
        cls = Class.INITIALIZE if scope["method"] == "POST" else Class.GAMEPLAY
        return Arrival(cls, scope["path"], verified=True, jitter=jitter)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"]
        self.started.append(name)
        await self.ends.setdefault(name, asyncio.Event()).wait()
        if name in self.failures:
            raise self.failures[name]
        body = (await receive())["body"]
        response = PlainTextResponse(body or name, self.statuses.get(name, 200))
        await response(scope, receive, send)

    def send(self, name: str, method: str = "GET", body: bytes = b"") -> Exchange:
        return Exchange(self.gate.around(self.app), http_scope(method, name), body)

    async def end(self, name: str) -> None:
        self.ends.setdefault(name, asyncio.Event()).set()
        await settle()

    def at_rest(self) -> bool:
        snapshot = self.core.snapshot(0)
        return snapshot.running == 0 and not any(snapshot.waiting.values())


@virtual
async def test_one_runs_and_the_next_waits_for_its_place() -> None:
    bench = Bench()
    first, second = bench.send("/1"), bench.send("/2")
    await settle()
    assert bench.started == ["/1"]
    await bench.end("/1")
    assert bench.started == ["/1", "/2"]
    await bench.end("/2")
    assert (first.status, second.status) == (200, 200)
    assert bench.at_rest()
    assert [event.verdict for event in bench.events] == [Verdict.ADMITTED, Verdict.ADMITTED]


@virtual
async def test_a_waiting_request_keeps_its_body() -> None:
    bench = Bench()
    bench.send("/1")
    second = bench.send("/2", body=b"what the client sent")
    await bench.end("/1")
    await bench.end("/2")
    assert second.body == b"what the client sent"


@virtual
async def test_whose_turn_does_not_come_is_told_when_to_return() -> None:
    bench = Bench()
    bench.send("/1")
    await settle()
    second = bench.send("/2")
    started_ns = clock_ns()
    await second.task
    assert clock_ns() - started_ns == 150_000_000
    assert second.status == 503
    assert second.headers["retry-after"] == "1"
    assert second.headers["content-type"] == "application/problem+json"
    assert second.json["reason"] == "wait_expired"
    assert second.json["retry_after_ms"] == 600
    assert bench.started == ["/1"]
    assert bench.events[-1].verdict is Verdict.REFUSED
    assert bench.events[-1].waited_ns == 150_000_000


@virtual
async def test_a_refusal_leaves_at_once_with_a_slot_rounded_up() -> None:
    bench = Bench(replace(SETTINGS, wait_ns_max=0))
    bench.send("/1", "POST")
    refused = bench.send("/2", "POST")
    await settle()
    assert refused.status == 503
    assert refused.json["reason"] == "line_full"
    assert refused.json["reserved"] is True
    # One place of 20 ms runs, and the slot lies one interval behind it.
    assert refused.json["retry_after_ms"] == 41
    assert refused.headers["retry-after"] == "1"


@virtual
async def test_over_quota_is_429() -> None:
    bench = Bench(replace(SETTINGS, limit=5, quota=Rate.per_second(0.5, burst=1)))
    bench.send("/1")
    refused = bench.send("/1")
    await settle()
    assert refused.status == 429
    assert refused.json["reason"] == "over_quota"
    assert refused.headers["retry-after"] == "2"


@virtual
async def test_a_client_that_leaves_the_line_gives_its_place_on_and_never_runs() -> None:
    bench = Bench()
    bench.send("/1")
    leaver, third = bench.send("/2"), bench.send("/3")
    await settle()
    leaver.leave()
    await settle()
    assert leaver.task.done()
    assert leaver.sent == []
    await bench.end("/1")
    assert bench.started == ["/1", "/3"]
    await bench.end("/3")
    assert third.status == 200
    assert bench.events[1].verdict is Verdict.LEFT
    assert bench.at_rest()


@virtual
async def test_a_client_with_a_large_body_that_leaves_the_line_never_runs_either() -> None:
    bench = Bench()
    bench.send("/1")
    leaver = bench.send("/2", body=b"x" * 100_000)
    await settle()
    leaver.leave()
    await settle()
    assert leaver.task.done()
    await bench.end("/1")
    assert bench.started == ["/1"]
    assert bench.at_rest()


@virtual
async def test_a_receive_that_fails_ends_the_wait_and_gives_the_place_on() -> None:
    bench = Bench()
    bench.send("/1")
    await settle()

    async def broken() -> Any:
        raise OSError("the peer vanished")

    async def send(_: Any) -> None:
        raise AssertionError("nobody is there")

    waiting = asyncio.ensure_future(
        bench.gate.around(bench.app)(http_scope(path="/2"), broken, send)
    )
    await settle()
    assert isinstance(waiting.exception(), OSError)
    await bench.end("/1")
    assert bench.at_rest()


@virtual
async def test_a_place_is_free_before_the_answer_is_written() -> None:
    bench = Bench()
    release = asyncio.Event()

    async def slow_reader(message: Any) -> None:
        if message["type"] == "http.response.body":
            await release.wait()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    reading = asyncio.ensure_future(
        bench.gate.around(bench.app)(http_scope(path="/1"), receive, slow_reader)
    )
    second = bench.send("/2")
    await bench.end("/1")
    assert not reading.done()
    assert bench.started == ["/1", "/2"]
    await bench.end("/2")
    assert second.status == 200
    release.set()
    await reading
    assert bench.at_rest()


@virtual
async def test_a_handler_that_fails_or_is_cancelled_gives_its_place_back() -> None:
    bench = Bench()
    bench.failures["/1"] = RuntimeError("a bug")
    bench.failures["/2"] = Problem(ServiceReason.DATABASE_UNAVAILABLE, "away")
    first, second, third, fourth = (bench.send(f"/{number}") for number in range(1, 5))
    await bench.end("/1")
    await bench.end("/2")
    assert isinstance(first.task.exception(), RuntimeError)
    assert isinstance(second.task.exception(), Problem)
    third.task.cancel()
    await bench.end("/4")
    assert fourth.status == 200
    assert bench.at_rest()


@virtual
async def test_only_what_is_served_is_a_lesson_about_how_long_a_place_is_held() -> None:
    bench = Bench()

    def held_ns() -> int:
        return bench.core.snapshot(clock_ns()).held_ns[Share.GAMEPLAY]

    for name, status, teaches in (
        ("/mistake", 404, False),
        ("/away", 503, False),
        ("/unchanged", 304, True),
        ("/served", 200, True),
    ):
        before_ns = held_ns()
        bench.statuses[name] = status
        bench.send(name)
        await asyncio.sleep(3)  # of the virtual clock: no time passes
        await bench.end(name)
        assert (held_ns() > before_ns) is teaches, name


@virtual
async def test_other_scopes_pass() -> None:
    bench = Bench()
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    gate = AdmissionGate(core=bench.core, classify=bench.classify).around(app)
    await gate({"type": "lifespan"}, lambda: None, lambda _: None)  # type: ignore[arg-type, return-value]
    assert seen == ["lifespan"]


@virtual
async def test_it_goes_around_a_bare_starlette_application() -> None:
    async def hello(_: Request) -> Response:
        return PlainTextResponse("hello")

    bench = Bench()
    gate = AdmissionGate(core=bench.core, classify=bench.classify).around(
        Starlette(routes=[Route("/hello", hello)])
    )
    exchange = Exchange(gate, http_scope(path="/hello"))
    await exchange.task
    assert (exchange.status, exchange.body) == (200, b"hello")
    assert bench.at_rest()


# What can happen to a waiting request, in every order, a few loop rounds apart. Two others stand
# around it: one that holds the place, one that waits behind.
HAPPENINGS = ("hand_off", "cancel", "disconnect", "expire")


@pytest.mark.parametrize("rounds", range(4))
@pytest.mark.parametrize("order", list(permutations(HAPPENINGS, 3)))
def test_whatever_meets_in_one_tick_the_place_is_given_on_exactly_once(
    order: tuple[str, ...], rounds: int
) -> None:
    async def meet() -> None:
        bench = Bench()
        bench.send("/holder")
        await settle()
        victim, behind = bench.send("/victim"), bench.send("/behind")
        await settle()
        for happening in order:
            if happening == "hand_off":
                bench.ends.setdefault("/holder", asyncio.Event()).set()
            elif happening == "cancel":
                victim.task.cancel()
            elif happening == "disconnect":
                victim.leave()
            else:
                asyncio.get_running_loop()._now_s += 0.151  # type: ignore[attr-defined]
                bench.gate._wake()
            for _ in range(rounds):
                await asyncio.sleep(0)
        bench.ends.setdefault("/victim", asyncio.Event()).set()
        bench.ends.setdefault("/behind", asyncio.Event()).set()
        await bench.end("/holder")
        await asyncio.wait([victim.task, behind.task])
        assert bench.at_rest(), "a place was lost or given twice"
        assert bench.started.count("/victim") <= 1
        assert behind.status in {200, 503}
        if "expire" not in order:
            assert behind.status == 200, "the one behind never got the place"
        answers = [message for message in victim.sent if message["type"] == "http.response.start"]
        assert len(answers) <= 1
        assert ("/victim" in bench.started) >= (victim.status == 200)

    run_virtual(meet())


@virtual
async def test_a_hook_that_fails_fails_the_request_and_holds_no_place() -> None:
    bench = Bench()

    def hook(event: AdmissionEvent) -> None:
        raise ValueError(event.verdict)

    gate = AdmissionGate(core=bench.core, classify=bench.classify, hooks=[hook]).around(bench.app)
    exchange = Exchange(gate, http_scope("GET", "/a"), b"")
    with pytest.raises(ValueError, match="admitted"):
        await exchange.task
    assert bench.at_rest()
    assert bench.started == []
