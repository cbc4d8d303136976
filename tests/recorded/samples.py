"""Questions and answers, recorded and ours, for the tests of what a fix explains."""

import json
from typing import Any

from app.domain.goal import Goal, Requirement, Reward, Source
from app.errors import ServiceReason
from middleware.problem import CONTENT_TYPE, HttpReason, WireReason
from tests.compare_recorded import Report
from tests.recorded.records import Answer, Record, Sent

V1 = "/challenge/v1"
LIST = f"{V1}/challenges"
INITIALIZE = f"{LIST}/initialize"
ONE = f"{LIST}/c"
ACTIVE = f"{ONE}/goals/x/active"
CLAIM = f"{ONE}/goals/x/claim"
BATCH = f"{ONE}/goals/batch-select"
RANDOM = f"{ONE}/goals/random-select"
NOSNIFF = {"x-content-type-options": "nosniff"}
CLAIM_ID = "de7459ae-8320-53f7-badf-f0c5a7cbf1c6"
AT = "2026-01-02T03:04:05Z"


def goal(goal_id: str, challenge_id: str, *prerequisites: str) -> Goal:
    asked = Requirement("kills", ">=", 3)
    reward = Reward("WALLET", "GOLD", 1)
    return Goal(
        goal_id, challenge_id, "", "", Source.STATISTIC, asked, reward, prerequisites=prerequisites
    )


GOALS = {each.goal_id: each for each in (goal("a", "c"), goal("b", "c", "a"), goal("z", "d"))}
"""Two goals of the challenge c, of which the second needs the first; and one of another."""


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    told = {"content-type": "application/json"}
    return Answer(status, told | {name.replace("_", "-"): headers[name] for name in headers}, text)


def plain(status: int, text: str) -> Answer:
    return Answer(status, {"content-type": "text/plain; charset=utf-8"} | NOSNIFF, text)


def gateway(status: int, code: int, message: str) -> Answer:
    return answer({"code": code, "message": message, "details": []}, status)


def problem(reason: WireReason, message: str, *, other: Any = None, **headers: str) -> Answer:
    body = {
        "type": f"urn:headrace:problem:{reason}",
        "title": reason.summary,
        "status": reason.status,
        "detail": message,
        "errorCode": reason.error_code,
        "reason": str(reason),
        "code": reason.code,
        "message": message,
        "details": [],
        "traceId": "0" * 32,
    }
    return answer(body | (other or {}), reason.status, content_type=CONTENT_TYPE, **headers)


def record(
    was: Answer,
    path: str = LIST,
    *,
    method: str = "GET",
    user: str | None = "ann",
    body: str | None = None,
) -> Record:
    return Record("group", "name", None, Sent(method, path, user, body), was)


def unexplained(asked: Record, now: Answer) -> list[str]:
    report = Report(GOALS)
    report.add(asked, now)
    return [case.difference.place for case in report.unexplained]


def goals(*listed: Any) -> Answer:
    shown = [each if isinstance(each, dict) else {"goalId": each} for each in listed]
    return answer({"challenges": [{"challengeId": "c", "goals": shown}]})


def selected(*ids: str, name: str = "selectedGoals") -> Answer:
    return answer({name: [{"goalId": goal_id} for goal_id in ids]})


def replaced(*ids: str) -> Answer:
    return answer({"replacedGoals": ids})


WRAPPED = "failed to set goal active status: goal 'x' not found in challenge 'c'"
UNREAD = gateway(400, 3, "proto: syntax error (line 1:1): unexpected token x")
BAD_BOOL = gateway(400, 3, "proto: (line 1:14): invalid value for bool field isActive: 1")
TWICE = gateway(500, 13, "failed to batch select goals: cannot affect row a second time")
WRONG_METHOD = gateway(501, 12, "Method Not Allowed")
NOT_COMPLETED = "Goal not completed. (goal_id: x, status: not_started)"
CLAIMED_TEXT = f"Reward has already been claimed (goal_id: x, claimed_at: {AT})"
DONE = {"goalId": "a", "status": "claimed"}
OPEN = {"goalId": "a", "status": "in_progress"}
ON, OFF = {"goalId": "a", "isActive": True}, {"goalId": "b", "isActive": False}
LOCKED, UNLOCKED = {"goalId": "b", "locked": True}, {"goalId": "b", "locked": False}
BAD, LOCK = HttpReason.BAD_REQUEST, ServiceReason.GOAL_LOCKED
NO_GOAL, NO_METHOD = ServiceReason.GOAL_NOT_FOUND, ServiceReason.METHOD_NOT_ALLOWED
UNKNOWN_ID = record(plain(500, "Internal\n"), INITIALIZE, method="POST", user="u" * 101)
NAMED_TWICE = record(TWICE, BATCH, method="POST", body='{"goalIds": ["a", "b", "a"]}')
EMPTY_CLAIM = record(UNREAD, CLAIM, method="POST")
CLAIMING = record(answer({"goalId": "x"}), CLAIM, method="POST", body="{}")
CLAIMING_LOCKED = record(
    gateway(400, 9, "Prerequisites"), f"{ONE}/goals/b/claim", method="POST", body="{}"
)
CLAIMED = record(gateway(409, 6, CLAIMED_TEXT), CLAIM, method="POST", body="{}")
NOBODY = record(goals("a"), user=None)
NO_IDENTITY = problem(HttpReason.UNAUTHENTICATED, "Who?", www_authenticate="Mock")
SHOWN = {"challengeId": "c", "name": "", "description": "", "goals": [{"goalId": "a"}]}
NOTHING = gateway(404, 5, "Not Found")
FILTERED = f"{LIST}?active_only=true&active_only=false"
