"""A service whose log nobody reads, or whose readers are gone, does all else as ever."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.eventually import PATIENCE_S
from tests.raw_http import RawClient, request

CHECKOUT = Path(__file__).parents[2]
REQUESTS = 500
CONNECTIONS = 3
"""In all more lines than a pipe takes."""

LIST = request("GET", "/challenge/v1/challenges", "x-mock-user-id: ann")
READY = re.compile(rb"players +http://127\.0\.0\.1:(\d+)")


class Service:
    """A service in a pipe, as a shell starts it."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.stdout = process.stdout
        self.stderr = process.stderr

    def address(self) -> tuple[str, int]:
        """Read until it is ready, and return where it is."""
        assert self.stdout is not None
        for line in self.stdout:
            if found := READY.search(line):
                return "127.0.0.1", int(found[1])
        raise AssertionError("it never became ready")

    def ends(self) -> int:
        """Ask for its end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@contextmanager
def started(database_url: str, stderr: int | IO[bytes] = subprocess.PIPE) -> Iterator[Service]:
    environ = {
        "PATH": os.defpath,
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "2",
        "PORT": "0",
        "OPERATIONS_PORT": "0",
        "ADMISSION_QUOTA": "100000",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve"],
        cwd=CHECKOUT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=stderr,
    )
    with process:
        try:
            yield Service(process)
        finally:
            process.kill()


def ask_often(address: tuple[str, int]) -> None:
    for _ in range(CONNECTIONS):
        with RawClient(address) as client:
            for _ in range(REQUESTS):
                assert client.ask(LIST).status == 200


@pytest.mark.parametrize("gone", [False, True])
def test_a_log_that_nobody_reads_stops_nothing(database_url: str, gone: bool) -> None:
    with started(database_url) as service:
        address = service.address()
        if gone:
            assert service.stderr is not None
            service.stderr.close()
        ask_often(address)
        assert service.ends() == 0


def test_a_log_whose_disk_is_full_stops_nothing(database_url: str) -> None:
    with Path("/dev/full").open("wb") as full, started(database_url, full) as service:
        ask_often(service.address())
        assert service.ends() == 0


def test_readers_that_were_never_there_stop_nothing(database_url: str) -> None:
    with started(database_url) as service:
        assert service.stdout is not None
        assert service.stderr is not None
        service.stdout.close()
        ready = next(line for line in service.stderr if b'"serving"' in line)
        service.stderr.close()
        port = re.search(rb'"player":\["127\.0\.0\.1",(\d+)\]', ready)
        assert port is not None
        ask_often(("127.0.0.1", int(port[1])))
        assert service.ends() == 0
