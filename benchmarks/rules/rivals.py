"""The servers that are compared, on one core, with everything else on the others."""

import os
import socket
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.conditions import ROOT
from benchmarks.processes import start, stop
from benchmarks.rules.closed_loop import Loop, Looped
from benchmarks.service import (
    LOG_BYTES_SHOWN,
    READY_S_MAX,
    DidNotStart,
    bare_environ,
    free_ports,
)

LOOPBACK = "127.0.0.1"
LOOP_SPARE_S = 40


class Server(msgspec.Struct, frozen=True):
    """A running server."""

    port: int
    pid: int


class LoopFailed(Exception):
    """The generator ended without an answer; the text is what it said."""


@contextmanager
def cores_apart() -> Iterator[Collection[int]]:
    """Yield the core for the server that is measured; this process and its children take the rest.

    On a machine with one core there is no rest, and all share it.
    """
    all_cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, all_cores[1:] or all_cores)
    try:
        yield all_cores[:1]
    finally:
        os.sched_setaffinity(0, all_cores)


@contextmanager
def serving_rival(module: str, arguments: Sequence[str], log: Path) -> Iterator[Server]:
    """Run `python -m module PORT arguments` until the block ends; its output goes to `log`."""
    [port] = free_ports(1)
    child = start(
        [sys.executable, "-m", module, str(port), *arguments],
        bare_environ(),
        folder=ROOT,
        output=log,
    )
    try:
        end_s = time.monotonic() + READY_S_MAX
        while not _accepts(port):
            if child.poll() is not None or time.monotonic() > end_s:
                raise DidNotStart(log.read_bytes()[-LOG_BYTES_SHOWN:].decode())
            time.sleep(0.05)
        yield Server(port, child.pid)
    finally:
        stop(child)


def run_loop(loop: Loop, folder: Path) -> Looped:
    """Run a closed loop in a process of its own."""
    output = folder / "looped.json"
    child = start(
        [sys.executable, "-m", "benchmarks.rules.closed_loop"],
        {},
        folder=ROOT,
        output=output,
        stdin=msgspec.json.encode(loop),
    )
    try:
        child.wait(loop.warm_s + loop.seconds + LOOP_SPARE_S)
    finally:
        stop(child)
    text = output.read_bytes()
    try:
        return msgspec.json.decode(text, type=Looped)
    except msgspec.MsgspecError:
        raise LoopFailed(f"the closed loop failed:\n{text[-LOG_BYTES_SHOWN:].decode()}") from None


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True
