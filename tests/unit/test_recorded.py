"""The comparison with recorded answers misses nothing, and names each difference by its place."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.recorded.differences import differences
from tests.recorded.records import ABSENT, Answer, Completion, completions, read_json

JSON = {"content-type": "application/json"}


def answer(
    body: Any,
    status: int = 200,
    *,
    cut: int | None = None,
    headers: Mapping[str, str] = JSON,
) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, headers, text[:cut], cut=cut is not None)


def found(was: Answer, now: Answer) -> list[tuple[str, Any, Any]]:
    return [tuple(difference) for difference in differences(was, now)]


GOALS = {"goals": [{"goalId": "a", "n": 1}, {"goalId": "b", "n": 2, "list": [1, 2]}], "end": "x"}


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ({"n": 1}, {"n": 1}, []),
        ({"n": 1, "m": 2}, {"m": 2, "n": 1}, [("$ in order", ["n", "m"], ["m", "n"])]),
        ('{"n":1,"m":2,"n":1}', '{"m":2,"n":1}', [("$.n", "(twice)", "(once)")]),
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
        (
            {"goals": [{"goalId": "a"}]},
            {"goals": [{"goalId": "a"}, {"goalId": "a"}]},
            [("$.goals[a]", "(once)", "(twice)")],
        ),
        (
            {"goals": [{"goalId": "a"}]},
            {"goals": [{"goalId": "a"}] * 3},
            [("$.goals[a]", "(once)", "(3 times)")],
        ),
        ({"ids": ["a", "b", "a"]}, {"ids": ["a", "b"]}, [("$.ids[a]", "(twice)", "(once)")]),
        ({"ids": ["a", "b"]}, {"ids": ["b", "a"]}, [("$.ids in order", ["a", "b"], ["b", "a"])]),
        ({"ids": ["a"]}, {"ids": ["b"]}, [("$.ids[a]", "a", ABSENT), ("$.ids[b]", ABSENT, "b")]),
        ('{"n":1,"n":2}', '{"n":2}', [("$.n", "(twice)", "(once)")]),
        ('{"n":2}', '{"n":1,"n":2}', [("$.n", "(once)", "(twice)")]),
        ('{"n":1,"n":2}', '{"n":3,"n":2}', []),
        ("nope", '{"n":1}', [("$", "nope", {"n": 1})]),
        ("", '{"n":1}', [("$", ABSENT, {"n": 1})]),
    ],
)
def test_every_difference_has_a_place(was: Any, now: Any, expected: Any) -> None:
    assert found(answer(was), answer(now)) == expected


def test_status_and_headers_are_compared() -> None:
    was = answer("", 500, headers={"content-type": "text/plain; charset=utf-8", "x": "1"})
    now = answer("", 404, headers={"content-type": "text/plain", "etag": "2"})
    assert found(was, now) == [
        ("status", 500, 404),
        ("content-type", "text/plain; charset=utf-8", "text/plain"),
        ("x", "1", ABSENT),
        ("etag", ABSENT, "2"),
    ]


def test_headers_that_differ_by_nature_are_not_compared() -> None:
    was = answer("", headers=JSON | {"date": "Mon", "content-length": "3"})
    assert found(was, answer("", headers=JSON | {"date": "Tue"})) == []


def test_an_item_that_is_listed_twice_is_told_although_the_recorded_list_is_cut() -> None:
    was = answer({"goals": [{"goalId": "a"}, {"goalId": "b"}]}, cut=30)
    now = answer({"goals": [{"goalId": "a"}, {"goalId": "b"}, {"goalId": "a"}]})
    assert found(was, now) == [("$.goals[a]", "(once)", "(twice)")]


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
