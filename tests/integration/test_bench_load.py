"""The generator against a small server on loopback that does what each test needs."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from benchmarks.load import generate
from benchmarks.returning import Returning
from benchmarks.schedule import Plan
from benchmarks.stats import Summary
from tests.eventually import PATIENCE_S

INITIALIZED = b'{"assignedGoals":[{"goalId":"a"}],"newAssignments":1,"totalActive":1}'

Handler = Callable[[socket.socket, str], None]


def answer(connection: socket.socket, status: int, body: bytes) -> None:
    head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)


def player_of(request: str) -> str:
    found = re.search(r"x-mock-user-id: (\S+)", request)
    assert found is not None
    return found[1]


@contextmanager
def server(handle: Handler) -> Iterator[tuple[int, list[str]]]:
    """Serve each request by `handle(connection, player)`; yield the port and the requests."""
    requests: list[str] = []
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        listener.settimeout(PATIENCE_S)

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.settimeout(PATIENCE_S)
                while request := connection.recv(4096):
                    requests.append(request.decode())
                    handle(connection, player_of(requests[-1]))

        def accept() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], requests
        listener.shutdown(socket.SHUT_RDWR)


def generated(port: int, **changes: Any) -> Summary:
    return generate(Plan(**{"port": port, "rate_per_s": 20, "seconds": 1, **changes}))


def test_each_arrival_comes_once_as_its_own_player_and_gets_in() -> None:
    with server(lambda connection, _: answer(connection, 200, INITIALIZED)) as (port, requests):
        made = generated(port)
    assert made.outcomes == {"ok": 20}
    assert made.arrived_in == made.offered == len(set(map(player_of, requests))) == 20
    assert made.conserved
    # Nobody waits for an answer that is there: they are never all under way.
    assert made.in_flight_max < 20


def test_a_client_returns_when_told_and_not_before() -> None:
    seen = set()

    def refuse_first_call(connection: socket.socket, player: str) -> None:
        if player not in seen:
            seen.add(player)
            answer(connection, 503, b'{"reason":"line_full","retry_after_ms":300}')
        else:
            answer(connection, 200, INITIALIZED)

    with server(refuse_first_call) as (port, _):
        made = generated(port, returning=Returning.OBEDIENT)
    assert made.outcomes == {"refused_503": 20, "ok": 20}
    assert made.in_after_attempts == {2: 20}
    assert made.time_to_in_ms.p50 >= 300


def test_a_client_that_does_not_return_comes_once() -> None:
    refusal = b'{"reason":"line_full","retry_after_ms":1}'
    with server(lambda connection, _: answer(connection, 503, refusal)) as (port, requests):
        made = generated(port)
    assert made.outcomes == {"refused_503": 20}
    assert (made.told_last, made.arrived_in, len(requests)) == (20, 0, 20)


def test_a_silent_server_is_given_up_after_the_time_out() -> None:
    with server(lambda _connection, _player: None) as (port, _):
        made = generated(port, timeout_s=1)
    assert made.outcomes == {"timeout": 20}
    assert made.never_answered == made.in_flight_max == 20


def test_a_connection_closed_without_an_answer_is_a_reset() -> None:
    def close(connection: socket.socket, _player: str) -> None:
        connection.shutdown(socket.SHUT_RDWR)

    with server(close) as (port, _):
        made = generated(port)
    assert made.outcomes == {"reset": 20}


def test_an_answer_cut_in_the_middle_is_a_reset() -> None:
    def cut(connection: socket.socket, _player: str) -> None:
        connection.sendall(b"HTTP/1.1 200 -\r\nContent-Length: 70\r\n\r\n{")
        connection.shutdown(socket.SHUT_RDWR)

    with server(cut) as (port, _):
        made = generated(port)
    assert made.outcomes == {"reset": 20}


def test_a_port_where_nobody_listens_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    made = generated(port)
    assert made.outcomes == {"no_connection": 20}
    assert made.never_answered == 20


def test_kept_connections_are_used_again() -> None:
    connections = set()

    def remember(connection: socket.socket, _player: str) -> None:
        connections.add(connection.getpeername())
        answer(connection, 200, INITIALIZED)

    with server(remember) as (port, requests):
        made = generated(port, kept=True)
    assert made.outcomes == {"ok": 20}
    assert not any("connection: close" in request for request in requests)
    assert len(connections) < 20


def test_a_new_connection_is_made_for_each_attempt_unless_they_are_kept() -> None:
    connections = set()

    def remember(connection: socket.socket, _player: str) -> None:
        connections.add(connection.getpeername())
        answer(connection, 200, INITIALIZED)

    with server(remember) as (port, requests):
        generated(port)
    assert len(connections) == 20
    assert all("connection: close" in request for request in requests)


def test_a_run_ends_at_its_own_end_and_says_what_it_cut_off() -> None:
    with server(lambda _connection, _player: None) as (port, _):
        made = generated(port, seconds_max=1, timeout_s=5)
    assert made.outcomes["cut_off"] == made.attempts
    assert made.conserved
