"""A server process from its start to its end: what a supervisor and the players see of it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from app.failures import CannotListen
from app.serving.front_door import FrontDoor
from app.serving.server import Listeners, Sockets, bind
from tests.children import AS_AT_A_TERMINAL
from tests.e2e.sample_app import SampleApp
from tests.eventually import PATIENCE_S, eventually
from tests.raw_http import RawClient, request

CHECKOUT = Path(__file__).parents[2]
NOWHERE = ("", 0)


class Server:
    """A server process of these tests."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        first = self.line()
        addresses = json.loads(first) if first.startswith("[") else [NOWHERE, NOWHERE]
        self.player: tuple[str, int] = tuple(addresses[0])
        self.operations: tuple[str, int] = tuple(addresses[1])

    def line(self) -> str:
        """Return the next line it prints; nothing when it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def signal(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def ends(self) -> tuple[int, str]:
        """Wait for its end; return its exit code and what it logged."""
        _, log = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode, log

    def is_draining(self) -> bool:
        with RawClient(self.operations) as client:
            return bool(client.ask(request()).json()["phase"] == "draining")

    def accepts(self) -> bool:
        try:
            RawClient(self.player).socket.close()
        except ConnectionRefusedError:
            return False
        return True


@contextmanager
def serving(how: str = "", **settings: float) -> Iterator[Server]:
    """Start a server, and end it whatever happens."""
    settings = {"drain_delay_s": 0, "drain_s_max": 10, **settings}
    process = subprocess.Popen(
        [
            *AS_AT_A_TERMINAL,
            sys.executable,
            "-m",
            "tests.e2e.serve_sample",
            json.dumps(settings),
            how,
        ],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Server(process)
        finally:
            process.kill()


@contextmanager
def running_request(server: Server, seconds: str = "60") -> Iterator[RawClient]:
    """Have a request run that takes so long."""
    with RawClient(server.player) as client:
        client.send(request("GET", f"/hold?{seconds}", "Expect: 100-continue", body=b""))
        # The server tells the client to go on when the request has reached it.
        assert client.answer().status == 100
        yield client


def requests_cut(log: str) -> list[int]:
    lines = [json.loads(line) for line in log.splitlines()]
    return [line["requests_cut"] for line in lines if line["event"] == "drained"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_idle_server_ends_at_once_and_says_that_nothing_was_cut(number: int) -> None:
    with serving() as server, RawClient(server.player) as idle:
        assert idle.ask(request()).status == 200
        server.signal(number)
        assert idle.ends()
        assert server.line() == "ended []", "the application's own end"
        code, log = server.ends()
        assert (code, requests_cut(log)) == (0, [0])


def test_a_running_request_gets_its_answer_before_the_end() -> None:
    with serving() as server, running_request(server, "0.5") as client:
        server.signal()
        eventually(lambda: not server.accepts())
        answer = client.answer()
        assert (answer.status, answer.body) == (200, b"held")
        assert answer.headers["connection"] == "close"
        assert client.ends()
        code, log = server.ends()
        assert (code, requests_cut(log)) == (0, [0])


def test_what_takes_too_long_is_cut_and_counted() -> None:
    with (
        serving(drain_s_max=0.3) as server,
        running_request(server),
        running_request(server) as client,
    ):
        server.signal()
        assert client.ends()
        code, log = server.ends()
        assert (code, requests_cut(log)) == (10, [2])


@pytest.mark.parametrize(
    "unread",
    [request("GET", "/stream?10000"), request("POST", "/echo", body=b"x" * 16_000_000)],
    ids=["while it is sent", "after its request is over"],
)
def test_an_answer_that_its_client_does_not_read_counts_once(unread: bytes) -> None:
    with serving(drain_s_max=0.3) as server, RawClient(server.player) as client:
        client.send(unread)
        server.signal()
        code, log = server.ends()
        assert (code, requests_cut(log)) == (10, [1])


def test_requests_that_are_cut_may_tidy_up_before_the_application_ends() -> None:
    with serving(drain_s_max=0.1) as server, RawClient(server.player) as client:
        client.send(request("GET", "/tidy", "Expect: 100-continue", body=b""))
        assert client.answer().status == 100
        server.signal()
        assert server.line() == "ended ['tidied']"
        assert server.ends()[0] == 10


def test_a_second_signal_cuts_at_once() -> None:
    with serving(drain_delay_s=300, drain_s_max=300) as server, running_request(server) as client:
        server.signal()
        eventually(server.is_draining)
        server.signal()
        assert client.ends()
        code, log = server.ends()
        assert (code, requests_cut(log)) == (10, [1])


def test_a_newcomer_is_served_while_the_world_learns_that_we_leave() -> None:
    with serving(drain_delay_s=300) as server, RawClient(server.player) as idle:
        assert "connection" not in idle.ask(request()).headers
        server.signal()
        eventually(server.is_draining)
        with RawClient(server.player) as newcomer:
            for client in (newcomer, idle):
                answer = client.ask(request())
                assert (answer.status, answer.headers["connection"]) == (200, "close")
                assert client.ends()
        server.signal()
        assert server.ends()[0] == 0


def test_the_operations_listener_answers_until_the_end() -> None:
    with serving() as server, running_request(server) as client:
        server.signal()
        eventually(lambda: not server.accepts())
        assert server.is_draining()
        server.signal()
        assert client.ends()


def test_both_applications_share_what_the_start_left() -> None:
    with serving() as server, RawClient(server.operations) as operations:
        assert operations.ask(request()).json() == {"phase": "ready", "greeting": "hello"}
        with RawClient(server.player) as player:
            assert player.ask(request()).json()["state"] == ["greeting"]


def test_a_start_that_fails_shows_its_own_reason() -> None:
    with serving("fails") as server:
        code, log = server.ends()
    assert code == 1
    assert log.strip().endswith("ConnectionError: the database is not there")


def test_a_start_that_is_told_to_stop_leaves_quietly() -> None:
    with serving("hangs") as server:
        server.signal()
        code, log = server.ends()
    assert (code, log) == (0, "")


def test_an_occupied_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        expected = f"127.0.0.1:{port} is in use by another process; set PORT to a free port."
        with pytest.raises(CannotListen, match=expected):
            bind("127.0.0.1", port, "PORT")


async def test_of_two_that_bound_one_port_the_slower_one_says_that_it_is_in_use() -> None:
    """Neither listens before the rest of it has started, and the system lets both bind."""
    doors = [FrontDoor(SampleApp(), connections_max=1) for _ in range(2)]
    listeners = Listeners(player=doors[0], operations=doors[1])
    with (
        bind("127.0.0.1", 0, "PORT") as player,
        bind("127.0.0.1", 0, "OPERATIONS_PORT") as operations,
        bind("127.0.0.1", operations.getsockname()[1], "PORT") as of_another,
    ):
        of_another.listen()
        with pytest.raises(CannotListen, match="in use by another process; set OPERATIONS_PORT"):
            await listeners.open(Sockets(player, operations))
        listeners.close()


def test_a_port_that_is_not_free_is_told_before_a_database_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for ports in ({"PORT": port}, {"PORT": "0", "OPERATIONS_PORT": port}):
            environ = {"PATH": os.defpath, "DATA_DIR": str(tmp_path / "data"), **ports}
            done = subprocess.run(
                [sys.executable, "-m", "app", "serve"],
                cwd=CHECKOUT,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE_S,
            )
            assert done.returncode == 1
            assert done.stderr.startswith(f"headrace: 127.0.0.1:{port} is in use by another")
            assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "ü" * 70, "\udcff"])
def test_an_address_that_is_not_ours_is_one_clear_line(host: str) -> None:
    with pytest.raises(CannotListen, match="set HOST"):
        bind(host, 0, "OPERATIONS_PORT")


def test_a_crowd_above_the_file_limit_neither_stops_the_server_nor_floods_its_log() -> None:
    """128 open files leave room for 64 players, and for those who are told to come back."""
    with serving("few-files") as server:
        crowd = [RawClient(server.player) for _ in range(150)]
        asked = [client.ask(request()).status for client in crowd[:64]]
        assert asked == [200] * 64
        assert crowd[64].answer().status == 503
        for client in crowd:
            client.socket.close()
        with RawClient(server.operations) as operations:
            assert operations.ask(request()).status == 200
        eventually(lambda: asks_once(server) == 200)
        server.signal()
        code, log = server.ends()
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert (code, events) == (0, ["connections_max_lowered", "serving", "draining", "drained"])


def asks_once(server: Server) -> int:
    with suppress(ConnectionError), RawClient(server.player) as client:
        return client.ask(request()).status
    return 0
