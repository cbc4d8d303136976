"""The body is read whole before anybody waits, within bytes, pieces and time."""

import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import Message, Receive, Scope, Send

from middleware.body_limits import PIECES_MAX, BodyLimits
from middleware.problem import Problem
from tests.asgi_client import http_scope

BYTES_MAX = 100
Header = tuple[bytes, bytes]

CHUNKED = (b"transfer-encoding", b"chunked")
DISCONNECT: Message = {"type": "http.disconnect"}


class Client:
    """What a server would say about a client; when that is used up, nothing more happens."""

    def __init__(self, *messages: Message) -> None:
        self.left = list(messages)

    async def receive(self) -> Message:
        if not self.left:
            await asyncio.Event().wait()
        return self.left.pop(0)


class Listener:
    """An application that keeps what it hears."""

    def __init__(self, count: int = 1) -> None:
        self.heard: list[Message] = []
        self._count = count

    async def __call__(self, _: Scope, receive: Receive, __: Send) -> None:
        self.heard += [await receive() for _ in range(self._count)]


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def serve(app: Listener, client: Client, *headers: Header, seconds_max: float = 60) -> None:
    async def send(_: Message) -> None:
        raise AssertionError("nothing is answered here")

    limits = BodyLimits(app, bytes_max=BYTES_MAX, seconds_max=seconds_max)
    await limits(http_scope("POST", "/", headers), client.receive, send)


async def refusal(client: Client, *headers: Header, seconds_max: float = 60) -> Problem:
    """Return the problem; the application must not have been asked."""
    app = Listener()
    with pytest.raises(Problem) as raised:
        await serve(app, client, *headers, seconds_max=seconds_max)
    assert app.heard == []
    assert raised.value.headers["Connection"] == "close"
    return raised.value


async def test_a_body_arrives_as_one_message_and_then_only_the_leaving() -> None:
    app = Listener(count=2)
    client = Client(piece(b"a" * 60), piece(b"b" * 40), piece(b"", more=False), DISCONNECT)
    await serve(app, client, (b"content-length", b"100"))
    assert app.heard == [piece(b"a" * 60 + b"b" * 40, more=False), DISCONNECT]


async def test_a_body_in_chunks_arrives_as_one_message() -> None:
    app = Listener()
    await serve(app, Client(piece(b"a"), piece(b"b", more=False)), CHUNKED)
    assert app.heard == [piece(b"ab", more=False)]


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"0")]])
async def test_without_a_body_nothing_is_read_ahead(headers: Sequence[Header]) -> None:
    app = Listener(count=2)
    await serve(app, Client(piece(b"", more=False), DISCONNECT), *headers)
    assert app.heard == [piece(b"", more=False), DISCONNECT]


@pytest.mark.parametrize("size", [b"101", b"9" * 5000])
async def test_a_declared_size_above_the_limit_is_refused_before_anything_is_read(
    size: bytes,
) -> None:
    client = Client(piece(b"a" * 101, more=False))
    problem = await refusal(client, (b"content-length", size))
    assert problem.reason == "body_too_large"
    assert len(client.left) == 1


async def test_chunks_above_the_limit_are_refused_as_soon_as_they_are() -> None:
    client = Client(piece(b"a" * 60), piece(b"b" * 41), piece(b"", more=False))
    problem = await refusal(client, CHUNKED)
    assert problem.reason == "body_too_large"
    assert len(client.left) == 1


async def test_more_pieces_than_are_worth_reading_are_refused() -> None:
    client = Client(*[piece(b"")] * (PIECES_MAX + 1))
    assert (await refusal(client, CHUNKED)).reason == "body_too_large"


async def test_a_body_that_does_not_come_is_refused_in_time() -> None:
    client = Client(piece(b"a"))
    problem = await refusal(client, (b"content-length", b"2"), seconds_max=0.01)
    assert (problem.reason, problem.detail) == (
        "body_timeout",
        "The body did not arrive within 0.01 s.",
    )


async def test_the_time_does_not_begin_anew_with_each_piece() -> None:
    class Trickle(Client):
        async def receive(self) -> Message:
            await asyncio.sleep(0.004)
            return piece(b"a")

    assert (await refusal(Trickle(), CHUNKED, seconds_max=0.02)).reason == "body_timeout"


async def test_a_length_that_is_no_number_is_refused() -> None:
    assert (await refusal(Client(), (b"content-length", b"-1"))).reason == "bad_request"


async def test_a_client_that_leaves_before_the_end_ends_the_request_silently() -> None:
    app = Listener()
    await serve(app, Client(piece(b"half"), DISCONNECT), (b"content-length", b"9"))
    assert app.heard == []


async def test_the_applications_own_time_is_not_bounded() -> None:
    class Slow(Listener):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(0.05)
            await super().__call__(scope, receive, send)

    app = Slow()
    await serve(app, Client(piece(b"a", more=False)), (b"content-length", b"1"), seconds_max=0.02)
    assert app.heard == [piece(b"a", more=False)]


async def test_other_scopes_pass() -> None:
    app = Listener()

    async def send(_: Message) -> None: ...

    startup: Message = {"type": "lifespan.startup"}
    limits = BodyLimits(app, bytes_max=1, seconds_max=1)
    await limits({"type": "lifespan"}, Client(startup).receive, send)
    assert app.heard == [startup]
