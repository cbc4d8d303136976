"""The admission gate's shell: it owns the clock, the futures and the bytes. The core decides.

Nothing awaits between a decision and its record, so no lock is needed and no wake-up can be lost.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from middleware.admission import (
    AdmissionCore,
    AdmissionEvent,
    Admitted,
    Arrival,
    Decision,
    Outcome,
    Place,
    Refused,
    Standing,
    Turn,
    Verdict,
    Vitals,
    Waiting,
)
from middleware.admission.looks import Looks
from middleware.problem import HttpReason, Problem, ProblemResponse, come_back
from middleware.tickets import TICKET_HEADER, TICKET_MEMBER

TRACER = trace.get_tracer("headrace")

BUFFERED_BYTES_MAX: Final = 65_536
"""How much of a body is read on while its owner waits, to learn whether it is still there."""

# 304 among them: finding out that nothing changed is most of the work.
SUCCESS_STATUSES: Final = range(200, 400)
OVERLOAD_STATUSES: Final = frozenset({502, 503, 504})

Classify = Callable[[Scope, float], Arrival]
VerifyCredential = Callable[[Scope], None]
Tell = Callable[[Scope, Refused], Mapping[str, str]]
Hook = Callable[[AdmissionEvent], None]


class AdmissionGate:
    """Puts one admission core in front of ASGI applications, those of several routes or one.

    A place is given back when the answer is complete, before it is written: a slow reader holds a
    connection, never a place. The application may give it back earlier, when only waiting is left
    for it to do: `release_place` in the scope's state, a success, is the place's one end. Between
    two pieces of a longer work it may await `hand_on_place`: whoever is due before it runs first.
    That raises `Problem` if the work may not be finished any more, since it began too long ago. A
    client that leaves while it waits for its first place gives it on, and the application never
    hears of it.

    `classify` says what arrives, of a scope and a random number in [0, 1). What arrives `unknown`
    is verified by `verify`, at most 1 ms at a time, which raises `Problem` for what is no good and
    makes the next `classify` tell whose it is: before it takes a place or a seat in line. For those
    who then run or wait that is part of serving them. Of what goes into the others,
    `verify_share_ppm` bounds the share of a core, or three times that while places are free; beyond
    it they are turned away unverified.

    `tell` adds members to the body of a refusal; a ticket among them is a header, too.
    """

    def __init__(
        self,
        *,
        core: AdmissionCore,
        classify: Classify,
        verify: VerifyCredential | None = None,
        verify_share_ppm: int = 100_000,
        tell: Tell = lambda _, __: {},
        hooks: Sequence[Hook] = (),
        cpu_ns: Callable[[], int] = time.thread_time_ns,
        loop_lag_ns: Callable[[], int] = lambda: 0,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._core = core
        self._classify = classify
        self._verify = verify
        self._tell = tell
        self._looks = Looks(core, verify_share_ppm)
        self._hooks = hooks
        self._cpu_ns = cpu_ns
        self._loop_lag_ns = loop_lag_ns
        self._clock_ns = clock_ns
        self._dice = dice
        self._turns: dict[Place, asyncio.Future[Refused | None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_ns: int | None = None

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application behind this gate."""
        return partial(self._serve, app)

    async def _serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        decision = self._decide(scope)
        if isinstance(decision, Waiting):
            await self._wait_then_run(app, decision, scope, ReadAhead(receive), send)
        elif isinstance(decision, Admitted):
            await self._run(app, decision.place, 0, scope, receive, send)
        else:
            self._emit_refused(decision, 0)
            await self._answer(decision, scope, receive, send)

    def _decide(self, scope: Scope) -> Decision:
        """Ask the core about a request. Raises `Problem` if its credential is no good."""
        arrival = newcomer = self._classify(scope, self._dice())
        now_ns, looked_ns = self._clock_ns(), 0
        budget = None
        if newcomer.unknown:
            assert self._verify is not None, "nobody else says that it is unknown"
            budget = self._looks.budget_for(newcomer, now_ns)
            if budget is None:
                return self._core.turn_away(newcomer, now_ns)
            before_ns = self._cpu_ns()
            try:
                self._verify(scope)
            finally:
                looked_ns, now_ns = self._cpu_ns() - before_ns, self._clock_ns()
                budget.spend(looked_ns, now_ns)
            arrival = self._classify(scope, newcomer.jitter)
        decision = self._core.arrive(arrival, Vitals(self._loop_lag_ns()), now_ns)
        if budget is not None and not isinstance(decision, Refused):
            budget.give_back(looked_ns)
        return decision

    async def _wait_then_run(
        self, app: ASGIApp, waiting: Waiting, scope: Scope, inbox: "ReadAhead", send: Send
    ) -> None:
        place = waiting.place
        try:
            refused = await self._wait(waiting, inbox)
        except ClientLeft:
            self._leave(place, Outcome.IGNORE)
            self._emit(place, Verdict.LEFT, self._clock_ns() - place.arrived_at_ns)
            return
        except BaseException:
            # Cancelled, perhaps in the very tick in which its turn came: the place goes on either
            # way.
            self._leave(place, Outcome.IGNORE)
            raise
        waited_ns = self._clock_ns() - place.arrived_at_ns
        _record_wait(waited_ns)
        if refused is not None:
            self._emit_refused(refused, waited_ns)
            await self._answer(refused, scope, inbox.receive, send)
        else:
            await self._run(app, place, waited_ns, scope, inbox.receive, send)

    async def _wait(self, waiting: Waiting, inbox: "ReadAhead") -> Refused | None:
        """Return None when the place is granted, or the refusal. Raises `ClientLeft`."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Refused | None] = loop.create_future()
        self._turns[waiting.place] = turn
        self._wake_at(waiting.wake_at_ns)
        watcher = loop.create_task(inbox.watch(turn))
        try:
            return await turn
        finally:
            del self._turns[waiting.place]
            watcher.cancel()

    async def _run(
        self,
        app: ASGIApp,
        place: Place,
        waited_ns: int,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        status = 0

        async def send_and_leave(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                self._leave(place, _outcome(status))
            await send(message)

        state = scope.setdefault("state", {})
        state["release_place"] = partial(self._leave, place, Outcome.SUCCESS)
        state["hand_on_place"] = partial(self._hand_on, place)
        outcome = Outcome.IGNORE
        try:
            self._emit(place, Verdict.ADMITTED, waited_ns)
            await app(scope, receive, send_and_leave)
        except Problem as problem:
            outcome = _outcome(problem.reason.status)
            raise
        finally:
            self._leave(place, outcome)

    async def _hand_on(self, place: Place) -> None:
        """Let others run who are due first; return when it is this place's turn again.

        A request that is cancelled meanwhile ends its place as any other, in `_run`.
        """
        if place.standing is not Standing.RUNNING:
            raise RuntimeError("a place that was given back cannot be handed on")
        turn: asyncio.Future[Refused | None] = asyncio.get_running_loop().create_future()
        self._turns[place] = turn
        handed_on_ns = self._clock_ns()
        try:
            self._take(self._core.hand_on(place, handed_on_ns))
            at_once = turn.done()
            refused = await turn
        finally:
            del self._turns[place]
        waited_ns = self._clock_ns() - handed_on_ns
        if not at_once:
            _record_wait(waited_ns)
        if refused is not None:
            self._emit_refused(refused, waited_ns)
            raise _problem(refused)
        self._emit(place, Verdict.RESUMED, waited_ns)

    def _leave(self, place: Place, outcome: Outcome) -> None:
        self._take(self._core.leave(place, outcome, self._clock_ns()))

    def _take(self, turn: Turn) -> None:
        for place in turn.granted:
            self._resolve(place, None)
        for place, refused in turn.refused:
            self._resolve(place, refused)
        self._wake_at(turn.wake_at_ns)

    def _resolve(self, place: Place, refused: Refused | None) -> None:
        turn = self._turns.get(place)
        # One that was cancelled in this tick gives its place back by itself, in `_wait_then_run`.
        if turn is not None and not turn.done():
            turn.set_result(refused)

    def _wake_at(self, wake_at_ns: int | None) -> None:
        """Keep one timer, set to the earliest moment that anybody asked for."""
        if wake_at_ns is None or (
            self._timer_at_ns is not None and self._timer_at_ns <= wake_at_ns
        ):
            return
        if self._timer is not None:
            self._timer.cancel()
        # uvloop rounds to whole milliseconds: rounded down, the core would be asked in vain until
        # the moment has come.
        delay_ms = max(0, -(-(wake_at_ns - self._clock_ns()) // 1_000_000))
        self._timer_at_ns = wake_at_ns
        self._timer = asyncio.get_running_loop().call_later(delay_ms / 1e3, self._wake)

    def _wake(self) -> None:
        self._timer = self._timer_at_ns = None
        self._take(self._core.wake(self._clock_ns()))

    async def _answer(self, refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
        told = self._tell(scope, refused)
        problem = _problem(refused, **told)
        if TICKET_MEMBER in told:
            problem.headers[TICKET_HEADER] = told[TICKET_MEMBER]
        await ProblemResponse(problem)(scope, receive, send)

    def _emit(self, place: Place, verdict: Verdict, waited_ns: int) -> None:
        event = AdmissionEvent(place.cls, verdict, None, waited_ns, 0)
        for hook in self._hooks:
            hook(event)

    def _emit_refused(self, refused: Refused, waited_ns: int) -> None:
        event = AdmissionEvent(
            refused.cls, Verdict.REFUSED, refused.reason, waited_ns, refused.retry_after_ns
        )
        for hook in self._hooks:
            hook(event)


class ClientLeft(Exception):
    """The client disconnected while it waited in line."""


class ReadAhead:
    """A request's messages: read ahead while it waits, then replayed in order."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []

    async def watch(self, turn: "asyncio.Future[Refused | None]") -> None:
        """Read on until the client leaves, and say so; stop where the buffer is full."""
        try:
            await self._read_on()
        except Exception as end:  # noqa: BLE001 - whatever it is, the waiting request has to know
            if not turn.done():
                turn.set_exception(end)

    async def _read_on(self) -> None:
        size = 0
        while True:
            message = await self._receive()
            self._messages.append(message)
            if message["type"] == "http.disconnect":
                raise ClientLeft
            size += len(message.get("body", b""))
            if message.get("more_body", False) and size > BUFFERED_BYTES_MAX:
                return

    async def receive(self) -> Message:
        """Return the next message, as ASGI's `receive`."""
        if self._messages:
            return self._messages.pop(0)
        return await self._receive()


def _outcome(status: int) -> Outcome:
    if status in OVERLOAD_STATUSES:
        return Outcome.OVERLOAD
    return Outcome.SUCCESS if status in SUCCESS_STATUSES else Outcome.IGNORE


def _record_wait(waited_ns: int) -> None:
    """Show the time in line as a bar of its own in the trace."""
    if trace.get_current_span().is_recording():
        now_ns = time.time_ns()
        TRACER.start_span("admission.wait", start_time=now_ns - waited_ns).end(now_ns)


def _problem(refused: Refused, **told: str) -> Problem:
    retry_after_ms = -(-refused.retry_after_ns // 1_000_000)
    return come_back(
        HttpReason[refused.reason.name], retry_after_ms, reserved=refused.reserved, **told
    )
