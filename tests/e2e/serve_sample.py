"""Runs the server with the sample application: `python -m tests.e2e.serve_sample SETTINGS [HOW]`.

SETTINGS is a JSON object. HOW is what is odd about it: its start `fails` or `hangs`, or it has
`few-files`: not more than 128 may be open.
It prints the two addresses as JSON when it is ready.
"""

import asyncio
import json
import resource
import sys
from typing import Any

import uvloop
from starlette.types import Receive, Scope, Send

from app.failures import CannotListen
from app.logs import configure_logs
from app.serving.lifecycle import Lifecycle
from app.serving.server import Addresses, bound_sockets, run
from app.settings import Settings
from app.telemetry import Metrics
from tests.e2e.sample_app import SampleApp, answer

FEW_FILES = 128


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Started:
    """The sample application with a lifespan: it leaves a state, and says when it ended."""

    def __init__(self, how: str) -> None:
        self._app = SampleApp()
        self._how = how

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        await receive()
        if self._how == "hangs":
            say("starting")
            await asyncio.Event().wait()
        if self._how == "fails":
            await send({"type": "lifespan.startup.failed", "message": "planted"})
            raise ConnectionError("the database is not there")
        scope["state"]["greeting"] = "hello"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        say(f"ended {self._app.seen}")
        await send({"type": "lifespan.shutdown.complete"})


class Operations:
    """Shows the phase and the shared state."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        shown = {"phase": self._lifecycle.phase, **scope["state"]}
        await answer(send, json.dumps(shown).encode())


def main(settings: dict[str, Any], how: str) -> int:
    configure_logs("info", sys.stderr)
    if how == "few-files":
        resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_FILES, FEW_FILES))
    lifecycle = Lifecycle()
    chosen = Settings(auth_enabled=False, port=0, operations_port=0, **settings)

    def on_ready(addresses: Addresses) -> None:
        say(json.dumps(addresses))

    try:
        with (
            bound_sockets(chosen) as sockets,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            return runner.run(
                run(
                    Started(how),
                    Operations(lifecycle),
                    chosen,
                    sockets,
                    lifecycle=lifecycle,
                    metrics=Metrics(),
                    on_ready=on_ready,
                )
            )
    except CannotListen as error:
        say(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), "".join(sys.argv[2:])))
