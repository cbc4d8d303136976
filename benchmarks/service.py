"""The service as a benchmark runs it: a child process on free ports, with nothing else set."""

import http.client
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from benchmarks.conditions import ROOT
from benchmarks.processes import Child, start, stop

READY_S_MAX = 120
LOG_BYTES_SHOWN = 2000
SERVE = (sys.executable, "-m", "app", "serve")


class DidNotStart(Exception):
    """The service did not become ready; the text ends with what it said last."""


class Service(msgspec.Struct):
    """A running service; `exit_status` is set once it was stopped."""

    port: int
    operations_port: int
    pid: int
    exit_status: int = 0


@contextmanager
def serving(settings: Mapping[str, str], log: Path, errors: int | None = None) -> Iterator[Service]:
    """Run `python -m app serve` with `settings` until the block ends.

    Its output goes to `log`, or its own log lines to the descriptor `errors`.
    """
    port, operations_port = free_ports(2)
    environ = {**bare_environ(), "PORT": str(port), "OPERATIONS_PORT": str(operations_port)}
    child = start(SERVE, {**environ, **settings}, folder=ROOT, output=log, errors=errors)
    service = Service(port=port, operations_port=operations_port, pid=child.pid)
    try:
        _wait_ready(child, operations_port, log)
        yield service
    finally:
        service.exit_status = stop(child)


def bare_environ() -> dict[str, str]:
    """Return what every child needs: a setting of the caller's would be one of the run's."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait_ready(child: Child, port: int, log: Path) -> None:
    end_s = time.monotonic() + READY_S_MAX
    while time.monotonic() < end_s and child.poll() is None:
        if is_ready(port):
            return
        time.sleep(0.05)
    raise DidNotStart(f"exit status {child.poll()}\n{log.read_bytes()[-LOG_BYTES_SHOWN:].decode()}")


def is_ready(port: int) -> bool:
    """Return whether a service says that it is ready on its operations port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
