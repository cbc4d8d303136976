"""What the generator takes an answer for."""

import msgspec
import pytest

from benchmarks.answers import Answer, Outcome, judge

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
INITIALIZED = b'{"assignedGoals":[{"goalId":"a"}],"newAssignments":1,"totalActive":1}'


def test_an_answer_is_whole_when_its_last_byte_has_come_however_it_is_cut() -> None:
    message = HEAD % len(INITIALIZED) + INITIALIZED
    for cut in range(1, len(message)):
        answer = Answer()
        assert not answer.feed(message[:cut])
        assert answer.feed(message[cut:])
        assert (answer.status, answer.body()) == (200, INITIALIZED)


def test_an_answer_that_is_longer_than_it_says_is_none() -> None:
    with pytest.raises(ValueError, match="more bytes"):
        Answer().feed(HEAD % 2 + b"{}}")


def test_an_answer_without_a_length_is_none() -> None:
    with pytest.raises(ValueError, match="Content-Length"):
        Answer().feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_only_an_answer_that_says_so_closes_its_connection() -> None:
    kept, closed = Answer(), Answer()
    kept.feed(HEAD % 0)
    closed.feed(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert (kept.closes, closed.closes) == (False, True)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (INITIALIZED, Outcome.OK),
        (b'{"assignedGoals":[],"newAssignments":0,"totalActive":0}', Outcome.BAD_BODY),
        (INITIALIZED[:-1], Outcome.BAD_BODY),
        (b"", Outcome.BAD_BODY),
    ],
)
def test_a_200_counts_only_with_goals_in_it(body: bytes, outcome: Outcome, full: bool) -> None:
    assert judge(200, body, full=full).outcome is outcome


def test_a_body_that_is_broken_in_the_middle_is_seen_by_the_full_check() -> None:
    broken = INITIALIZED.replace(b'"goalId":', b'"goalId"')
    assert judge(200, broken, full=True).outcome is Outcome.BAD_BODY


@pytest.mark.parametrize(
    ("status", "problem", "outcome"),
    [
        (503, {"reason": "line_full", "retry_after_ms": 1234}, Outcome.REFUSED_503),
        (429, {"reason": "over_quota", "retry_after_ms": 1234}, Outcome.REFUSED_429),
        (503, {"reason": "database_unavailable"}, Outcome.SERVER_ERROR),
        (429, {"reason": "somebody_else"}, Outcome.CLIENT_ERROR),
        (500, {"reason": "internal"}, Outcome.SERVER_ERROR),
        (400, {"reason": "bad_request"}, Outcome.CLIENT_ERROR),
        (302, {}, Outcome.BAD_BODY),
    ],
)
def test_a_refusal_is_one_only_if_it_tells_when_to_return(
    status: int, problem: dict[str, str | int], outcome: Outcome
) -> None:
    verdict = judge(status, msgspec.json.encode(problem), full=False)
    assert verdict.outcome is outcome
    assert verdict.retry_after_ms == problem.get("retry_after_ms")


def test_a_503_that_nobody_can_read_is_a_server_error() -> None:
    assert judge(503, b"<html>", full=False).outcome is Outcome.SERVER_ERROR
