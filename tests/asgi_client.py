"""One request to an ASGI application in process, with full control over when each thing happens."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Scope


def http_scope(
    method: str = "GET", path: str = "/", headers: Sequence[tuple[bytes, bytes]] = ()
) -> Scope:
    """Return the scope of a request as a server would make it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }


class Exchange:
    """A request under way. The client may leave at any moment; the answer is kept."""

    def __init__(self, app: ASGIApp, scope: Scope, body: bytes = b"") -> None:
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._messages.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self.sent: list[Message] = []
        self.task = asyncio.ensure_future(app(scope, self._messages.get, self._send))

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    def leave(self) -> None:
        """Close the client's end."""
        self._messages.put_nowait({"type": "http.disconnect"})

    @property
    def status(self) -> int | None:
        """The answer's status, or None while there is no answer."""
        return int(self.sent[0]["status"]) if self.sent else None

    @property
    def headers(self) -> dict[str, str]:
        """The answer's headers."""
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        """The answer's body."""
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def json(self) -> Any:
        """The answer's body, decoded."""
        return msgspec.json.decode(self.body)


async def settle() -> None:
    """Let everything that is ready run, several rounds of it."""
    for _ in range(10):
        await asyncio.sleep(0)
