"""What all routes share by app/API.md, asked of each one at a running service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.service import serving
from tests.api_document import answer_errors, operations
from tests.raw_http import Answer, RawClient, request

V1 = "/challenge/v1"
EVENTS = f"{V1}/events"
TOKEN = "events-token-of-16"
BODY_BYTES = 1000
EVENTS_BYTES = 262_144
TARGET_BYTES = 4096
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "FOO"}


@pytest.fixture
def address(database_url: str, tmp_path: Path) -> Iterator[tuple[str, int]]:
    settings = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "2",
        "DRAIN_DELAY_S": "0",
        "EVENTS_TOKEN": TOKEN,
        "ADMISSION_QUOTA": "10000",
        "BODY_BYTES_MAX": str(BODY_BYTES),
    }
    with serving(settings, tmp_path / "log") as service:
        yield "127.0.0.1", service.port
    assert service.exit_status == 0


class Route:
    """One operation of a running service, asked on a new connection each time."""

    def __init__(self, address: tuple[str, int], method: str, path: str) -> None:
        self._address = address
        self.method, self.path = method, path
        self.target = path.format(challenge_id="winter-challenge-2025", goal_id="kill-10-snowmen")
        self._who = f"authorization: Bearer {TOKEN}" if path == EVENTS else "x-mock-user-id: ann"

    def ask(
        self, method: str = "", target: str = "", *more: str, body: bytes = b"", known: bool = True
    ) -> Answer:
        """Ask, by default this operation; what it answers has to be in the document."""
        head = ["content-type: application/cloudevents-batch+json", *([self._who] * known), *more]
        with RawClient(self._address) as client:
            client.send(request(method or self.method, target or self.target, *head, body=body))
            answer = client.answer(to_head=method == "HEAD")
        if not method:
            wrong = answer_errors(self.method, self.path, *answer)
            assert wrong == [], (self.method, self.path, answer)
        return answer


def test_every_route_has_one_method_one_path_and_a_bounded_target(
    address: tuple[str, int],
) -> None:
    for method, path, _ in operations():
        route = Route(address, method, path)
        for other in sorted(METHODS - {method}):
            for known in (True, False):
                answer = route.ask(other, known=known)
                assert (answer.status, answer.headers["allow"]) == (405, method), (other, path)
        assert route.ask("CONNECT").status == route.ask("M" * 33).status == 400, path
        room = TARGET_BYTES - len(route.target)
        for odd, status, reason in (
            (f"{route.target}/", 404, "not_found"),
            (f"/{route.target}", 404, "not_found"),
            (f"{route.target}%00", 400, "bad_request"),
            (f"{route.target}?{'q' * room}", 414, "target_too_long"),
        ):
            answer = route.ask("", odd)
            assert (answer.status, answer.reason) == (status, reason), odd
        assert route.ask("", f"{route.target}?{'q' * (room - 1)}").status not in {404, 414}, path


def test_every_route_asks_and_bounds_the_body_but_those_of_the_service(
    address: tuple[str, int],
) -> None:
    for method, path, operation in operations():
        route = Route(address, method, path)
        bytes_max = EVENTS_BYTES if path == EVENTS else BODY_BYTES
        unknown, too_large = route.ask(known=False), route.ask(body=b" " * (bytes_max + 1))
        if path.startswith(V1):
            assert (unknown.status, unknown.reason) == (401, "unauthenticated"), path
            assert (too_large.status, too_large.reason) == (413, "body_too_large"), path
            assert route.ask(body=b" " * bytes_max).status != 413, path
        else:
            assert (unknown.status, too_large.status) == (200, 200), path
        kept = route.ask("", "", "if-none-match: *")
        told = "304" in operation["responses"]
        assert ("etag" in kept.headers, kept.status == 304) == (told, told), path
