"""Ids in paths as clients write them, and an answer that is kept, at a running service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.service import serving
from tests.raw_http import Answer, RawClient, request

V1 = "/challenge/v1"
ANN = "x-mock-user-id: ann"
GOALS = f"{V1}/challenges/winter-challenge-2025/goals"


@pytest.fixture
def address(database_url: str, tmp_path: Path) -> Iterator[tuple[str, int]]:
    settings = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "2",
        "DRAIN_DELAY_S": "0",
    }
    with serving(settings, tmp_path / "log") as service:
        yield "127.0.0.1", service.port
    assert service.exit_status == 0


ODD = ("%", "%zz", "%F0%9F%98%80", "+", "kill-10-snowmen%20")
NO_TEXT = ("%ff", "%ED%A0%80", "kill-10-snowmen%00")
SPLIT = ("", "a%2Fb", "../x", "%2e%2e/x")


def activate(client: RawClient, path: str) -> Answer:
    return client.ask(request("PUT", path, ANN, body=b'{"isActive":true}'))


def test_an_id_is_decoded_and_one_that_is_none_is_not_found(address: tuple[str, int]) -> None:
    with RawClient(address) as client:
        answer = activate(client, f"{GOALS}/kill%2D10%2dsnowmen/active")
        assert (answer.status, answer.json()["goalId"]) == (200, "kill-10-snowmen")
        for odd in ODD:
            answer = activate(client, f"{GOALS}/{odd}/active")
            assert (answer.status, answer.reason) == (404, "goal_not_found"), odd
            answer = client.ask(request("GET", f"{V1}/challenges/{odd}", ANN))
            assert (answer.status, answer.reason) == (404, "challenge_not_found"), odd
        for split in SPLIT:
            answer = activate(client, f"{GOALS}/{split}/active")
            assert (answer.status, answer.reason) == (404, "not_found"), split
    for no_text in NO_TEXT:
        with RawClient(address) as client:
            answer = activate(client, f"{GOALS}/{no_text}/active")
        assert (answer.status, answer.reason) == (400, "bad_request"), no_text


def test_an_endless_id_is_refused_before_it_is_looked_for(address: tuple[str, int]) -> None:
    with RawClient(address) as client:
        answer = activate(client, f"{GOALS}/{'x' * 10_000}/active")
    assert (answer.status, answer.reason) == (414, "target_too_long")


def test_a_kept_answer_costs_no_body_and_the_connection_goes_on(address: tuple[str, int]) -> None:
    asked = request("GET", f"{V1}/challenges", ANN)
    with RawClient(address) as client:
        first = client.ask(asked)
        again = request("GET", f"{V1}/challenges", ANN, f"If-None-Match: {first.headers['etag']}")
        client.send(again)
        kept = client.answer()
        assert kept.status == 304
        assert kept.headers["etag"] == first.headers["etag"]
        assert "content-length" not in kept.headers
        assert client.ask(asked).status == 200
