"""The comparison with recorded answers misses nothing, and names each difference by its place."""

import json
from typing import Any

import pytest

from tests.compare_recorded import Report
from tests.recorded.differences import differences
from tests.recorded.fixes import FIXES, Fix
from tests.recorded.records import (
    ABSENT,
    Answer,
    Completion,
    Record,
    Sent,
    completions,
    read_json,
)


def answer(
    body: Any,
    status: int = 200,
    *,
    cut: int | None = None,
    content_type: str = "application/json",
    allow: str = "",
) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": content_type, "allow": allow}
    return Answer(status, headers, text[:cut], cut=cut is not None)


def found(was: Answer, now: Answer) -> list[tuple[str, Any, Any]]:
    return [tuple(difference) for difference in differences(was, now)]


GOALS = {"goals": [{"goalId": "a", "n": 1}, {"goalId": "b", "n": 2, "list": [1, 2]}], "end": "x"}


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ({"n": 1}, {"n": 1}, []),
        ({"n": 1, "m": 2}, {"m": 2, "n": 1}, []),
        ({"n": 1}, {"n": 2}, [("$.n", 1, 2)]),
        ({"n": 1}, {"n": True}, [("$.n", 1, True)]),
        ({"n": 1}, {"n": 1.0}, [("$.n", 1, 1.0)]),
        ({"n": 1}, {}, [("$.n", 1, ABSENT)]),
        ({}, {"n": None}, [("$.n", ABSENT, None)]),
        ({"l": [1, 2]}, {"l": [1]}, [("$.l[1]", 2, ABSENT)]),
        ({"l": [1]}, {"l": {}}, [("$.l", [1], {})]),
        ({"at": "2026-01-02T03:04:05Z"}, {"at": "2027-11-12T13:14:15Z"}, []),
        ({"at": "2026-01-02T03:04:05Z"}, {"at": ""}, [("$.at", "2026-01-02T03:04:05Z", "")]),
        (
            {"at": "2026-01-02T03:04:05Z"},
            {"at": "2026-01-02T03:04:05.6Z"},
            [("$.at", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.6Z")],
        ),
        ({"expiresInSeconds": 7}, {"expiresInSeconds": 9}, []),
        ({"expiresInSeconds": 7}, {"expiresInSeconds": 0}, [("$.expiresInSeconds", 7, 0)]),
        (
            {"goals": [{"goalId": "b"}, {"goalId": "a"}]},
            {"goals": [{"goalId": "a"}, {"goalId": "b"}]},
            [("$.goals in order", ["b", "a"], ["a", "b"])],
        ),
        (
            {"goals": [{"goalId": "a", "n": 1}]},
            {"goals": [{"goalId": "c"}, {"goalId": "a", "n": 2}]},
            [("$.goals[a].n", 1, 2), ("$.goals[c]", ABSENT, {"goalId": "c"})],
        ),
        ('{"n":1,"n":2}', '{"n":2}', [("$.n", "(twice)", "(once)")]),
        ('{"n":2}', '{"n":1,"n":2}', [("$.n", "(once)", "(twice)")]),
        ('{"n":1,"n":2}', '{"n":3,"n":2}', []),
        ("nope", '{"n":1}', [("$", "nope", {"n": 1})]),
        ("", '{"n":1}', [("$", ABSENT, {"n": 1})]),
    ],
)
def test_every_difference_has_a_place(was: Any, now: Any, expected: Any) -> None:
    assert found(answer(was), answer(now)) == expected


def test_status_and_content_type_are_compared_and_parameters_are_not() -> None:
    was = answer("", 500, content_type="text/plain; charset=utf-8")
    assert found(was, answer("", 500, content_type="text/plain")) == []
    assert found(was, answer("", 404)) == [
        ("status", 500, 404),
        ("content-type", "text/plain", "application/json"),
    ]


@pytest.mark.parametrize("cut", range(1, len(json.dumps(GOALS)) + 1))
def test_a_cut_body_is_compared_up_to_the_cut(cut: int) -> None:
    assert found(answer(GOALS, cut=cut), answer(GOALS)) == []


def test_what_differs_before_a_cut_is_found() -> None:
    cut = json.dumps(GOALS).index('"list"')
    now = json.loads(json.dumps(GOALS))
    now["goals"][0] |= {"n": 7, "extra": 8}
    now["goals"][1]["behind the cut"] = 9
    assert found(answer(GOALS, cut=cut), answer(now)) == [
        ("$.goals[a].n", 1, 7),
        ("$.goals[a].extra", ABSENT, 8),
    ]


def test_a_cut_inside_a_text_does_not_take_its_brackets_for_brackets() -> None:
    text = json.dumps({"a": 'x"}],', "b": 'y\\"{[', "c": 3})
    for cut in range(1, len(text)):
        assert set(read_json(text[:cut], cut=True)) <= {"a", "b", "\N{HORIZONTAL ELLIPSIS} cut"}


def test_what_a_record_presupposes_is_read() -> None:
    text = "a completed with progress 10, b not, c completed"
    assert list(completions(text)) == [Completion("a", 10), Completion("c", None)]
    with pytest.raises(ValueError, match="cannot bring about 'a claimed'"):
        list(completions("a claimed"))


def record(
    was: Answer,
    path: str = "/challenge/v1/challenges",
    *,
    method: str = "GET",
    user: str | None = "ann",
    body: str | None = None,
) -> Record:
    return Record("group", "name", None, Sent(method, path, user, body), was)


PROBLEM = "application/problem+json"


def problem(status: int, code: int, message: str, *, allow: str = "") -> Answer:
    body = {"code": code, "message": message, "details": [], "reason": "r", "traceId": "t"}
    return answer(body, status, content_type=PROBLEM, allow=allow)


def unexplained(asked: Record, now: Answer) -> list[str]:
    report = Report()
    report.add(asked, now)
    return [case.difference.place for case in report.unexplained]


def gateway(status: int, code: int, message: str) -> Answer:
    return answer({"code": code, "message": message, "details": []}, status)


WRAPPED = "failed to set goal active status: goal 'x' not found in challenge 'c'"
ACTIVE = "/challenge/v1/challenges/c/goals/x/active"


def test_a_fix_explains_what_it_is_meant_for() -> None:
    missing = record(gateway(500, 13, WRAPPED), ACTIVE)
    assert unexplained(missing, problem(404, 5, "goal 'x' not found in challenge 'c'")) == []
    method = record(gateway(501, 12, "Method Not Allowed"), ACTIVE)
    assert unexplained(method, problem(405, 12, "Method Not Allowed", allow="PUT")) == []
    listed = record(answer('{"challenges":[{"challengeId":"c","goals":[{"goalId":"x"}]}]}'))
    filtered = record(listed.response, "/challenge/v1/challenges?active_only=true")
    assert unexplained(filtered, answer('{"challenges":[]}')) == []


@pytest.mark.parametrize(
    ("asked", "now", "places"),
    [
        (
            record(gateway(500, 13, WRAPPED), ACTIVE),
            problem(404, 5, "goal 'y' not found in challenge 'c'"),
            ["status", "$.code", "$.message"],
        ),
        (
            record(gateway(500, 13, WRAPPED), ACTIVE),
            problem(400, 3, "goal 'x' not found in challenge 'c'"),
            ["status", "$.code", "$.message"],
        ),
        (
            record(gateway(501, 12, "Method Not Allowed"), ACTIVE),
            problem(405, 12, "Method Not Allowed"),
            ["status"],
        ),
        (
            record(gateway(400, 3, "count must be greater than 0")),
            problem(400, 3, "The count is too small."),
            ["$.message"],
        ),
        (
            record(answer('{"challenges":[{"challengeId":"c","goals":[]}]}')),
            answer('{"challenges":[]}'),
            ["$.challenges[c]"],
        ),
        (
            record(
                answer('{"challenges":[{"goals":[{"isActive":true}]}]}'),
                "/challenge/v1/challenges?active_only=true",
            ),
            answer('{"challenges":[]}'),
            ["$.challenges[0]"],
        ),
        (
            record(answer('{"locked":false}')),
            answer('{"locked":true}'),
            ["$.locked"],
        ),
        (
            record(answer('{"n":1}')),
            answer('{"n":1,"n":1}'),
            ["$.n"],
        ),
        (
            record(answer('{"n":1}')),
            answer('{"n":1,"reason":"r"}'),
            ["$.reason"],
        ),
        (
            record(answer('{"assignedGoals":[{"goalId":"a"},{"goalId":"b"}]}')),
            answer('{"assignedGoals":[{"goalId":"a"}]}'),
            ["$.assignedGoals[b]"],
        ),
    ],
)
def test_a_fix_explains_nothing_else(asked: Record, now: Answer, places: list[str]) -> None:
    assert unexplained(asked, now) == places


def test_a_report_is_good_when_each_fix_explains_and_each_difference_is_explained() -> None:
    fix = Fix("Numbers grow.", lambda case: case.difference.now > case.difference.was)
    grown, shrunk = answer({"n": 2}), answer({"n": 0})
    asked = record(answer({"n": 1}))
    report = Report([fix])
    assert not report.is_good
    assert "explains nothing: Numbers grow." in list(report.lines())
    report.add(asked, grown)
    assert report.is_good
    report.add(asked, asked.response)
    assert (report.is_good, report.same) == (True, 1)
    report.add(asked, shrunk)
    assert not report.is_good
    assert list(report.lines())[-1] == "   group, name: $.n: 1 -> 0"


def test_no_two_fixes_have_one_sentence() -> None:
    assert len({fix.sentence for fix in FIXES}) == len(FIXES)
