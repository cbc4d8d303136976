"""What stands before the application: connections counted and capped, deadlines, clean ends.

    accepted ─┬─► Connection    bytes ◄─► Http11 (Hypercorn) ◄─► one task per request
              └─► TurnedAway    above the cap: one canned 503, before Hypercorn builds anything

A connection costs no task and no stream of its own: the socket's callbacks run Hypercorn's protocol
to its end, and only the application runs in a task. That is a good part of what a request costs on
a new connection, and logins come on new connections.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import structlog
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.typing import ConnectionState
from starlette.types import ASGIApp, Message, Receive, Scope

from app.serving.http11 import Context, DatedConfig, Http11, Inbox, complete
from app.serving.turned_away import TurnedAway, busy_answer
from middleware.problem import HttpReason

IDLE_S_MAX: Final = 5.0
"""How long a connection may show no complete request head, at its start and between requests."""

STALL_S_MAX: Final = 10.0
"""How long a client may read nothing of what waits for it."""

LINGER_S_MAX: Final = 2.0
LINGER_BYTES_MAX: Final = 16 * 1024 * 1024
"""How long, and how much, a client may go on sending after an answer that ends its connection.
Closing at once would reset it before it has read the answer."""

UNFED_BYTES_MAX: Final = 64 * 1024
"""Bytes of later requests above which the client is not read on."""

log = structlog.get_logger()


class FrontDoor:
    """One listener's connections and running requests. An instance is a protocol factory."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        connections_max: int,
        turned_away_max: int = 256,
        state: dict[str, Any] | None = None,
        address: tuple[str, int] | None = None,
        on_refused: Callable[[str], None] = lambda _reason: None,
        idle_s_max: float = IDLE_S_MAX,
        stall_s_max: float = STALL_S_MAX,
        linger_s_max: float = LINGER_S_MAX,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.app = app
        self.config = DatedConfig()
        self.context = Context(max_requests=None)
        self.state = ConnectionState(state if state is not None else {})
        self.address = address
        self.on_refused = on_refused
        self.idle_s_max = idle_s_max
        self.stall_s_max = stall_s_max
        self.linger_s_max = linger_s_max
        self.connections: set[Connection] = set()
        self.running: set[asyncio.Task[None]] = set()
        self.closing = False
        self._connections_max = connections_max
        self._turned_away_max = turned_away_max
        self._turned_away: set[TurnedAway] = set()
        self._dice = dice
        self._empty: asyncio.Future[None] | None = None

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol for one accepted connection."""
        if len(self.connections) < self._connections_max:
            return Connection(self)
        self.on_refused(HttpReason.CONNECTIONS_FULL)
        full = len(self._turned_away) >= self._turned_away_max
        answer = busy_answer(self._dice())
        return TurnedAway(answer, None if full else self._turned_away, self.linger_s_max)

    def say_goodbye(self) -> None:
        """From now on each answer ends its connection."""
        self.config.keep_alive_max_requests = 0

    def close_idle(self) -> None:
        """Close every connection that has no request running, now and from now on."""
        self.closing = True
        for connection in tuple(self.connections):
            connection.close_if_idle()

    async def wait_until_empty(self) -> None:
        """Return when no request runs and no connection is left."""
        if self.running or self.connections:
            self._empty = asyncio.get_running_loop().create_future()
            await self._empty

    def cut(self) -> int:
        """End everything at once. Return how many requests did not get their whole answer."""
        tasks = tuple(self.running)
        cut = len(tasks) + sum(connection.owes_an_answer for connection in self.connections)
        for connection in tuple(self.connections):
            connection.abort()
        for turned_away in tuple(self._turned_away):
            turned_away.abort()
        for task in tasks:
            task.cancel()
        return cut

    def forget(self, task: "asyncio.Task[None]") -> None:
        """Let go of a request that is over."""
        self.running.discard(task)
        self.tell_if_empty()

    def tell_if_empty(self) -> None:
        """Wake `wait_until_empty` when there is nothing left."""
        if self._empty is not None and not self.running and not self.connections:
            if not self._empty.done():
                self._empty.set_result(None)
            self._empty = None


class Connection(asyncio.Protocol):
    """One client's connection: bytes in and out, the application's tasks, the deadlines.

    It is open until it is asked to finish; then nothing more is written, what was written leaves,
    and a client that is still sending may go on for a moment, since closing now would reset it
    before it has read its answer.
    """

    def __init__(self, door: FrontDoor) -> None:
        door.connections.add(self)
        self._door = door
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._http: Http11 | None = None
        self._open = True
        self._left = False
        self._tasks = 0
        self._unsent: list[bytes] = []
        self._lingered_bytes = 0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._idle_until_s: float | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._writable: asyncio.Event | None = None

    @property
    def owes_an_answer(self) -> bool:
        """Whether a part of an answer has not left, although its request is over."""
        if self._tasks or self._transport is None:
            return False
        return self._transport.get_write_buffer_size() > 0

    def close_if_idle(self) -> None:
        """Close unless a request runs or has begun to arrive."""
        if self._http is not None and self._http.idle:
            self._finish()

    def abort(self) -> None:
        """Close at once, whatever is lost."""
        if self._transport is not None:
            self._transport.abort()

    # From the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        door = self._door
        peer = transport.get_extra_info("peername")
        self._transport = cast("asyncio.Transport", transport)
        self._http = Http11(
            door.app,
            door.config,
            door.context,
            self,
            door.state,
            peer[:2] if peer else None,
            door.address,
            door.on_refused,
        )
        self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        """Hand bytes to Hypercorn, or drop those that come too late."""
        assert self._transport is not None
        assert self._http is not None
        if not self._open:
            self._lingered_bytes += len(data)
            if self._lingered_bytes > LINGER_BYTES_MAX:
                self._transport.abort()
            return
        self._http.receive(data)
        self._flush()
        if self._http.unfed_bytes > UNFED_BYTES_MAX:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Tell the application that its client left; a running one may still answer."""
        if self._open:
            assert self._http is not None
            self._left = True
            complete(self._http.handle(Closed()))
            if not self._tasks:
                self._finish()
        return self._open

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Let go of everything."""
        self._left = self._left or self._open
        self._open = False
        self._cancel_idle_timer()
        self._cancel_end_timer()
        self.resume_writing()
        if self._http is not None:
            complete(self._http.handle(Closed()))
        # What still runs keeps Hypercorn's objects alive, and nothing else does.
        self._http = self._transport = None
        self._door.connections.discard(self)
        self._door.tell_if_empty()

    def pause_writing(self) -> None:
        """Make the application wait, but not for ever."""
        self._writable = asyncio.Event()
        self._watch_progress()

    def resume_writing(self) -> None:
        """Let the application go on."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None
            if self._open:
                self._cancel_end_timer()

    # From Hypercorn

    async def send(self, event: Event) -> None:
        """Do what the protocol asks of its connection."""
        # Types are compared, since asking an abstract class costs ten times as much.
        if type(event) is RawData:
            if event.data:
                self._unsent.append(event.data)
        elif type(event) is Closed:
            self._finish()
        elif type(event) is Updated and self._open:
            if not event.idle:
                self._idle_until_s = None
            elif self._left or self._door.closing:
                self._finish()
            else:
                self._wait_for_request()
                self._go_on()

    async def spawn_app(
        self,
        app: ASGIApp,
        config: Config,  # noqa: ARG002 - Hypercorn's signature
        scope: Scope,
        send: Callable[[Message | None], Awaitable[None]],
    ) -> Callable[[Message], Awaitable[None]]:
        """Run the application for one request; return where its messages go."""
        inbox = Inbox(self._go_on)
        task = self._loop.create_task(self._run(app, scope, inbox.receive, send))
        task.add_done_callback(self._on_request_over)
        self._tasks += 1
        self._door.running.add(task)
        return inbox.put

    async def _run(
        self,
        app: ASGIApp,
        scope: Scope,
        receive: Receive,
        send: Callable[[Message | None], Awaitable[None]],
    ) -> None:
        async def send_when_writable(message: Message) -> None:
            if self._writable is not None:
                await self._writable.wait()
            starts = message["type"] == "http.response.start"
            if starts and self._http is not None:
                self._http.promise_end_if_unread()
            await send(message)
            if not starts:
                self._flush()  # head and body leave together: one call, one packet

        try:
            await app(scope, receive, send_when_writable)
        finally:
            await send(None)

    def _on_request_over(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            error = task.exception()
            if error is not None and not self._left:
                log.error("application_failed", exc_info=error)
        self._flush()
        self._tasks -= 1
        if self._left and not self._tasks:
            self._finish()
        self._door.forget(task)

    # Deadlines and the end

    def _wait_for_request(self) -> None:
        self._idle_until_s = self._loop.time() + self._door.idle_s_max
        # One timer serves many requests: a new one for each would cost more than to look again.
        if self._idle_timer is None:
            self._idle_timer = self._loop.call_at(self._idle_until_s, self._on_idle_timer)

    def _on_idle_timer(self) -> None:
        self._idle_timer = None
        if self._idle_until_s is None:
            return
        if self._loop.time() < self._idle_until_s:
            self._idle_timer = self._loop.call_at(self._idle_until_s, self._on_idle_timer)
        else:
            self._finish()

    def _go_on(self) -> None:
        if self._http is not None and self._http.stopped:
            self._loop.call_soon(self._proceed)

    def _proceed(self) -> None:
        if not self._open or self._http is None or not self._http.stopped:
            return
        self._http.proceed()
        self._flush()
        if self._http.unfed_bytes <= UNFED_BYTES_MAX and self._transport is not None:
            self._transport.resume_reading()

    def _flush(self) -> None:
        if self._unsent:
            pieces, self._unsent = self._unsent, []
            if self._open and self._transport is not None:
                self._transport.writelines(pieces)

    def _finish(self) -> None:
        if not self._open or self._transport is None or self._http is None:
            return
        self._flush()
        self._open = False
        self._cancel_idle_timer()
        self._cancel_end_timer()
        complete(self._http.handle(Closed()))
        if self._left or self._http.fully_read:
            self._transport.close()
            self._watch_progress()
        else:
            self._transport.resume_reading()
            self._transport.write_eof()
            self._end_timer = self._loop.call_later(self._door.linger_s_max, self.abort)

    def _watch_progress(self, owed_before: int | None = None) -> None:
        """Abort when nothing of what is owed has left since the last look."""
        if self._transport is None:
            return
        owed = self._transport.get_write_buffer_size()
        if owed_before is not None and owed >= owed_before:
            self._transport.abort()
        elif owed:
            self._end_timer = self._loop.call_later(
                self._door.stall_s_max, self._watch_progress, owed
            )

    def _cancel_idle_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _cancel_end_timer(self) -> None:
        if self._end_timer is not None:
            self._end_timer.cancel()
            self._end_timer = None
