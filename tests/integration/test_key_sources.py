"""Where keys come from: an issuer over HTTP, with all that can be wrong with one, or a file."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from app.tokens import fetching
from app.tokens.fetching import KEY_SET_BYTES_MAX, FetchFailed, fetch_from
from tests.issuer import key_set

KEYS = key_set("rsa")


async def good(_: web.Request) -> web.Response:
    return web.Response(body=KEYS)


async def moved(_: web.Request) -> web.Response:
    raise web.HTTPFound("/good")


async def away(_: web.Request) -> web.Response:
    return web.Response(status=503)


async def large(_: web.Request) -> web.Response:
    return web.Response(body=b" " * 10_000_000)


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(10_000):
        await answer.write(b" " * 10_000)
    return answer


async def silent(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


async def slow(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b" ")
        await asyncio.sleep(0.05)  # the source is slow; the test waits for the bound, not for this


async def secret(request: web.Request) -> web.Response:
    sent = request.headers.get("authorization")
    known = sent == f"Basic {b64encode(b'id:s/cret').decode()}"
    return web.Response(body=KEYS) if known else web.Response(status=401)


ANSWERS = (good, moved, away, large, endless, silent, slow, secret)


@pytest.fixture
async def source() -> AsyncIterator[str]:
    app = web.Application()
    for answer in ANSWERS:
        app.router.add_get(f"/{answer.__name__}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def fetch(address: str) -> AsyncIterator[fetching.Fetch]:
    async with aiohttp.ClientSession() as session:
        yield fetch_from(address, KEY_SET_BYTES_MAX, session)


async def test_a_key_set_comes_over_http_or_from_a_file(source: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(KEYS)
    credentials = source.replace("//", "//id:s%2Fcret@")
    for address in (f"{source}/good", f"{credentials}/secret", str(file)):
        async with fetch(address) as asked:
            assert await asked() == KEYS


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/moved", "the answer is 302"),
        ("/away", "the answer is 503"),
        ("/nothing", "the answer is 404"),
        ("/secret", "the answer is 401"),
        ("/large", "it has more than 65536 bytes"),
        ("/endless", "it has more than 65536 bytes"),
        ("/silent", "it does not come within"),
        ("/slow", "it does not come within"),
    ],
)
async def test_what_is_wrong_with_a_source_is_said_in_time(
    source: str, path: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path in {"/silent", "/slow"}:
        monkeypatch.setattr(fetching, "FETCH_S_MAX", 0.3)
    async with fetch(f"{source}{path}") as asked:
        with pytest.raises(FetchFailed, match=why):
            await asked()


async def test_nobody_there_and_no_file_are_failures_without_the_address(tmp_path: Path) -> None:
    for address in ("http://id:password@127.0.0.1:9/keys", str(tmp_path / "none.json")):
        async with fetch(address) as asked:
            with pytest.raises(FetchFailed) as failed:
                await asked()
            assert "password" not in str(failed.value)
