"""A small application that shows what a server does with it."""

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope, Send

STREAMED_PIECE = b"x" * 65_536


class SampleApp:
    """Answers by path; `seen` is what became of each request, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope, as an ASGI application."""
        handlers = {
            "/echo": self._echo,
            "/wait": self._wait,
            "/hold": self._hold,
            "/stream": self._stream,
            "/slow-reader": self._read_slowly,
            "/deaf": self._hear_nothing,
            "/impatient": self._answer_unheard,
            "/tidy": self._tidy_up,
            "/fail": self._fail,
        }
        handler = handlers.get(scope["path"], self._describe)
        await handler(scope, receive, send)

    async def _describe(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what the scope says."""
        await read(receive)
        shown = {
            "type": scope["type"],
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "version": scope["http_version"],
            "headers": [
                [name.decode(), value.decode("latin-1")] for name, value in scope["headers"]
            ],
            "state": sorted(scope["state"]),
        }
        status = 404 if scope["path"] == "/nowhere" else 200
        await answer(send, json.dumps(shown).encode(), status=status)

    async def _echo(self, _: Scope, receive: Receive, send: Send) -> None:
        await answer(send, await read(receive))

    async def _wait(self, _: Scope, receive: Receive, send: Send) -> None:
        """Wait until the client leaves, and answer all the same."""
        self.seen.append("waiting")
        while (await receive())["type"] != "http.disconnect":
            pass
        self.seen.append((await receive())["type"])
        await answer(send, b"still here")

    async def _hold(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take as many seconds as the query says."""
        await read(receive)
        self.seen.append("holding")
        await asyncio.sleep(float(scope["query_string"] or 60))
        await answer(send, b"held")

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send as many pieces as the query says, each when the last has been taken."""
        await read(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(int(scope["query_string"])):
            await send({"type": "http.response.body", "body": STREAMED_PIECE, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        self.seen.append("streamed")

    async def _read_slowly(self, _: Scope, receive: Receive, send: Send) -> None:
        """Let the loop turn between the pieces of the body."""
        size = 0
        more = True
        while more:
            message = await receive()
            size += len(message["body"])
            more = message["more_body"]
            await asyncio.sleep(0)
        await answer(send, str(size).encode())

    async def _hear_nothing(self, *_: Any) -> None:
        await asyncio.Event().wait()

    async def _answer_unheard(self, _: Scope, __: Receive, send: Send) -> None:
        await asyncio.sleep(0.1)
        await answer(send, b"enough")

    async def _tidy_up(self, *_: Any) -> None:
        """Never answer, and take a moment to end when cancelled."""
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.1)
            self.seen.append("tidied")

    async def _fail(self, *_: Any) -> None:
        raise ValueError("planted")


async def read(receive: Receive) -> bytes:
    """Return a request's body."""
    body = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client left")
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


async def answer(send: Send, body: bytes, *, status: int = 200) -> None:
    """Send a whole answer."""
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
