"""HTTP/1.1 as Hypercorn speaks it, with the limits and refusals that it lacks.

Hypercorn's H11Protocol and HTTPStream do the protocol. `Http11` reaches into them at four places,
which tests/e2e/test_hypercorn.py checks, since they are not a public interface:

    _handle_events    run to its end inside the socket's callback: nothing in it waits any more
    can_read          where it would wait until the running request is over: feeding stops instead
    _check_protocol   where it would switch to HTTP/2: here bad requests are refused
    _create_stream    where it would switch to a websocket: here every request is plain HTTP
"""

import asyncio
import re
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import h11
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed
from hypercorn.protocol.events import Body, EndBody, Request, Response
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol
from hypercorn.protocol.http_stream import HTTPStream
from hypercorn.typing import ConnectionState
from starlette.types import Message

from middleware.problem import CONTENT_TYPE, HttpReason, Problem

HEADER_FIELDS_MAX: Final = 64
HEAD_BYTES_MAX: Final = 16 * 1024
TARGET_BYTES_MAX: Final = 4 * 1024
METHOD_BYTES_MAX: Final = 32

PIECE_BYTES: Final = HEAD_BYTES_MAX
"""h11 gets no more at once, so that no single call parses for long."""

INBOX_MESSAGES_MAX: Final = 64
"""Unread pieces of a body above which no more of it is handled."""

VERSIONS: Final = frozenset({b"1.0", b"1.1"})
FRAMINGS: Final = frozenset({b"content-length", b"transfer-encoding"})

Headers = list[tuple[bytes, bytes]]

_HEAD_END: Final = re.compile(rb"\n\r?\n")


class RequestRefused(Exception):
    """A request that is answered here and never reaches the application."""

    def __init__(self, problem: Problem, method: bytes = b"") -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.method = method


class Stopped(Exception):
    """What has arrived must wait until the application has caught up."""


class Inbox:
    """One request's messages on their way to the application."""

    def __init__(self, on_empty: Callable[[], None]) -> None:
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._on_empty = on_empty

    async def put(self, message: Message) -> None:
        """Add a message. Raises `Stopped` when the application must first read what is there."""
        self._messages.put_nowait(message)
        if message.get("more_body") and self._messages.qsize() >= INBOX_MESSAGES_MAX:
            raise Stopped

    async def receive(self) -> Message:
        """Return the next message, as ASGI's `receive`."""
        message = await self._messages.get()
        if message["type"] == "http.disconnect":
            self._messages.put_nowait(message)  # it stays true
        elif self._messages.empty():
            self._on_empty()
        return message


class StopReading:
    """Stands in for the event on which Hypercorn waits before it reads on: it stops instead."""

    async def wait(self) -> None:
        """Stop; `Http11.proceed` is called when the running request is over."""
        raise Stopped

    async def clear(self) -> None:
        """Do nothing: there is no state."""

    async def set(self) -> None:
        """Do nothing: there is no state."""

    def is_set(self) -> bool:
        """Return False: Hypercorn asks whether it terminates, and the front door does that."""
        return False


class Context(WorkerContext):
    """Hypercorn's shared state, without events that anybody waits on."""

    event_class = StopReading


class DatedConfig(Config):
    """Hypercorn's settings for one listener. The Date header is written once a second."""

    accesslog = None
    errorlog = None  # what goes wrong in the application is logged by the front door
    include_server_header = False
    h11_max_incomplete_size = HEAD_BYTES_MAX

    def __init__(self) -> None:
        self._dated: list[tuple[bytes, bytes]] = []
        self._dated_at_s = float("-inf")

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        """Return the headers that every answer carries."""
        now_s = monotonic()
        if now_s - self._dated_at_s >= 1:
            self._dated_at_s = now_s
            self._dated = super().response_headers(protocol)
        return self._dated


class Http11(H11Protocol):
    """One connection's protocol. Bytes go in through `receive`; `send` takes what comes out."""

    connection: h11.Connection

    def __init__(
        self,
        app: Any,
        config: Config,
        context: WorkerContext,
        owner: Any,
        state: ConnectionState,
        client: tuple[str, int] | None,
        server: tuple[str, int] | None,
        on_refused: Callable[[str], None],
    ) -> None:
        super().__init__(app, config, context, owner, state, False, client, server, owner.send)
        self._on_refused = on_refused
        self._unfed = bytearray()
        self._stopped = False
        self._refused = False
        self._headers: Headers = []

    @property
    def unfed_bytes(self) -> int:
        """Bytes that wait until the application has caught up."""
        return len(self._unfed)

    @property
    def stopped(self) -> bool:
        """Whether `proceed` is needed before anything more is handled."""
        return self._stopped

    @property
    def idle(self) -> bool:
        """Whether no request runs and none has begun to arrive."""
        return self.stream is None and not self._unfed and not self.connection.trailing_data[0]

    @property
    def fully_read(self) -> bool:
        """Whether the client has nothing more to send for the request it began."""
        return not self._refused and self.connection.their_state not in {h11.SEND_BODY, h11.ERROR}

    def receive(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._stopped or len(data) > PIECE_BYTES:
            self._unfed += data
            self._feed_on()
        else:
            self._feed(data)

    def proceed(self) -> None:
        """Go on where `Stopped` interrupted."""
        self._stopped = False
        complete(self._handle_what_came())
        self._feed_on()

    def promise_end_if_unread(self) -> None:
        """Say `Connection: close` in the answer that comes, if a part of the body is still out."""
        if not self.fully_read:
            self.keep_alive_requests = self.config.keep_alive_max_requests

    def _feed_on(self) -> None:
        while self._unfed and not self._stopped:
            piece = bytes(self._unfed[:PIECE_BYTES])
            del self._unfed[:PIECE_BYTES]
            self._feed(piece)

    def _feed(self, data: bytes) -> None:
        self.connection.receive_data(data)
        complete(self._handle_what_came())

    async def _handle_what_came(self) -> None:
        try:
            if self.connection.their_state is h11.IDLE:
                check_head(self.connection.trailing_data[0])
            await self._handle_events()
        except Stopped:
            self._stopped = True
        except RequestRefused as refused:
            await self._refuse(refused)

    async def _check_protocol(self, event: h11.Request) -> None:
        # Hypercorn asks this directly before `_create_stream`.
        self._headers = [(name.lower(), value) for name, value in event.headers.raw_items()]
        check_request(event, self._headers)

    async def _create_stream(self, request: h11.Request) -> None:
        self.stream = HTTPStream(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
        )
        self.keep_alive_requests += 1
        await self.stream.handle(
            Request(
                stream_id=STREAM_ID,
                headers=self._headers,
                http_version=request.http_version.decode(),
                method=request.method.decode(),
                raw_path=request.target,
                state=self.connection_state,
            )
        )

    async def _refuse(self, refused: RequestRefused) -> None:
        self._refused = self._stopped = True
        problem = refused.problem
        self._on_refused(problem.reason)
        body = problem.body()
        headers = [
            (b"content-type", CONTENT_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self.stream_send(
            Response(stream_id=STREAM_ID, headers=headers, status_code=problem.reason.status)
        )
        if refused.method != b"HEAD":
            await self.stream_send(Body(stream_id=STREAM_ID, data=body))
        await self.stream_send(EndBody(stream_id=STREAM_ID))
        await self.send(Closed())


def check_head(received: bytes) -> None:
    """Raise `RequestRefused` if what came of a head, complete or not, is more than is read.

    It counts before anything is parsed: parsing 3,000 fields would take as long as 30 requests.
    """
    if len(received) <= TARGET_BYTES_MAX and received.count(b"\n") <= HEADER_FIELDS_MAX:
        return
    end = _HEAD_END.search(received)
    head = (received[: end.start()] if end else received).rstrip(b"\r\n")
    target = head.partition(b"\n")[0].partition(b" ")[2].partition(b" ")[0]
    if len(target) > TARGET_BYTES_MAX:
        raise RequestRefused(
            Problem(
                HttpReason.TARGET_TOO_LONG,
                f"A target may have {TARGET_BYTES_MAX} bytes and no more.",
            )
        )
    if len(head) > HEAD_BYTES_MAX:
        raise RequestRefused(
            Problem(
                HttpReason.HEADERS_TOO_LARGE,
                f"A request's head may have {HEAD_BYTES_MAX} bytes and no more.",
            )
        )
    if head.count(b"\n") > HEADER_FIELDS_MAX:
        raise RequestRefused(
            Problem(
                HttpReason.HEADERS_TOO_LARGE,
                f"There may be {HEADER_FIELDS_MAX} header fields and no more.",
            )
        )


def check_request(request: h11.Request, headers: Headers) -> None:
    """Raise `RequestRefused` for what h11 reads but nobody should have to interpret."""
    detail = None
    if request.http_version not in VERSIONS:
        detail = "Only HTTP/1.1 is spoken here."
    elif len(request.method) > METHOD_BYTES_MAX:
        detail = f"A method may have {METHOD_BYTES_MAX} bytes and no more."
    elif request.method == b"CONNECT":
        detail = "There are no tunnels here."
    elif FRAMINGS.issubset([name for name, _ in headers]):
        # A proxy in front may read the other one, and a second request where we read a body.
        detail = "Content-Length and Transfer-Encoding exclude each other."
    elif b"%" in request.target:
        detail = _path_fault(request.target.partition(b"?")[0])
    if detail is not None:
        raise RequestRefused(Problem(HttpReason.BAD_REQUEST, detail), request.method)


def _path_fault(path: bytes) -> str | None:
    decoded = unquote_to_bytes(path)
    if b"\0" in decoded:
        return "The path contains a NUL."
    try:
        decoded.decode()
    except UnicodeDecodeError:
        return "The path is not UTF-8."
    return None


def complete(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits, as a socket's callback needs it."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("Hypercorn waits where it did not wait before")
