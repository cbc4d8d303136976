"""The canned answer: a bare ASGI callable on Hypercorn with the service's own settings for it.

`python -m benchmarks.rules.canned PORT DOOR FOLDER` answers a path that ends with NAME with the
file NAME in FOLDER, in one message, and looks at nothing else. It stands outside all of our
middleware. DOOR is `hypercorn`, the server as it is, or `front`, the same protocol behind the
service's front door.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

import uvloop
from hypercorn.asyncio import serve
from starlette.types import ASGIApp, Receive, Scope, Send

from app.serving.front_door import FrontDoor
from app.serving.http11 import DatedConfig
from app.serving.server import BACKLOG

LOOPBACK = "127.0.0.1"
CONNECTIONS_MAX = 10_000
PLAIN, FRONT = "hypercorn", "front"


class Canned:
    """Answers each name with its bytes."""

    def __init__(self, folder: Path) -> None:
        self._answers = {path.name: path.read_bytes() for path in folder.iterdir()}
        self._headers = {
            name: [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
            ]
            for name, body in self._answers.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope, as an ASGI application."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        name = scope["path"].rpartition("/")[2]
        await send({"type": "http.response.start", "status": 200, "headers": self._headers[name]})
        await send({"type": "http.response.body", "body": self._answers[name]})


async def _live(receive: Receive, send: Send) -> None:
    for kind in ("lifespan.startup", "lifespan.shutdown"):
        await receive()
        await send({"type": f"{kind}.complete"})


async def serve_plainly(app: ASGIApp, port: int) -> None:
    """Serve on Hypercorn as it is, until a signal."""
    config = DatedConfig()
    config.bind = [f"{LOOPBACK}:{port}"]
    config.backlog = BACKLOG
    # Starlette and Hypercorn spell the types of one interface differently.
    await serve(cast("Any", app), config)


async def serve_behind_the_door(app: ASGIApp, port: int) -> None:
    """Serve behind the service's front door, until a signal ends the process."""
    door = FrontDoor(app, connections_max=CONNECTIONS_MAX, address=(LOOPBACK, port))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(door, LOOPBACK, port, backlog=BACKLOG)
    await server.serve_forever()


def main(arguments: list[str]) -> None:
    """Serve what the command line asks for."""
    port, door, folder = int(arguments[0]), arguments[1], Path(arguments[2])
    serve_app = {PLAIN: serve_plainly, FRONT: serve_behind_the_door}[door]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_app(Canned(folder), port))


if __name__ == "__main__":
    main(sys.argv[1:])
