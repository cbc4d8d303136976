"""Where we are right instead: each fix is one sentence, and which differences it explains.

A fix that explains nothing is stale, and a difference that none explains is a bug, here or there.
A fix explains only what it names, and only where ours is right: it looks at our whole answer, at
the question and at the catalogue.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.recorded.case import PROBLEM, Case, has_form
from tests.recorded.differences import ONE, TWO
from tests.recorded.records import ABSENT, goals_in

V1 = "/challenge/v1"

_ERROR = {"status", "$.code", "$.message"}
_WRAPPING = re.compile(r"failed to [a-z ]+: (?=goal ')")
_NO_SUCH_GOAL = re.compile(
    r"goal '([^']*)' (?:not found in|does not belong to) challenge '([^']*)'"
)
_LIST = f"{V1}/challenges"
_ONE_CHALLENGE = re.compile(rf"{_LIST}/([^/]+)")
_CHALLENGE_OF = re.compile(rf"{_LIST}/([^/]+)/.+")
_CLAIM = re.compile(rf"{_LIST}/[^/]+/goals/([^/]+)/claim")
_METHODS = {
    "active": "PUT",
    "claim": "POST",
    "initialize": "POST",
    "batch-select": "POST",
    "random-select": "POST",
}
"""Which method a path has, by its last part; other paths have GET."""

_NAMED_TWICE = re.compile(r".+\.goals\[[^\]]+\]\.(status|expiresAt|expiresInSeconds)")
_LEFT_OUT = re.compile(r"\$(\.challenges\[[^\]]+\]|(\.challenges\[[^\]]+\])?\.goals\[[^\]]+\])")
_LOCKED = re.compile(r".+\[([^\]]+)\]\.locked")
_IN_CATALOGUE_ORDER = {
    "$.assignedGoals in order": ("initialize",),
    "$.selectedGoals in order": ("random-select",),
    "$.replacedGoals in order": ("batch-select", "random-select"),
}


class Fix(NamedTuple):
    """What is different on purpose."""

    sentence: str
    explains: Callable[[Case], bool]


def _unread_body(case: Case) -> bool:
    closes = case.difference[:3] == ("connection", ABSENT, "close")
    return closes and case.now.status in {400, 401, 404, 405}


def _no_identity(case: Case) -> bool:
    if case.record.request.user is not None or not case.is_problem(401, 16):
        return False
    if case.difference.place == "www-authenticate":
        return case.difference[1:] == (ABSENT, "Mock")
    return case.record.response.status != 401 and case.becomes_problem()


def _one_challenge(case: Case) -> bool:
    asked = _ONE_CHALLENGE.fullmatch(case.path)
    if asked is None or case.record.request.method != "GET" or case.statuses != (404, 200):
        return False
    challenge = asked[1]
    listed = [goal_id for of, goal_id, _ in goals_in(case.now.content) if of == challenge]
    goals = [goal.goal_id for goal in case.goals.values() if goal.challenge_id == challenge]
    place, was, now = case.difference
    if place in {"$.code", "$.message", "$.details"}:
        return bool(now == ABSENT)
    shown = {"$.challengeId", "$.name", "$.description", "$.goals"}
    if case.member("challengeId") != challenge or listed != goals:
        return False
    return place == "status" or (place in shown and was == ABSENT)


def _bare_prefix(case: Case) -> bool:
    return (
        case.path == "/challenge"
        and case.statuses == (400, 404)
        and case.is_problem(404, 5)
        and case.member("message") == "Not Found"
        and case.becomes_problem()
    )


def _wrong_method(case: Case) -> bool:
    method = _METHODS.get(case.path.rpartition("/")[2], "GET")
    if not case.is_problem(405, 12) or case.record.request.method == method:
        return False
    if case.now.headers.get("allow") != method:
        return False
    return case.difference in (("status", 501, 405), ("allow", ABSENT, method))


def _too_long_id(case: Case) -> bool:
    length = len(case.record.request.user or "")
    return (
        length > 100
        and case.statuses == (500, 400)
        and case.is_problem(400, 3)
        and str(length) in str(case.member("message"))
        and case.becomes_problem()
    )


def _not_found(case: Case) -> bool:
    if case.statuses != (500, 404) or not case.is_problem(404, 5):
        return False
    was, now = str(case.recorded_member("message")), str(case.member("message"))
    told, asked = _NO_SUCH_GOAL.fullmatch(now), _CHALLENGE_OF.fullmatch(case.path)
    if told is None or asked is None or was == now or _WRAPPING.sub("", was, count=1) != now:
        return False
    goal = case.goals.get(told[1])
    is_foreign = goal is None or goal.challenge_id != told[2]
    return told[2] == asked[1] and is_foreign and case.difference.place in _ERROR


def _named_twice(case: Case) -> bool:
    asked = _read(case.record.request.body)
    goal_ids = asked.get("goalIds") if isinstance(asked, dict) else None
    named = goal_ids if isinstance(goal_ids, list) else []
    return (
        case.statuses == (500, 400)
        and case.is_problem(400, 3)
        and "cannot affect row a second time" in str(case.recorded_member("message"))
        and case.member("message")
        in [
            f"goal '{each}' is in goal_ids more than once"
            for each in named
            if named.count(each) > 1
        ]
        and case.difference.place in _ERROR
    )


def _parser_text(case: Case) -> bool:
    place, was, now = case.difference
    return (
        place == "$.message"
        and case.statuses == (400, 400)
        and case.is_problem(400, 3)
        and str(was).startswith("proto:")
        and _tells_why(case.record.request.body, str(was), str(now))
    )


def _tells_why(body: str | None, was: str, now: str) -> bool:
    """Return whether our words say what is wrong with the body."""
    if not body:
        return now.startswith("The body is empty")
    if _read(body) is None:
        return now.startswith("The body is not JSON")
    field = re.search(r" field (\w+)", was)
    return ("Expected `" in now or "must be" in now) and (field is None or field[1] in now)


def _empty_claim(case: Case) -> bool:
    asked = _CLAIM.fullmatch(case.path)
    return (
        asked is not None
        and not case.record.request.body
        and case.record.response.status == 400
        and str(case.recorded_member("message")).startswith("proto:")
        and any(case.is_problem(*answered) for answered in ((400, 9), (404, 5), (409, 6)))
        and f"(goal_id: {asked[1]}" in str(case.member("message"))
        and case.difference.place in _ERROR
    )


def _claim_answer(case: Case) -> bool:
    place, was, now = case.difference
    asked = _CLAIM.fullmatch(case.path)
    if asked is None or was != ABSENT:
        return False
    goal = case.goals.get(asked[1])
    match place, *case.statuses:
        case ("$.claimId", 200, 200) | ("$.claimId", 409, 409):
            return has_form(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", now)
        case "$.rewardState", 200, 200:
            return now in ("granted", "pending", "in_doubt")
        case "$.missingPrerequisites", 400, 400:
            lacking = now if isinstance(now, list) else []
            prerequisites = () if goal is None else goal.prerequisites
            named = lacking != [] and all(each in prerequisites for each in lacking)
            return named and case.member("reason") == "goal_locked"
        case "$.claimedAt", 409, 409:
            return f"claimed_at: {now})" in str(case.member("message"))
    return False


def _filtered(case: Case) -> bool:
    query = parse_qs(urlsplit(case.record.request.path).query)
    asked = ["true"] in (query.get("active_only", [])[:1], query.get("activeOnly", [])[:1])
    place, was, now = case.difference
    return (
        asked
        and _LEFT_OUT.fullmatch(place) is not None
        and now == ABSENT
        and isinstance(was, dict)
        and not _has_active(was)
        and _has_active_only(case.now.content)
    )


def _has_active(item: dict[str, Any]) -> bool:
    """Return whether a goal, or a goal of a challenge, is active as far as the record goes."""
    return item.get("isActive") is True or any(
        goal.get("isActive") is True for _, _, goal in goals_in(item)
    )


def _has_active_only(body: Any) -> bool:
    """Return whether each goal of our list is active, and each challenge has one."""
    if not isinstance(body, dict):
        return False
    shown = [goal.get("isActive") is True for _, _, goal in goals_in(body)]
    return all(shown) and all(each.get("goals") for each in body.get("challenges", []))


def _order(case: Case) -> bool:
    place = case.difference.place
    if case.path.rpartition("/")[2] not in _IN_CATALOGUE_ORDER.get(place, ()):
        return False
    ours = case.member(place.removeprefix("$.").removesuffix(" in order"))
    items = ours if isinstance(ours, list) else []
    ids = [item.get("goalId") if isinstance(item, dict) else item for item in items]
    return ids == [goal_id for goal_id in case.goals if goal_id in ids]


def _once(case: Case) -> bool:
    place, *times = case.difference
    return _NAMED_TWICE.fullmatch(place) is not None and times == [TWO, ONE]


def _unlocked(case: Case) -> bool:
    place, was, now = case.difference
    asked = _LOCKED.fullmatch(place)
    if asked is None or was is not True or now is not False:
        return False
    shown = {goal_id: goal for _, goal_id, goal in goals_in(case.now.content)}
    goal = case.goals.get(asked[1])
    return goal is not None and all(
        shown.get(before, {}).get("status") in ("completed", "claimed")
        for before in goal.prerequisites
    )


def _tagged(case: Case) -> bool:
    place, was, now = case.difference
    is_list = case.path == _LIST or _ONE_CHALLENGE.fullmatch(case.path) is not None
    if case.record.request.method != "GET" or not is_list or case.now.status != 200:
        return False
    if place == "etag":
        return was == ABSENT and has_form(r'W/"[0-9a-f]{24}"', now)
    return place == "cache-control" and (was, now) == (ABSENT, "private, no-cache")


def _not_kept(case: Case) -> bool:
    return (
        case.path.endswith("/rotation")
        and case.now.status == 200
        and case.difference == ("cache-control", ABSENT, "no-store")
    )


def _not_plain(case: Case) -> bool:
    return (
        case.difference == ("x-content-type-options", "nosniff", ABSENT)
        and case.record.response.media_type == "text/plain"
        and case.now.media_type == PROBLEM
    )


def _one_error_body(case: Case) -> bool:
    place, was, _ = case.difference
    if case.now.media_type != PROBLEM or not case.becomes_problem():
        return False
    if place == "content-type":
        return was in {"application/json", "text/plain; charset=utf-8"}
    if place == "$":
        return isinstance(was, str) and case.record.response.media_type == "text/plain"
    return place != "status" and was == ABSENT


def _read(body: str | None) -> Any:
    """Return what a request's body says, or None if it is not JSON."""
    try:
        return json.loads(body or "")
    except json.JSONDecodeError:
        return None


FIXES = (
    Fix("No identity is 401; there is no default player.", _no_identity),
    Fix("One challenge can be asked for by its id.", _one_challenge),
    Fix("/challenge alone is 404, as every path that is not there.", _bare_prefix),
    Fix("A wrong method is 405 with Allow on every path.", _wrong_method),
    Fix("A player's id of more than 100 characters is 400.", _too_long_id),
    Fix("A refusal before the body is read ends its connection.", _unread_body),
    Fix("An unknown or foreign goal is 404, in words without a wrapping.", _not_found),
    Fix("A goal that is named twice is 400, and it is said which.", _named_twice),
    Fix("What cannot be read is told in our words.", _parser_text),
    Fix("A claim needs no body.", _empty_claim),
    Fix(
        "A claim is told its id and its reward's state, or when it was made, or what it lacks.",
        _claim_answer,
    ),
    Fix("active_only, in both spellings, leaves out what is not active.", _filtered),
    Fix(
        "Catalogue order: what initialize and random-select list, and what a selection replaced.",
        _order,
    ),
    Fix("A goal has each member once.", _once),
    Fix("`locked` tells whether the goal is locked now.", _unlocked),
    Fix("A list may be kept, and asked about again by its tag.", _tagged),
    Fix("A rotation counts seconds, so it is not kept.", _not_kept),
    Fix("An error that was plain text and not to be sniffed is JSON.", _not_plain),
    Fix(
        "There is one error body, problem+json, with what clients read of the old one.",
        _one_error_body,
    ),
)
