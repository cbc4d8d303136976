"""One difference between two answers, with all that a fix may ask about it."""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from app.domain.goal import Goal
from app.errors import REASONS
from middleware.problem import PROBLEM_TYPE_PREFIX
from tests.recorded.differences import Difference
from tests.recorded.records import ABSENT, Answer, Record

PROBLEM = "application/problem+json"

_FREE_TEXTS = {"detail": r".+", "message": r".+", "traceId": r"[0-9a-f]{32}"}


class Case(NamedTuple):
    """One difference, the two answers in which it is, and the goals in catalogue order."""

    record: Record
    now: Answer
    difference: Difference
    goals: Mapping[str, Goal]

    @property
    def statuses(self) -> tuple[int, int]:
        """The recorded status and ours."""
        return self.record.response.status, self.now.status

    @property
    def path(self) -> str:
        """The path that was asked for, without its query."""
        return urlsplit(self.record.request.path).path

    def member(self, name: str) -> object:
        """Return a member of our body."""
        return _member(self.now, name)

    def recorded_member(self, name: str) -> object:
        """Return a member of the recorded body."""
        return _member(self.record.response, name)

    def is_problem(self, status: int, code: int) -> bool:
        """Return whether ours is this problem; to HEAD nobody answers with a body."""
        return (
            self.now.media_type == PROBLEM
            and self.now.status == status
            and (not self.now.body or self.member("code") == code)
        )

    def becomes_problem(self) -> bool:
        """Return whether the difference is one of those by which any answer becomes our problem."""
        place, _, now = self.difference
        if place == "status":
            return True
        if place == "content-type":
            return bool(now == PROBLEM)
        if place == "$":
            members = self._problem_members()
            return isinstance(now, dict) and now.keys() == members.keys() and all(members.values())
        name = place.removeprefix("$.")
        if name == place:
            return False
        return True if now == ABSENT else self._problem_members().get(name, False)

    def _problem_members(self) -> dict[str, bool]:
        """Return for each member of a problem whether it is what it must be in ours."""
        reason = self.member("reason")
        kind = REASONS.get(str(reason))
        if kind is None:
            return {}
        status = kind.status if kind.status == self.now.status else None
        required = {
            "reason": reason,
            "type": f"{PROBLEM_TYPE_PREFIX}{reason}",
            "title": kind.summary,
            "status": status,
            "errorCode": kind.error_code,
            "code": kind.code,
            "details": [],
        }
        members = {name: self.member(name) == value for name, value in required.items()}
        for name, pattern in _FREE_TEXTS.items():
            members[name] = has_form(pattern, self.member(name))
        return members


def has_form(pattern: str, value: object) -> bool:
    """Return whether a value is there, and is a text of this form."""
    return isinstance(value, str) and value != ABSENT and re.fullmatch(pattern, value) is not None


def _member(answer: Answer, name: str) -> object:
    body = answer.content
    return body.get(name, ABSENT) if isinstance(body, dict) else ABSENT
