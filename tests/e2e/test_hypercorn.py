"""Where `app/serving/http11.py` and `app/serving/front_door.py` reach into Hypercorn.

None of this is a public interface. When a test here fails, Hypercorn has moved: read what it does
now, change the reaching code, and only then the pin.
"""

import asyncio
import inspect
from importlib.metadata import version

import pytest
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.http_stream import HTTPStream

from app.serving.front_door import Connection
from app.serving.http11 import Http11, complete


def parameters(function: object) -> list[str]:
    assert callable(function)
    return [name for name in inspect.signature(function).parameters if name != "self"]


def source(function: object) -> str:
    assert callable(function)
    return inspect.getsource(function)


def test_it_is_the_version_that_was_read() -> None:
    assert version("hypercorn") == "0.18.0"


def test_the_protocol_is_made_from_what_we_give_it() -> None:
    assert parameters(H11Protocol) == [
        "app",
        "config",
        "context",
        "task_group",
        "connection_state",
        "ssl",
        "client",
        "server",
        "send",
    ]
    assert parameters(HTTPStream) == [
        "app",
        "config",
        "context",
        "task_group",
        "ssl",
        "client",
        "server",
        "send",
        "stream_id",
    ]


def test_what_we_replace_is_there_and_takes_the_same() -> None:
    for name in ("_check_protocol", "_create_stream"):
        assert parameters(getattr(Http11, name)) != []
        assert len(parameters(getattr(H11Protocol, name))) == len(parameters(getattr(Http11, name)))
    assert parameters(TaskGroup.spawn_app) == parameters(Connection.spawn_app)
    assert parameters(Config.response_headers) == ["protocol"]
    assert parameters(ASGIWrapper.__call__)[:3] == ["scope", "receive", "send"]


def test_requests_are_checked_between_parsing_and_their_stream() -> None:
    handling = source(H11Protocol._handle_events)
    checked = handling.index("await self._check_protocol(event)")
    assert checked < handling.index("await self._create_stream(event)")
    assert handling.index("except h11.RemoteProtocolError") < checked, (
        "ours is not caught as theirs"
    )


def test_nothing_waits_while_events_are_handled_but_where_we_stop() -> None:
    awaited = [
        line.strip() for line in source(H11Protocol._handle_events).splitlines() if "await" in line
    ]
    assert [line for line in awaited if ".wait()" in line] == ["await self.can_read.wait()"]
    assert "self.can_read = context.event_class()" in source(H11Protocol.__init__)
    assert "context.terminated.is_set()" in source(H11Protocol._maybe_recycle)
    assert "event_class" in vars(WorkerContext)


def test_an_answer_ends_its_connection_after_so_many_requests() -> None:
    """The front door says goodbye by setting this to 0."""
    sending = source(H11Protocol.stream_send)
    assert "self.keep_alive_requests >= self.config.keep_alive_max_requests" in sending


def test_the_end_of_a_request_is_told_before_the_connection_is_idle_again() -> None:
    recycling = source(H11Protocol._maybe_recycle)
    again = recycling.index("self.connection.start_next_cycle()")
    assert again < recycling.index("Updated(idle=True)")


def test_a_coroutine_that_waits_is_not_taken_for_one_that_ended() -> None:
    async def wait() -> None:
        await asyncio.sleep(0)

    with pytest.raises(AssertionError, match="Hypercorn waits"):
        complete(wait())
