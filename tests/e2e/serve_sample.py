"""Runs the server with the sample application: `python -m tests.e2e.serve_sample SETTINGS [HOW]`.

SETTINGS is a JSON object. HOW is what is odd about it: its start `fails` or `hangs`, or it has
`few-files`: not more than 128 may be open.
It prints the two addresses as JSON when it is ready.
"""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


@asynccontextmanager
async def started(app: SampleApp, how: str) -> AsyncIterator[dict[str, str]]:
    """Leave a state, and say when it ended."""
    if how == "hangs":
        say("starting")
        await asyncio.Event().wait()
    if how == "fails":
        raise ConnectionError("the database is not there")
    yield {"greeting": "hello"}
    say(f"ended {app.seen}")


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
    app, lifecycle = SampleApp(), Lifecycle()
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
                    app,
                    Operations(lifecycle),
                    chosen,
                    sockets,
                    lifespan=started(app, how),
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
