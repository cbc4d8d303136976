"""Requests that nobody should have to interpret: what the front door makes of each."""

from collections.abc import Iterator

import pytest

from app.serving.http11 import HEAD_BYTES_MAX, HEADER_FIELDS_MAX, TARGET_BYTES_MAX
from tests.e2e.door import OpenDoor, open_door
from tests.e2e.sample_app import SampleApp
from tests.raw_http import request

BARE = ""
"""Hypercorn's own refusals have a status and nothing else."""

HEAD_LEFT = HEAD_BYTES_MAX - len(request("GET", "/", "A: ")) + 4


def fields(count: int) -> list[str]:
    return [f"X-Field-{number}: v" for number in range(count)]


REFUSED = {
    "a header of 17 kB": (request("GET", "/", f"A: {'a' * 17_000}"), 431, "headers_too_large"),
    "one byte of header too many": (
        request("GET", "/", f"A: {'a' * (HEAD_LEFT + 1)}"),
        431,
        "headers_too_large",
    ),
    "3,000 headers": (request("GET", "/", *fields(3000)), 431, "headers_too_large"),
    "one header too many": (
        request("GET", "/", *fields(HEADER_FIELDS_MAX)),
        431,
        "headers_too_large",
    ),
    "a player id of 20 kB": (
        request("POST", "/", f"x-mock-user-id: {'p' * 20_000}"),
        431,
        "headers_too_large",
    ),
    "a header without end": (b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000, 431, "headers_too_large"),
    "one byte of target too many": (
        request("GET", "/" + "t" * TARGET_BYTES_MAX),
        414,
        "target_too_long",
    ),
    "a target of 20 kB": (request("GET", "/?" + "t" * 20_000), 414, "target_too_long"),
    "a target without end": (b"GET /" + b"t" * 70_000, 414, "target_too_long"),
    "NUL in the path": (request("GET", "/a%00b"), 400, "bad_request"),
    "a path that is not UTF-8": (request("GET", "/a%ffb"), 400, "bad_request"),
    "a target that is not ASCII": (b"GET /\xff HTTP/1.1\r\nHost: t\r\n\r\n", 400, BARE),
    "NUL in a header": (request("GET", "/", "A: a\0b"), 400, BARE),
    "two framings": (
        request("POST", "/", "Transfer-Encoding: chunked", body=b"0\r\n\r\nGET / HTTP/1.1\r\n"),
        400,
        "bad_request",
    ),
    "two lengths": (request("POST", "/", "Content-Length: 3", body=b"abcd"), 400, BARE),
    "a length with a sign": (request("POST", "/", "Content-Length: +3"), 400, BARE),
    "a length of 21 digits": (request("POST", "/", f"Content-Length: {'9' * 21}"), 400, BARE),
    "an unknown transfer coding": (request("POST", "/", "Transfer-Encoding: gzip"), 501, BARE),
    "a space before a colon": (request("POST", "/", "Transfer-Encoding : chunked"), 400, BARE),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, BARE),
    "two hosts": (request("GET", "/", "Host: other"), 400, BARE),
    "a method of 5 kB": (request("M" * 5000, "/"), 400, "bad_request"),
    "a tunnel": (b"CONNECT db:5432 HTTP/1.1\r\nHost: t\r\n\r\n", 400, "bad_request"),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad_request"),
    "HTTP/9.9": (b"GET / HTTP/9.9\r\nHost: t\r\n\r\n", 400, "bad_request"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), 400, BARE),
}


@pytest.fixture
def served() -> Iterator[OpenDoor]:
    with open_door(SampleApp()) as door:
        yield door


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_and_closes(served: OpenDoor, name: str) -> None:
    data, status, reason = REFUSED[name]
    with served.connect() as client:
        answer = client.ask(data)
        assert (answer.status, answer.reason) == (status, reason)
        assert answer.headers["connection"] == "close"
        assert client.ends()
    assert served.refused == ([reason] if reason else [])


@pytest.mark.parametrize("name", [name for name in REFUSED if REFUSED[name][1] in {414, 431}])
def test_limits_do_not_depend_on_how_the_bytes_arrive(served: OpenDoor, name: str) -> None:
    data, status, reason = REFUSED[name]
    with served.connect() as client:
        for start in range(0, min(len(data), HEAD_BYTES_MAX + 2000), 1000):
            client.send(data[start : start + 1000])
        answer = client.answer()
        assert (answer.status, answer.reason) == (status, reason)


@pytest.mark.parametrize(
    "data",
    [
        request("GET", "/", f"A: {'a' * HEAD_LEFT}"),
        request("GET", "/", *fields(HEADER_FIELDS_MAX - 1)),
        request("GET", "/" + "t" * (TARGET_BYTES_MAX - 1)),
        request("GET", "/%C3%A4?q=%00%ff"),
        request("POST", "/", body=b"\n" * 5000),
        request("PROPFIND", "/"),
    ],
    ids=["most header bytes", "most headers", "longest target", "UTF-8", "lines", "odd method"],
)
def test_serves_what_is_just_within_the_limits(served: OpenDoor, data: bytes) -> None:
    with served.connect() as client:
        assert client.ask(data).status == 200
        assert client.ask(request()).status == 200, "the connection goes on"


def test_a_refused_head_request_has_no_body(served: OpenDoor) -> None:
    with served.connect() as client:
        client.send(request("HEAD", "/%00"))
        assert client.answer(to_head=True).status == 400
        assert client.ends()


def test_a_problem_says_what_is_wrong(served: OpenDoor) -> None:
    with served.connect() as client:
        answer = client.ask(request("GET", "/a%00b"))
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "The path contains a NUL."
    assert answer.json()["code"] == 3


def test_an_upgrade_to_http2_is_ignored(served: OpenDoor) -> None:
    upgrade = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"]
    with served.connect() as client:
        answer = client.ask(request("GET", "/", *upgrade))
        assert (answer.status, answer.json()["version"]) == (200, "1.1")
        assert client.ask(request()).status == 200


def test_an_upgrade_to_a_websocket_is_a_plain_request(served: OpenDoor) -> None:
    upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    with served.connect() as client:
        answer = client.ask(request("GET", "/", *upgrade))
        assert (answer.status, answer.json()["type"]) == (200, "http")
        assert client.ask(request()).status == 200


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(served: OpenDoor) -> None:
    with served.connect() as client:
        client.send(
            b"POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        )
        assert client.answer().status == 100
        assert client.ask(b"ok").body == b"ok"


def test_methods_keep_their_case(served: OpenDoor) -> None:
    with served.connect() as client:
        assert client.ask(request("PoST")).json()["method"] == "PoST"


def test_header_names_arrive_in_lower_case(served: OpenDoor) -> None:
    with served.connect() as client:
        headers = client.ask(request("GET", "/", "X-Mock-User-Id: Ada")).json()["headers"]
    assert ["x-mock-user-id", "Ada"] in headers
