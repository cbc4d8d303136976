"""Each fix of the comparison with recorded answers explains what it is meant for."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from app.errors import ServiceReason
from tests.compare_recorded import Report
from tests.recorded.fixes import FIXES, Fix
from tests.recorded.records import Answer, Record
from tests.recorded.samples import (
    ACTIVE,
    AT,
    BAD,
    BAD_BOOL,
    BATCH,
    CLAIM_ID,
    CLAIMED,
    CLAIMED_TEXT,
    CLAIMING,
    CLAIMING_LOCKED,
    DONE,
    EMPTY_CLAIM,
    FILTERED,
    GOALS,
    INITIALIZE,
    LIST,
    LOCK,
    LOCKED,
    NAMED_TWICE,
    NO_GOAL,
    NO_IDENTITY,
    NO_METHOD,
    NOBODY,
    NOT_COMPLETED,
    NOTHING,
    OFF,
    ON,
    ONE,
    RANDOM,
    SHOWN,
    UNKNOWN_ID,
    UNLOCKED,
    UNREAD,
    WRAPPED,
    WRONG_METHOD,
    answer,
    gateway,
    goals,
    plain,
    problem,
    record,
    replaced,
    selected,
    unexplained,
)

FOREIGN = "goal 'z' does not belong to challenge 'c'"
EXPLAINED = [
    (NOBODY, NO_IDENTITY),
    (
        record(NOTHING, ONE),
        answer(SHOWN | {"goals": [{"goalId": "a"}, {"goalId": "b"}]}),
    ),
    (
        record(gateway(400, 3, "Bad Request"), "/challenge"),
        problem(ServiceReason.NOT_FOUND, "Not Found"),
    ),
    (record(WRONG_METHOD, ACTIVE), problem(NO_METHOD, "Method Not Allowed", allow="PUT")),
    (
        record(plain(405, "Method not allowed\n"), LIST, method="POST"),
        problem(NO_METHOD, "Method Not Allowed", allow="GET"),
    ),
    (UNKNOWN_ID, problem(BAD, "It has 101.")),
    (UNKNOWN_ID, problem(BAD, "It has 101.", connection="close")),
    (
        record(gateway(500, 13, WRAPPED), ACTIVE),
        problem(NO_GOAL, "goal 'x' not found in challenge 'c'"),
    ),
    (
        record(gateway(500, 13, f"failed to select: {FOREIGN}"), BATCH),
        problem(NO_GOAL, FOREIGN),
    ),
    (NAMED_TWICE, problem(BAD, "goal 'a' is in goal_ids more than once")),
    (record(UNREAD, ACTIVE, body=""), problem(BAD, "The body is empty; it must be JSON.")),
    (record(UNREAD, ACTIVE, body="{"), problem(BAD, "The body is not JSON: truncated.")),
    (record(BAD_BOOL, ACTIVE, body='{"isActive":1}'), problem(BAD, "isActive must be a bool")),
    (EMPTY_CLAIM, problem(ServiceReason.GOAL_NOT_COMPLETED, NOT_COMPLETED)),
    (CLAIMING, answer({"goalId": "x", "claimId": CLAIM_ID, "rewardState": "pending"})),
    (CLAIMING_LOCKED, problem(LOCK, "Prerequisites", other={"missingPrerequisites": ["a"]})),
    (
        CLAIMED,
        problem(
            ServiceReason.ALREADY_CLAIMED,
            CLAIMED_TEXT,
            other={"claimId": CLAIM_ID, "claimedAt": AT},
        ),
    ),
    (record(goals(ON, OFF), FILTERED), goals(ON)),
    (record(goals(OFF), f"{LIST}?activeOnly=true"), answer({"challenges": []})),
    (
        record(selected("b", "a", name="assignedGoals"), INITIALIZE, method="POST"),
        selected("a", "b", name="assignedGoals"),
    ),
    (record(selected("b", "a"), RANDOM, method="POST"), selected("a", "b")),
    (record(replaced("b", "a"), BATCH, method="POST"), replaced("a", "b")),
    (
        record(answer('{"goals":[{"goalId":"a","status":1,"status":1}]}')),
        answer('{"goals":[{"goalId":"a","status":1}]}'),
    ),
    (record(goals(DONE, LOCKED)), goals(DONE, UNLOCKED)),
    (
        record(goals("a")),
        Answer(200, {**goals().headers, "etag": f'W/"{"0" * 24}"'}, goals("a").body),
    ),
    (record(answer({})), answer({}, cache_control="private, no-cache")),
    (record(answer({}), f"{ONE}/rotation"), answer({}, cache_control="no-store")),
    (record(plain(404, "404 page not found\n")), problem(ServiceReason.NOT_FOUND, "Not Found")),
]


@pytest.mark.parametrize(("asked", "now"), EXPLAINED)
def test_a_fix_explains_what_it_is_meant_for(asked: Record, now: Answer) -> None:
    assert unexplained(asked, now) == []


def with_member(now: Answer, name: str, value: Any) -> Answer:
    return replace(now, body=json.dumps({**json.loads(now.body), name: value}))


SPOILS: Mapping[str, Callable[[Answer], Answer]] = {
    "another status": lambda now: replace(now, status=now.status + 99),
    "another media type": lambda now: replace(now, headers={**now.headers, "content-type": "x/y"}),
    "another code": lambda now: with_member(now, "code", 13),
    "another message": lambda now: with_member(now, "message", ""),
    "details": lambda now: with_member(now, "details", [1]),
    "one more member": lambda now: with_member(now, "n", None),
    "one more header": lambda now: replace(now, headers={**now.headers, "n": ""}),
}


@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize(("asked", "now"), EXPLAINED)
def test_no_fix_explains_an_answer_that_is_spoiled(asked: Record, now: Answer, spoil: str) -> None:
    assert unexplained(asked, SPOILS[spoil](now))


@pytest.mark.parametrize(
    ("asked", "now"), [each for each in EXPLAINED if each[0].request.user is not None]
)
def test_no_fix_explains_what_differs_from_a_status_that_was_never_recorded(
    asked: Record, now: Answer
) -> None:
    was = replace(asked.response, status=418)
    assert unexplained(replace(asked, response=was), now)


def test_a_report_is_good_when_each_fix_explains_and_each_difference_is_explained() -> None:
    fix = Fix("Numbers grow.", lambda case: case.difference.now > case.difference.was)
    grown, shrunk = answer({"n": 2}), answer({"n": 0})
    asked = record(answer({"n": 1}))
    report = Report(GOALS, [fix])
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
