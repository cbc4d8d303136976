"""One process, two listeners, and an end in bounded time.

    bound ─► (its database) ─► application started ─► ready ──signal──► not ready, still accepting
          ─► listeners closed, running requests finish ─► what is left is cut ─► application ended

A second signal goes straight to cutting. The operations listener answers until the end.
"""

import asyncio
import errno
import gc
import resource
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeAlias

import structlog
from starlette.types import ASGIApp

from app.failures import CannotListen
from app.serving.front_door import FrontDoor
from app.serving.lifecycle import Lifecycle, Phase
from app.settings import Settings
from app.telemetry import Metrics

BACKLOG: Final = 4096

FILES_RESERVED: Final = 1024
"""Open files that are not players' connections: the pool, the operations listener, refused ones."""

OPERATIONS_CONNECTIONS_MAX: Final = 256
TURNED_AWAY_MAX: Final = 256
"""Refused connections that may linger until they have read why."""

GARBAGE_OBJECTS: Final = 10_000
"""How many more objects than before there must be until some of them are looked through."""

CUT_S_MAX: Final = 1.0
SHUTDOWN_S_MAX: Final = 10.0
"""How long cancelled requests, and the application's own end, may take."""

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

EXIT_OK: Final = 0
EXIT_CUT: Final = 10

log = structlog.get_logger()


Lifespan: TypeAlias = AbstractAsyncContextManager[Mapping[str, Any]]
"""Starts the application when it is entered, and ends it when it is left."""


class Addresses(NamedTuple):
    """Where the two listeners are; port 0 lets the system choose."""

    player: tuple[str, int]
    operations: tuple[str, int]


class Sockets(NamedTuple):
    """The sockets of the two listeners: bound, and refusing connections until they are opened."""

    player: socket.socket
    operations: socket.socket


@contextmanager
def bound_sockets(settings: Settings) -> Iterator[Sockets]:
    """Yield the sockets to serve on. Raises `CannotListen` if one cannot be bound."""
    with (
        bind(settings.host, settings.port, "PORT") as player,
        bind(settings.host, settings.operations_port, "OPERATIONS_PORT") as operations,
    ):
        yield Sockets(player, operations)


async def run(
    app: ASGIApp,
    operations_app: ASGIApp,
    settings: Settings,
    sockets: Sockets,
    *,
    lifespan: Lifespan,
    lifecycle: Lifecycle,
    metrics: Metrics,
    on_ready: Callable[[Addresses], None] = lambda _addresses: None,
) -> int:
    """Serve until a signal. Return the exit code: 0, or 10 when requests were cut.

    `lifespan` is the application's own start and end. Raises `CannotListen`, and whatever
    `lifespan` raises when it starts.
    """
    files = raise_file_limit()
    with StopSignals() as signals:
        state = await _start_unless(signals.first, lifespan)
        if state is None:
            return EXIT_OK
        try:
            listeners = Listeners(
                player=_player_door(app, settings.connections_max, files, state, metrics),
                operations=FrontDoor(
                    operations_app,
                    connections_max=min(OPERATIONS_CONNECTIONS_MAX, _reserved(files) // 4),
                    state=state,
                ),
            )
            _settle_garbage()
            addresses = await listeners.open(sockets)
            lifecycle.phase = Phase.READY
            log.info("serving", player=addresses.player, operations=addresses.operations)
            on_ready(addresses)
            await signals.first.wait()
            cut = await _drain(listeners, settings, lifecycle, signals.second)
        finally:
            lifecycle.phase = Phase.CLOSED
            await _end(lifespan)
        listeners.close()
    return EXIT_CUT if cut else EXIT_OK


async def _start_unless(stop: asyncio.Event, lifespan: Lifespan) -> dict[str, Any] | None:
    """Start the application and return what it leaves for requests to use.

    Return None, and leave nothing running, if told to stop meanwhile. All in one task: what a
    lifespan opens may only be closed where it was opened.
    """
    loop = asyncio.get_running_loop()
    start = asyncio.timeout(None)

    def give_up(_: object) -> None:
        start.reschedule(loop.time())

    stopping = asyncio.ensure_future(stop.wait())
    try:
        async with start:
            stopping.add_done_callback(give_up)
            try:
                return dict(await lifespan.__aenter__())
            finally:
                stopping.remove_done_callback(give_up)
    except TimeoutError:
        if not stop.is_set():
            raise
        return None
    finally:
        stopping.cancel()


async def _end(lifespan: Lifespan) -> None:
    """End the application in bounded time; what goes wrong is logged."""
    try:
        async with asyncio.timeout(SHUTDOWN_S_MAX):
            await lifespan.__aexit__(None, None, None)
    except TimeoutError:
        log.error("shutdown_timeout", s_max=SHUTDOWN_S_MAX)  # noqa: TRY400 - no more is known
    except Exception:
        log.exception("shutdown_failed")


async def _drain(
    listeners: "Listeners", settings: Settings, lifecycle: Lifecycle, at_once: asyncio.Event
) -> int:
    """Let what runs finish in bounded time. Return how many requests were cut."""
    door = listeners.player
    lifecycle.phase = Phase.DRAINING
    log.info("draining", delay_s=settings.drain_delay_s, s_max=settings.drain_s_max)
    door.say_goodbye()
    await _first(settings.drain_delay_s, at_once.wait())
    listeners.close_player()
    door.close_idle()
    await _first(settings.drain_s_max, at_once.wait(), door.wait_until_empty())
    cut = door.cut()
    if door.running:
        await asyncio.wait(door.running, timeout=CUT_S_MAX)
    log.info("drained", requests_cut=cut)
    return cut


async def _first(s_max: float, *coroutines: Coroutine[Any, Any, Any]) -> None:
    """Return when one of the coroutines has, or after `s_max` seconds."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    await asyncio.wait(tasks, timeout=s_max, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def bind(host: str, port: int, setting: str) -> socket.socket:
    """Return a bound socket that does not accept yet. Raises `CannotListen`."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except TypeError as error:  # of a text that no name can be made of
        bound.close()
        raise CannotListen(f"{host} is no name of a host; set HOST.") from error
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise _in_use(host, port, setting) from error
        text = f"{joined(host, port)} cannot be bound ({error.strerror}); set HOST or {setting}."
        raise CannotListen(text) from error
    return bound


def _in_use(host: str, port: int, setting: str) -> CannotListen:
    return CannotListen(
        f"{joined(host, port)} is in use by another process; set {setting} to a free port."
    )


def joined(host: str, port: int) -> str:
    """Return host and port as an address is written: IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def raise_file_limit() -> int:
    """Let this process open as many files as it may; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def connections_within(connections_max: int, files: int) -> int:
    """Return how many connections can be held when `files` may be open."""
    return min(connections_max, files - _reserved(files))


def _reserved(files: int) -> int:
    return min(FILES_RESERVED, files // 2)


def _player_door(
    app: ASGIApp, wanted: int, files: int, state: dict[str, Any], metrics: Metrics
) -> FrontDoor:
    connections_max = connections_within(wanted, files)
    if connections_max < wanted:
        log.warning("connections_max_lowered", wanted=wanted, used=connections_max, files=files)

    door = FrontDoor(
        app,
        connections_max=connections_max,
        turned_away_max=min(TURNED_AWAY_MAX, _reserved(files) // 4),
        state=state,
        on_refused=metrics.on_refused,
    )
    metrics.connections.set_function(lambda: len(door.connections))
    return door


def _settle_garbage() -> None:
    """Keep the search for cyclic garbage away from what stays, and let it begin less often.

    Looking through all that was loaded would stop the loop for 40 ms, and looking at what running
    requests hold every 700 objects would cost each request some 40 µs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)


class Listeners:
    """The two front doors and their listening sockets."""

    def __init__(self, *, player: FrontDoor, operations: FrontDoor) -> None:
        self.player = player
        self.operations = operations
        self._servers: list[asyncio.Server] = []

    async def open(self, sockets: Sockets) -> Addresses:
        """Begin to accept on both sockets. Raises `CannotListen` where another was faster."""
        loop = asyncio.get_running_loop()
        for door, bound, setting in (
            (self.player, sockets.player, "PORT"),
            (self.operations, sockets.operations, "OPERATIONS_PORT"),
        ):
            host, port = door.address = bound.getsockname()[:2]
            try:
                # Two processes may bind one port, and only one of them may listen.
                bound.listen(BACKLOG)
            except OSError as error:
                raise _in_use(host, port, setting) from error
            self._servers.append(await loop.create_server(door, sock=bound, backlog=BACKLOG))
        return Addresses(*(bound.getsockname()[:2] for bound in sockets))

    def close_player(self) -> None:
        """Accept no more players."""
        self._servers[0].close()

    def close(self) -> None:
        """End what is left: nobody remains to be told anything."""
        for server in self._servers:
            server.close()
        self.operations.cut()


class StopSignals:
    """SIGTERM, SIGINT, SIGHUP as two events: the first asks for an end, the second for a quick one.

    SIGHUP comes when the terminal goes away.
    """

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        # Under nohup it is to be ignored.
        hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        self._numbers = [n for n in STOP_SIGNALS if hangs_up or n is not signal.SIGHUP]

    def __enter__(self) -> Self:
        for number in self._numbers:
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number in self._numbers:
            asyncio.get_running_loop().remove_signal_handler(number)

    def _on_signal(self) -> None:
        (self.second if self.first.is_set() else self.first).set()
