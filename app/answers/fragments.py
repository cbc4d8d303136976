"""The bytes that answers are spliced from, and how one state is written between them.

What depends on the goal and what depends on the player's state of it are apart, since hundreds of
goals share few states.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from app.domain.goal import Challenge, Goal, GoalState, Schedule, Status
from app.domain.period import rfc3339

COMMA = b","
LIST_START = b'{"challenges":['
LIST_END = b"]}"
CHALLENGE_END = b"]}"
NEXT_CHALLENGE = CHALLENGE_END + COMMA
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
    """One goal's bytes."""

    challenge: int
    schedule: Schedule | None
    list_open: bytes  # the state follows
    list_locked: bytes  # the same while the goal is locked
    initialize_head: bytes  # with the comma before it; the state's lead follows
    initialize_ends: Mapping[Status, bytes]  # all that follows the lead


def encode_goal(challenge: int, goal: Goal) -> GoalFragments:
    """Encode one goal of the `challenge`-th challenge."""
    requirement = b'"requirement":{"statCode":%b,"operator":%b,"targetValue":%d}' % (
        _encode(goal.requirement.stat_code),
        _encode(goal.requirement.operator),
        goal.requirement.target_value,
    )
    terms = b'%b,"reward":%b' % (requirement, _encode(goal.reward))
    list_open, list_locked = _list_heads(goal, terms)
    return GoalFragments(
        challenge=challenge,
        schedule=goal.rotation.schedule if goal.rotation else None,
        list_open=list_open,
        list_locked=list_locked,
        initialize_head=(
            b',{"challengeId":%b,"goalId":%b,"name":%b,"description":%b,"isActive":true,"assignedAt":"'
            % tuple(map(_encode, (goal.challenge_id, goal.goal_id, goal.name, goal.description)))
        ),
        initialize_ends={
            status: b',"target":%d,"status":"%b",%b}'
            % (goal.requirement.target_value, status.encode(), terms)
            for status in Status
        },
    )


def _list_heads(goal: Goal, terms: bytes) -> tuple[bytes, bytes]:
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


def list_state(state: GoalState) -> bytes:
    """Return what a list says of a state: its progress, and all up to the expiry."""
    progress, status, completed_at_ms, claimed_at_ms, is_active, _, _ = state
    if completed_at_ms is None and claimed_at_ms is None:
        return b"%d%b" % (progress, _UNFINISHED[status, is_active])
    return b'%d,"status":"%b","completedAt":"%b","claimedAt":"%b","isActive":%b' % (
        progress,
        _STATUS_TEXT[status],
        _instant(completed_at_ms),
        _instant(claimed_at_ms),
        _FLAGS[is_active],
    )


def list_expiry(boundary_ms: int, now_ms: int) -> bytes:
    """Return the end of a rotating goal in a list; the seconds left are cut, as in the contract."""
    return b',"expiresAt":"%b","expiresInSeconds":%d}' % (
        rfc3339(boundary_ms),
        (boundary_ms - now_ms) // 1000,
    )


def initialize_lead(assigned_at_ms: int | None, expires_at_ms: int | None) -> bytes:
    """Return an initialize answer from the text of `assignedAt` on; the progress follows."""
    return b'%b","expiresAt":"%b","progress":' % (_instant(assigned_at_ms), _instant(expires_at_ms))


def initialize_end(new_assignments: int, total_active: int) -> bytes:
    """Return what follows the last goal of an initialize answer."""
    return b'],"newAssignments":%d,"totalActive":%d}' % (new_assignments, total_active)


def _instant(moment_ms: int | None) -> bytes:
    return b"" if moment_ms is None else rfc3339(moment_ms)
