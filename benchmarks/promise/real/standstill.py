"""A database that does nothing for some seconds: its processes are stopped, and then go on.

`python -m benchmarks.promise.real.standstill POSTMASTER FROM_NS SECONDS` stops (SIGSTOP) the
postmaster, then all of its children, at a moment of the monotonic clock. SECONDS later they
continue.

Why not a lock: the service waits for one no longer than `lock_timeout`, 1 s, advisory ones
included, so statements would fail early and the rest of the database would go on. Stopped
processes leave statements without any answer, as a failing disk or host does. The postmaster is
stopped too, else a connection that the service gave up would be replaced by one that works.

It is a process of its own and outlives a benchmark that is killed: nobody is left standing.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec

from benchmarks.conditions import ROOT
from benchmarks.processes import family, stop
from benchmarks.schedule import NS_PER_S

SERVER = "postgres"


class Standstill(msgspec.Struct, frozen=True):
    """From which second after the first arrival the database does nothing, and for how long."""

    from_s: int
    seconds: int


class DidNotStand(Exception):
    """The database was not stopped, or not for as long as it should be."""


@contextmanager
def standing(postmaster: int, standstill: Standstill | None, start_ns: int) -> Iterator[None]:
    """Let the database stand still at its time, counted from `start_ns`, while the block runs.

    Raise DidNotStand if it was over before.
    """
    if standstill is None:
        yield
        return
    from_ns = start_ns + standstill.from_s * NS_PER_S
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.promise.real.standstill"),
            *(str(postmaster), str(from_ns), str(standstill.seconds)),
        ],
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        yield
    finally:
        ended = child.poll()
        stop(child)
    if ended != 0:
        raise DidNotStand(f"the standstill ended with {ended}, not with 0")


def stand_still(postmaster: int, from_ns: int, seconds: int) -> None:
    """Stop a PostgreSQL at a moment, let it go on `seconds` later, whatever happens meanwhile."""
    name = (Path("/proc") / str(postmaster) / "comm").read_text().strip()
    if name != SERVER:
        raise DidNotStand(f"process {postmaster} is {name}, not {SERVER}")
    _sleep_until(from_ns)
    stopped = [postmaster]
    try:
        # The parent first: it makes no more children then.
        _signal(stopped, signal.SIGSTOP)
        stopped = family(postmaster)
        _signal(stopped, signal.SIGSTOP)
        _sleep_until(from_ns + seconds * NS_PER_S)
    finally:
        _signal(stopped, signal.SIGCONT)


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _sleep_until(moment_ns: int) -> None:
    time.sleep(max(0, moment_ns - time.monotonic_ns()) / NS_PER_S)


def _end(signal_number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal_number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    stand_still(*map(int, sys.argv[1:]))
