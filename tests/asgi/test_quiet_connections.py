"""How long a kept connection may be quiet, on a loop whose time jumps."""

import asyncio
import contextlib

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.serving.front_door import FrontDoor
from tests.virtual_time import run_virtual

IDLE_S_MAX = 5.0
REQUEST = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that leads nowhere, and remembers when it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = 0
        self.closed_at_s: float | None = None

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.answers += data.count(b"HTTP/1.1 200")

    def close(self) -> None:
        self.closed_at_s = asyncio.get_running_loop().time()

    def get_write_buffer_size(self) -> int:
        return 0


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer after as many seconds as the path says."""
    with contextlib.suppress(ValueError):
        await asyncio.sleep(float(scope["path"][1:]))
    await PlainTextResponse("here")(scope, receive, send)


def connect() -> tuple[asyncio.Protocol, Wire]:
    connection, wire = FrontDoor(answer, connections_max=1, idle_s_max=IDLE_S_MAX)(), Wire()
    connection.connection_made(wire)
    return connection, wire


async def closed_after_s(*pauses_s: float, request: bytes = REQUEST) -> float:
    """Return how long after its last request a connection is closed; each comes after a pause."""
    connection, wire = connect()
    for pause_s in pauses_s:
        await asyncio.sleep(pause_s)  # of the virtual clock: no time passes
        assert wire.closed_at_s is None
        connection.data_received(request)
    asked_at_s = asyncio.get_running_loop().time()
    await asyncio.sleep(100)  # of the virtual clock, too
    assert wire.answers == len(pauses_s)
    assert wire.closed_at_s is not None
    return wire.closed_at_s - asked_at_s


@pytest.mark.parametrize("pauses_s", [[0], [4.9], [4.9, 4.9, 4.9], [0, 0, 3]])
def test_each_answer_begins_the_quiet_time_anew(pauses_s: list[float]) -> None:
    assert run_virtual(closed_after_s(*pauses_s)) == pytest.approx(IDLE_S_MAX)


def test_the_time_that_a_request_takes_is_no_quiet_time() -> None:
    request = REQUEST.replace(b"GET / ", b"GET /30 ")
    assert run_virtual(closed_after_s(1, request=request)) == pytest.approx(30 + IDLE_S_MAX)


def test_a_connection_that_has_ended_is_not_kept_by_its_timer() -> None:
    async def timers_left() -> int:
        connection, _ = connect()
        connection.connection_lost(None)
        loop = asyncio.get_running_loop()
        return sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]

    assert run_virtual(timers_left()) == 0
