"""A front door on a loop of its own in a thread, so that tests may use plain blocking sockets."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import uvloop
from starlette.types import ASGIApp

from app.serving.front_door import FrontDoor
from tests.eventually import PATIENCE_S, eventually
from tests.raw_http import RawClient

T = TypeVar("T")


class OpenDoor(NamedTuple):
    """A listening front door, and what it refused."""

    door: FrontDoor
    address: tuple[str, int]
    refused: list[str]
    loop: asyncio.AbstractEventLoop

    def connect(self) -> RawClient:
        """Return a new connection."""
        return RawClient(self.address)

    def call(self, function: Callable[[], T]) -> T:
        """Return what a function returns when it is called in the door's loop."""

        async def in_loop() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(in_loop(), self.loop).result(PATIENCE_S)


@contextmanager
def open_door(app: ASGIApp, *, connections_max: int = 100, **limits: Any) -> Iterator[OpenDoor]:
    """Serve an application through a front door."""
    refused: list[str] = []

    async def listen() -> tuple[FrontDoor, asyncio.Server]:
        door = FrontDoor(app, connections_max=connections_max, on_refused=refused.append, **limits)
        server = await asyncio.get_running_loop().create_server(door, "127.0.0.1", 0, backlog=4096)
        return door, server

    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    door, server = asyncio.run_coroutine_threadsafe(listen(), loop).result(PATIENCE_S)
    opened = OpenDoor(door, server.sockets[0].getsockname()[:2], refused, loop)
    try:
        yield opened
    finally:
        opened.call(server.close)
        opened.call(door.cut)
        # A loop with an open connection would not close before the last of its timers.
        eventually(lambda: not door.running and not door.connections)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()
