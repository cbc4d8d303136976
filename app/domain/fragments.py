"""The bytes that answers are spliced from, and how one goal's state is written between them."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from app.domain.goal import Challenge, Goal, GoalState, Schedule, Status
from app.domain.period import rfc3339

BETWEEN = b","
LIST_START = b'{"challenges":['
LIST_END = b"]}"
CHALLENGE_END = b"]}"
NEXT_CHALLENGE = CHALLENGE_END + BETWEEN
LIST_NOT_ROTATING = b',"expiresAt":"","expiresInSeconds":0}'
INITIALIZE_START = b'{"assignedGoals":['

_encode = msgspec.json.encode
_FLAGS = (b"false", b"true")

# Most states have no instants, so all that follows their progress in a list is one of these.
_UNFINISHED: Mapping[tuple[Status, bool], bytes] = {
    (status, is_active): b',"status":"%b","completedAt":"","claimedAt":"","isActive":%b'
    % (status.encode(), _FLAGS[is_active])
    for status in Status
    for is_active in (False, True)
}
_STATUS_TEXT: Mapping[Status, bytes] = {status: status.encode() for status in Status}


class GoalFragments(NamedTuple):
    """One goal's bytes. Pairs are indexed by a flag, false first."""

    challenge: int
    schedule: Schedule | None
    list_head: tuple[bytes, bytes]  # by locked; the progress follows
    list_untouched: tuple[bytes, bytes]  # by whether it was given; the expiry follows
    initialize_head: bytes  # the instants follow
    initialize_middle: bytes  # between progress and status
    initialize_tail: bytes
    initialize_untouched: bytes  # all that follows the instants

    def list_state(self, state: GoalState) -> bytes:
        """Return the goal as the list shows it, but for its expiry."""
        progress, status, completed_at_ms, claimed_at_ms, is_active, _, locked = state
        if completed_at_ms is None and claimed_at_ms is None:
            return b"%b%d%b" % (self.list_head[locked], progress, _UNFINISHED[status, is_active])
        return b'%b%d,"status":"%b","completedAt":"%b","claimedAt":"%b","isActive":%b' % (
            self.list_head[locked],
            progress,
            _STATUS_TEXT[status],
            _instant(completed_at_ms),
            _instant(claimed_at_ms),
            _FLAGS[is_active],
        )

    def initialize_state(self, state: GoalState) -> bytes:
        """Return all that follows the instants in an initialize answer."""
        return b'","progress":%d%b%b%b' % (
            state.progress,
            self.initialize_middle,
            _STATUS_TEXT[state.status],
            self.initialize_tail,
        )


def encode_goal(challenge: int, goal: Goal) -> GoalFragments:
    """Encode one goal of the `challenge`-th challenge."""
    requirement = b'"requirement":{"statCode":%b,"operator":%b,"targetValue":%d}' % (
        _encode(goal.requirement.stat_code),
        _encode(goal.requirement.operator),
        goal.requirement.target_value,
    )
    terms = b'%b,"reward":%b' % (requirement, _encode(goal.reward))
    list_head = _list_head(goal, terms)
    untouched = GoalState(0, Status.NOT_STARTED, None, None, False, None, bool(goal.prerequisites))
    fragments = GoalFragments(
        challenge=challenge,
        schedule=goal.rotation.schedule if goal.rotation else None,
        list_head=list_head,
        list_untouched=(b"", b""),
        initialize_head=(
            b'{"challengeId":%b,"goalId":%b,"name":%b,"description":%b,"isActive":true,"assignedAt":"'
            % tuple(map(_encode, (goal.challenge_id, goal.goal_id, goal.name, goal.description)))
        ),
        initialize_middle=b',"target":%d,"status":"' % goal.requirement.target_value,
        initialize_tail=b'",%b}' % terms,
        initialize_untouched=b"",
    )
    return fragments._replace(
        list_untouched=(
            fragments.list_state(untouched),
            fragments.list_state(untouched._replace(is_active=True)),
        ),
        initialize_untouched=fragments.initialize_state(untouched),
    )


def _list_head(goal: Goal, terms: bytes) -> tuple[bytes, bytes]:
    head = b'{"goalId":%b,"name":%b' % (_encode(goal.goal_id), _encode(goal.name))
    if goal.description:
        head += b',"description":%b' % _encode(goal.description)
    head += b",%b" % terms
    if not goal.prerequisites:
        head += b',"progress":'
        return head, head
    head += b',"prerequisites":%b' % _encode(goal.prerequisites)
    return head + b',"locked":false,"progress":', head + b',"locked":true,"progress":'


def challenge_opening(challenge: Challenge) -> bytes:
    """Return a challenge up to its first goal."""
    described = b',"description":%b' % _encode(challenge.description)
    return b'{"challengeId":%b,"name":%b%b,"goals":[' % (
        _encode(challenge.challenge_id),
        _encode(challenge.name),
        described if challenge.description else b"",
    )


def list_expiry(boundary_ms: int, now_ms: int) -> bytes:
    """Return the end of a rotating goal in a list; the seconds left are cut, as in the contract."""
    return b',"expiresAt":"%b","expiresInSeconds":%d}' % (
        rfc3339(boundary_ms),
        (boundary_ms - now_ms) // 1000,
    )


def assigned_text(assigned_at_ms: int | None) -> bytes:
    """Return an initialize answer from the text of `assignedAt` to that of `expiresAt`."""
    return b'%b","expiresAt":"' % _instant(assigned_at_ms)


def initialize_end(new_assignments: int, total_active: int) -> bytes:
    """Return what follows the last goal of an initialize answer."""
    return b'],"newAssignments":%d,"totalActive":%d}' % (new_assignments, total_active)


def _instant(moment_ms: int | None) -> bytes:
    return b"" if moment_ms is None else rfc3339(moment_ms)
