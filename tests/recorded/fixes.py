"""Where we are right instead: each fix is one sentence, and which differences it explains.

A fix that explains nothing is stale, and a difference that none explains is a bug, here or there.
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.recorded.differences import ONE, TWO, Difference
from tests.recorded.records import ABSENT, Answer, Record

PROBLEM = "application/problem+json"
V1 = "/challenge/v1"

_PROBLEM_MEMBERS = {"type", "title", "status", "detail", "errorCode", "reason", "traceId"}
_CLAIM_MEMBERS = {"claimId", "rewardState", "missingPrerequisites", "claimedAt"}
_WRAPPING = re.compile(r"failed to [a-z ]+: (?=goal ')")
_ONE_CHALLENGE = re.compile(rf"{V1}/challenges/[^/]+")


class Case(NamedTuple):
    """One difference, and the two answers in which it is."""

    record: Record
    now: Answer
    difference: Difference

    @property
    def statuses(self) -> tuple[int, int]:
        return self.record.response.status, self.now.status

    @property
    def path(self) -> str:
        return urlsplit(self.record.request.path).path

    @property
    def is_problem(self) -> bool:
        return self.now.media_type == PROBLEM

    def member(self, name: str, answer: Answer | None = None) -> object:
        """Return a member of our body, or of another one."""
        body = (answer or self.now).content
        return body.get(name, ABSENT) if isinstance(body, dict) else ABSENT


class Fix(NamedTuple):
    """What is different on purpose."""

    sentence: str
    explains: Callable[[Case], bool]


def _no_identity(case: Case) -> bool:
    return (
        case.record.request.user is None
        and case.record.response.status != 401
        and case.now.status == 401
        and case.member("reason") == "unauthenticated"
    )


def _one_challenge(case: Case) -> bool:
    return (
        case.statuses == (404, 200)
        and case.record.request.method == "GET"
        and _ONE_CHALLENGE.fullmatch(case.path) is not None
        and case.member("challengeId") == case.path.rpartition("/")[2]
    )


def _bare_prefix(case: Case) -> bool:
    return case.path == "/challenge" and case.statuses == (400, 404) and _is_code(case, 5)


def _wrong_method(case: Case) -> bool:
    return (
        case.statuses == (501, 405)
        and case.difference.place == "status"
        and bool(case.now.headers.get("allow"))
        and _is_code(case, 12)
    )


def _too_long_id(case: Case) -> bool:
    user = case.record.request.user or ""
    return len(user) > 100 and case.statuses == (500, 400) and _is_code(case, 3)


def _not_found(case: Case) -> bool:
    if case.statuses != (500, 404) or not _is_code(case, 5):
        return False
    was = case.member("message", case.record.response)
    unwrapped = _WRAPPING.sub("", str(was), count=1)
    told = was != unwrapped == case.member("message")
    return told and case.difference.place in {"status", "$.code", "$.message"}


def _named_twice(case: Case) -> bool:
    was = str(case.member("message", case.record.response))
    return (
        case.statuses == (500, 400)
        and "cannot affect row a second time" in was
        and "more than once" in str(case.member("message"))
        and case.difference.place in {"status", "$.code", "$.message"}
    )


def _parser_text(case: Case) -> bool:
    place, was, _ = case.difference
    return (
        place == "$.message"
        and case.statuses == (400, 400)
        and str(was).startswith("proto:")
        and _is_code(case, 3)
    )


def _empty_claim(case: Case) -> bool:
    return (
        case.path.endswith("/claim")
        and not case.record.request.body
        and str(case.member("message", case.record.response)).startswith("proto:")
        and not _is_code(case, 3)
        and case.difference.place in {"status", "$.code", "$.message"}
    )


def _claim_answer(case: Case) -> bool:
    place, was, _ = case.difference
    return (
        case.path.endswith("/claim")
        and was == ABSENT
        and place.removeprefix("$.") in _CLAIM_MEMBERS
    )


def _filtered(case: Case) -> bool:
    query = parse_qs(urlsplit(case.record.request.path).query)
    asked = ["true"] in (query.get("active_only"), query.get("activeOnly"))
    _, was, now = case.difference
    return asked and now == ABSENT and isinstance(was, dict) and not _has_active(was)


def _has_active(item: dict[str, object]) -> bool:
    """Return whether a goal, or a goal of a challenge, is active as far as the record goes."""
    goals = item.get("goals")
    if isinstance(goals, list):
        return any(isinstance(goal, dict) and _has_active(goal) for goal in goals)
    return item.get("isActive") is True


def _order(case: Case) -> bool:
    place, was, now = case.difference
    if not place.endswith("Goals in order"):
        return False
    listed = {"$.assignedGoals in order", "$.selectedGoals in order"}
    return place in listed and sorted(was) == sorted(now)


def _once(case: Case) -> bool:
    return case.difference[1:] == (TWO, ONE)


def _unlocked(case: Case) -> bool:
    place, was, now = case.difference
    return place.endswith(".locked") and (was, now) == (True, False)


def _one_error_body(case: Case) -> bool:
    if not case.is_problem:
        return False
    place, was, now = case.difference
    if place == "content-type":
        return was in {"application/json", "text/plain"} and now == PROBLEM
    if place == "$":
        return isinstance(was, str) and isinstance(now, dict) and {"code", "message"} <= now.keys()
    return was == ABSENT and place.removeprefix("$.") in _PROBLEM_MEMBERS


def _is_code(case: Case, code: int) -> bool:
    """Return whether ours is a problem of this code; to HEAD nobody answers with a body."""
    return case.is_problem and (not case.now.body or case.member("code") == code)


FIXES = (
    Fix("No identity is 401; there is no default player.", _no_identity),
    Fix("One challenge can be asked for by its id.", _one_challenge),
    Fix("/challenge alone is 404, as every path that is not there.", _bare_prefix),
    Fix("A wrong method is 405 with Allow on every path.", _wrong_method),
    Fix("A player's id of more than 100 characters is 400.", _too_long_id),
    Fix("An unknown or foreign goal is 404, in words without a wrapping.", _not_found),
    Fix("A goal that is named twice is 400, and it is said which.", _named_twice),
    Fix("What cannot be read is told in our words.", _parser_text),
    Fix("A claim needs no body.", _empty_claim),
    Fix(
        "A claim is told its id and its reward's state, or when it was made, or what it lacks.",
        _claim_answer,
    ),
    Fix("active_only, in both spellings, leaves out what is not active.", _filtered),
    Fix("Goals are listed in catalogue order.", _order),
    Fix("An object has each member once.", _once),
    Fix("`locked` tells whether the goal is locked now.", _unlocked),
    Fix(
        "There is one error body, problem+json, with what clients read of the old one.",
        _one_error_body,
    ),
)
