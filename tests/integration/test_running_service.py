"""The demo's client: it comes back when told to, a few times, and says what is wrong otherwise."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from app.commands.running_service import TRIES_MAX, Bearers, RunningService
from app.failures import CommandFailed


class Server:
    """Answers with one status and text after the other; the last one again and again."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = []
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        said = request.headers.get("x-mock-user-id") or request.headers.get("authorization")
        self.asked.append(f"{request.method} {request.path} {said}")
        status, text = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, text=text)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def service(server: Server) -> AsyncIterator[RunningService]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    async with aiohttp.ClientSession() as session:
        url = f"http://{host}:{port}/"
        yield RunningService(session, url, "http://127.0.0.1:9", "alice", Bearers("t" * 16))
    await runner.cleanup()


BUSY = (503, '{"retry_after_ms": 1, "detail": "The service is full."}')


async def test_a_refused_request_comes_back_at_its_moment(
    server: Server, service: RunningService
) -> None:
    server.answers = [BUSY, BUSY, (200, '{"challenges": []}')]
    assert await service.ask("GET", "/challenges") == (200, {"challenges": []})
    assert server.asked == ["GET /challenge/v1/challenges alice"] * 3


async def test_events_are_sent_with_their_token(server: Server, service: RunningService) -> None:
    server.answers = [(200, '{"results": []}')]
    await service.send([{"id": "1"}])
    assert server.asked == ["POST /challenge/v1/events Bearer tttttttttttttttt"]


async def test_one_that_is_refused_again_and_again_gives_up(
    server: Server, service: RunningService
) -> None:
    server.answers = [BUSY]
    with pytest.raises(CommandFailed, match="The service is full"):
        await service.ask("GET", "/challenges")
    assert len(server.asked) == TRIES_MAX


async def test_something_else_at_the_address_is_told(
    server: Server, service: RunningService
) -> None:
    server.answers = [(200, "<html>")]
    with pytest.raises(CommandFailed, match="is not Headrace"):
        await service.ask("GET", "/challenges")
    with pytest.raises(CommandFailed, match=r"no service answers at http://127\.0\.0\.1:9/clock"):
        await service.set_clock({"advanceSeconds": 1})
