"""Connections at the front door: the cap, the deadlines, who leaves, and how they end."""

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from app.serving.turned_away import busy_answer
from middleware.body_limits import BodyLimits
from middleware.problem import Problem, ProblemResponse
from tests.e2e.door import OpenDoor, open_door
from tests.e2e.sample_app import STREAMED_PIECE, SampleApp
from tests.eventually import PATIENCE_S, eventually
from tests.raw_http import Answer, RawClient, request

BODY_BYTES_MAX = 262_144


@pytest.fixture
def app() -> SampleApp:
    return SampleApp()


@pytest.fixture
def served(app: SampleApp) -> Iterator[OpenDoor]:
    with open_door(app) as door:
        yield door


def reset(client: RawClient) -> None:
    """Close so that the server's kernel is told at once."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


# ── the cap ───────────────────────────────────────────────────────────────────────────────────────


def test_above_the_cap_a_client_is_told_when_to_come_back(app: SampleApp) -> None:
    with open_door(app, connections_max=2) as served, served.connect() as one, served.connect():
        assert one.ask(request()).status == 200
        with served.connect() as third:
            answer = third.ask(request())
            assert (answer.status, answer.reason) == (503, "connections_full")
            assert answer.headers["connection"] == "close"
            assert answer.headers["retry-after"] == "1"
            assert 500 <= answer.json()["retry_after_ms"] <= 1000
            assert third.ends()
            for _ in range(3):
                third.send(b"a client that is still sending is not reset")
        assert served.refused == ["connections_full"]
        assert one.ask(request()).status == 200, "those inside do not notice"


def test_a_connection_that_ends_makes_room(app: SampleApp) -> None:
    with open_door(app, connections_max=1) as served:
        with served.connect() as first:
            assert first.ask(request()).status == 200
            with served.connect() as refused:
                assert refused.answer().status == 503
        eventually(lambda: not served.door.connections)
        with served.connect() as second:
            assert second.ask(request()).status == 200


def test_those_turned_away_are_told_different_moments() -> None:
    moments = [busy_answer(die).partition(b'retry_after_ms":')[2] for die in (0.0, 0.5, 0.999)]
    assert [int(moment.rstrip(b"}")) for moment in moments] == [500, 750, 1000]


def test_a_crowd_at_the_cap_is_answered_or_closed_and_nobody_hangs(app: SampleApp) -> None:
    with open_door(app, connections_max=1, turned_away_max=5) as served, served.connect() as inside:
        assert inside.ask(request()).status == 200
        crowd = [served.connect() for _ in range(30)]
        for client in crowd:
            with suppress(ConnectionError):
                assert client.answer().status == 503
        for client in crowd:
            client.socket.close()
        assert len(served.refused) == 30
        assert inside.ask(request()).status == 200


# ── one connection, many requests ─────────────────────────────────────────────────────────────────


def test_fifty_requests_at_once_are_answered_in_order(served: OpenDoor) -> None:
    some_take_longer = request("POST", "/echo", body=b"quick") + request("GET", "/hold?0.001")
    with served.connect() as client:
        client.send(some_take_longer * 25)
        assert [client.answer().body for _ in range(50)] == [b"quick", b"held"] * 25


def test_a_connection_goes_on_after_the_application_says_no(served: OpenDoor) -> None:
    with served.connect() as client:
        assert client.ask(request("GET", "/nowhere")).status == 404
        assert client.ask(request("POST", "/nowhere", body=b"read to its end")).status == 404
        assert client.ask(request()).status == 200


def test_a_client_that_asks_for_an_end_gets_it(served: OpenDoor) -> None:
    with served.connect() as client:
        answer = client.ask(request("GET", "/", "Connection: close"))
        assert answer.headers["connection"] == "close"
        assert client.ends()


def test_an_old_client_gets_its_answer_and_an_end(served: OpenDoor) -> None:
    with served.connect() as client:
        assert client.ask(b"GET / HTTP/1.0\r\n\r\n").status == 200
        assert client.ends()


def test_each_connection_ends_after_a_thousand_requests(served: OpenDoor) -> None:
    with served.connect() as client:
        answers = [client.ask(request("POST", "/echo", body=b"")) for _ in range(1000)]
        assert [a for a in answers if "connection" in a.headers] == answers[-1:]
        assert client.ends()


def test_answers_carry_the_date_and_not_the_server(served: OpenDoor) -> None:
    with served.connect() as client:
        headers = client.ask(request()).headers
    assert headers["date"].endswith(" GMT")
    assert "server" not in headers


# ── deadlines ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: t\r\nX: "])
def test_a_slow_head_is_closed_without_an_answer(app: SampleApp, sent: bytes) -> None:
    with open_door(app, idle_s_max=0.2) as served, served.connect() as client:
        client.send(sent)
        assert client.ends()


def test_a_quiet_connection_is_closed_between_requests(app: SampleApp) -> None:
    with open_door(app, idle_s_max=1.0) as served, served.connect() as client:
        assert client.ask(request()).status == 200
        assert client.ends()


def test_a_long_request_is_not_a_quiet_connection(app: SampleApp) -> None:
    with open_door(app, idle_s_max=0.5) as served, served.connect() as client:
        assert client.ask(request("GET", "/hold?0.9")).body == b"held"


def test_a_client_that_stops_reading_is_cut(app: SampleApp) -> None:
    with open_door(app, stall_s_max=0.2) as served, served.connect() as client:
        client.send(request("GET", "/stream?10000"))
        eventually(lambda: app.seen == ["streamed"])
        eventually(lambda: not served.door.connections)


def test_a_client_that_leaves_its_answer_unread_is_cut(app: SampleApp) -> None:
    """The request is over, and the answer waits in the server's own memory."""
    body = b"x" * 8_000_000
    with open_door(app, stall_s_max=0.2, idle_s_max=0.2) as served, served.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(request("POST", "/echo", "Connection: close", body=body))
        eventually(lambda: not served.door.running)
        eventually(lambda: not served.door.connections)


def test_a_slow_reader_gets_everything(app: SampleApp) -> None:
    with open_door(app, idle_s_max=3600) as served, served.connect() as client:
        client.send(request("GET", "/stream?100"))
        answer = client.answer()
        assert answer.body == STREAMED_PIECE * 100


def test_a_client_that_goes_on_sending_after_its_refusal_is_cut(app: SampleApp) -> None:
    with open_door(app, linger_s_max=0.1) as served, served.connect() as client:
        assert client.ask(request("GET", "/%00")).status == 400
        eventually(lambda: not served.door.connections)


def test_when_all_shall_end_quiet_connections_go_at_once_and_others_with_their_answer(
    app: SampleApp,
) -> None:
    with open_door(app, idle_s_max=3600) as served, served.connect() as quiet:
        assert quiet.ask(request()).status == 200
        with served.connect() as busy:
            busy.send(request("GET", "/hold?0.2"))
            eventually(lambda: served.door.running)
            served.call(served.door.close_idle)
            assert quiet.ends()
            assert busy.answer().body == b"held"
            assert busy.ends()


# ── clients that leave ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("leave", [reset, lambda client: client.socket.close()])
def test_a_waiting_request_learns_that_its_client_left(
    app: SampleApp, served: OpenDoor, leave: object
) -> None:
    client = served.connect()
    client.send(request("GET", "/wait"))
    eventually(lambda: app.seen == ["waiting"])
    assert callable(leave)
    leave(client)
    eventually(lambda: app.seen == ["waiting", "http.disconnect"])
    eventually(lambda: not served.door.connections)


@pytest.mark.parametrize("asks", [True, False])
def test_a_client_that_leaves_between_requests_is_forgotten_at_once(
    app: SampleApp, asks: bool
) -> None:
    with open_door(app, idle_s_max=3600) as served:
        with served.connect() as client:
            if asks:
                assert client.ask(request()).status == 200
            eventually(lambda: served.door.connections)
        eventually(lambda: not served.door.connections)


def test_a_waiting_request_learns_that_its_client_sends_rubbish(app: SampleApp) -> None:
    with open_door(app, linger_s_max=3600) as served, served.connect() as client:
        client.send(request("GET", "/wait", "Transfer-Encoding: chunked") + b"rubbish\r\n")
        assert client.answer().status == 400
        eventually(lambda: app.seen == ["waiting", "http.disconnect"])


def test_a_waiting_request_learns_it_even_when_more_was_sent(
    app: SampleApp, served: OpenDoor
) -> None:
    client = served.connect()
    client.send(request("GET", "/wait") + request("GET", "/hold") * 20)
    eventually(lambda: app.seen == ["waiting"])
    client.socket.close()
    eventually(lambda: app.seen == ["waiting", "http.disconnect"])
    eventually(lambda: not served.door.connections)


def test_a_client_that_only_ends_its_own_side_still_gets_its_answer(served: OpenDoor) -> None:
    with served.connect() as client:
        client.send(request("GET", "/hold?0.1"))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.answer().body == b"held"
        assert client.ends()


def test_clients_that_leave_in_the_middle_of_a_body_leave_no_trace(app: SampleApp) -> None:
    with capture_logs() as logs, open_door(app, linger_s_max=3600) as served:
        for leave in (reset, lambda client: client.socket.close()):
            client = served.connect()
            client.send(b"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nhalf")
            eventually(lambda: served.door.running)
            leave(client)
            eventually(lambda: not served.door.running and not served.door.connections)
    assert logs == []


def test_an_application_that_fails_is_logged_and_answered(served: OpenDoor) -> None:
    with capture_logs() as logs, served.connect() as client:
        assert client.ask(request("GET", "/fail")).status == 500
        eventually(lambda: logs)
    assert [line["event"] for line in logs] == ["application_failed"]


# ── bodies ────────────────────────────────────────────────────────────────────────────────────────


def test_a_body_in_a_hundred_thousand_pieces_arrives_whole(served: OpenDoor) -> None:
    with served.connect() as client:
        client.send(request("POST", "/slow-reader", "Transfer-Encoding: chunked"))
        client.send(b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n")
        assert client.answer().body == b"100000"


@pytest.mark.parametrize("head", ["Content-Length: 1000000000", "Content-Length: 0"])
def test_a_client_that_sends_what_nobody_reads_is_made_to_wait(served: OpenDoor, head: str) -> None:
    """Neither a body nor later requests pile up in memory while a request runs."""
    with RawClient(served.address, timeout_s=0.5) as client:
        client.send(request("POST", "/deaf", head))
        with pytest.raises(TimeoutError):
            client.send(request() * 2_000_000)


def test_a_client_that_is_answered_while_it_sends_can_read_the_answer(served: OpenDoor) -> None:
    with served.connect() as client:
        answer = client.ask(request("POST", "/impatient", body=b"x" * 10_000_000))
        assert (answer.body, answer.headers["connection"]) == (b"enough", "close")
        assert client.ends()


class Limited:
    """An application behind the limits on bodies, with problems answered."""

    def __init__(self, app: SampleApp, seconds_max: float) -> None:
        self._app = BodyLimits(app, bytes_max=BODY_BYTES_MAX, seconds_max=seconds_max)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Problem as problem:
            await ProblemResponse(problem)(scope, receive, send)


@pytest.fixture
def limited(app: SampleApp) -> Iterator[OpenDoor]:
    with open_door(Limited(app, PATIENCE_S)) as door:
        yield door


def refusal(client: RawClient) -> Answer:
    answer = client.answer()
    assert answer.headers["connection"] == "close"
    return answer


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Content-Length: 5000000"], b"x" * 5_000_000),
        (
            ["Transfer-Encoding: chunked"],
            (b"100000\r\n" + b"x" * 0x100000 + b"\r\n") * 5,
        ),
        (["Content-Length: 99999999999999999999"], b""),
    ],
    ids=["5 MB", "5 MB in chunks", "20 digits"],
)
def test_a_client_that_sends_too_much_can_read_why(
    limited: OpenDoor, headers: list[str], body: bytes
) -> None:
    with limited.connect() as client:
        client.send(request("POST", "/echo", *headers) + body)
        assert refusal(client).reason == "body_too_large"
        assert client.ends()


def test_a_slow_body_is_refused(app: SampleApp) -> None:
    with open_door(Limited(app, 0.2)) as limited, limited.connect() as client:
        client.send(b"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nslow")
        assert refusal(client).reason == "body_timeout"


def test_the_largest_body_is_served_and_the_connection_goes_on(limited: OpenDoor) -> None:
    body = b"x" * BODY_BYTES_MAX
    with limited.connect() as client:
        assert client.ask(request("POST", "/echo", body=body)).body == body
        assert client.ask(request("POST", "/echo", body=b"")).body == b""
        assert client.ask(request("GET", "/echo")).body == b""


def test_a_client_that_leaves_after_a_large_body_is_noticed(
    app: SampleApp, limited: OpenDoor
) -> None:
    client = limited.connect()
    client.send(request("POST", "/wait", body=b"x" * BODY_BYTES_MAX))
    eventually(lambda: app.seen == ["waiting"])
    client.socket.close()
    eventually(lambda: app.seen == ["waiting", "http.disconnect"])


def test_a_client_that_leaves_in_a_body_never_reaches_the_application(
    app: SampleApp, limited: OpenDoor
) -> None:
    with capture_logs() as logs:
        client = limited.connect()
        client.send(b"POST /wait HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf")
        eventually(lambda: limited.door.running)
        client.socket.close()
        eventually(lambda: not limited.door.running)
    assert app.seen == []
    assert logs == []
