"""Who does not read what a service or a command says, or no longer, stops nothing else."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


def in_shell(command: str, closing: str = "") -> list[str]:
    """Return how a shell runs one of our commands; `closing` are redirections."""
    return ["sh", "-c", f"exec {shlex.quote(sys.executable)} -m app {command} {closing}"]


@contextmanager
def unread(how: str) -> Iterator[int]:
    """Yield the writing end of a pipe that is full and not read, or whose reader is gone."""
    reading, writing = os.pipe()
    if how == "gone":
        os.close(reading)
    else:
        os.set_blocking(writing, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        os.set_blocking(writing, True)
    try:
        yield writing
    finally:
        os.close(writing)
        if how != "gone":
            os.close(reading)


@contextmanager
def started(
    database_url: str,
    stderr: int | IO[bytes] = subprocess.PIPE,
    stdout: int | IO[bytes] = subprocess.PIPE,
    closing: str = "",
) -> Iterator[Service]:
    environ = {
        "PATH": os.defpath,
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "2",
        "PORT": "0",
        "OPERATIONS_PORT": "0",
        "ADMISSION_QUOTA": "100000",
    }
    process = subprocess.Popen(
        in_shell("serve", closing),
        cwd=CHECKOUT,
        env=environ,
        stdout=stdout,
        stderr=stderr,
    )
    with process:
        try:
            yield Service(process)
        finally:
            process.kill()


def logged_address(ready: bytes) -> tuple[str, int]:
    """Return where players ask, of the line of the log that says so."""
    port = re.search(rb'"player":\["127\.0\.0\.1",(\d+)\]', ready)
    assert port is not None
    return "127.0.0.1", int(port[1])


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
        ask_often(logged_address(ready))
        assert service.ends() == 0


@pytest.mark.parametrize("missing", [False, True])
def test_a_greeting_that_nobody_reads_stops_nothing(database_url: str, missing: bool) -> None:
    closing = ">&-" if missing else ""
    with unread("stuck") as pipe, started(database_url, stdout=pipe, closing=closing) as service:
        assert service.stderr is not None
        ready = next(line for line in service.stderr if b'"serving"' in line)
        service.stderr.close()
        ask_often(logged_address(ready))
        assert service.ends() == 0


def test_a_service_without_standard_error_serves(database_url: str) -> None:
    with started(database_url, closing="2>&- <&-") as service:
        ask_often(service.address())
        assert service.ends() == 0


WRONG = {"ADMISSION_FOO": "1"}
UNREACHABLE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}


@pytest.mark.parametrize("how", ["stuck", "gone"])
@pytest.mark.parametrize(
    ("command", "environ", "code"),
    [
        ("serve", WRONG, 2),
        ("serve", {"CATALOGUE_PATH": "/none"}, 2),
        ("migrate", UNREACHABLE, 1),
        ("serve --nonsense", {}, 2),
    ],
)
def test_a_failure_that_nobody_reads_ends_as_ever(
    how: str, command: str, environ: dict[str, str], code: int
) -> None:
    with unread(how) as pipe:
        process = subprocess.Popen(in_shell(command), cwd=CHECKOUT, env=environ, stderr=pipe)
        with process:
            try:
                assert process.wait(PATIENCE_S) == code
            finally:
                process.kill()


@pytest.mark.parametrize(
    ("command", "closing", "code"),
    [
        ("settings", ">&-", 0),
        ("settings", "", 141),
        ("settings --json", "", 141),
        ("serve --nonsense", "2>&-", 2),
    ],
)
def test_a_command_whose_output_goes_nowhere_ends_without_a_traceback(
    command: str, closing: str, code: int
) -> None:
    with unread("gone") as pipe:
        run = subprocess.run(
            in_shell(command, closing),
            check=False,
            cwd=CHECKOUT,
            env={},
            stdout=pipe,
            stderr=subprocess.PIPE,
        )
    assert (run.returncode, run.stderr) == (code, b"")
