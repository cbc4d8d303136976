"""The contract's JSON as types: names, what may be missing, what a text looks like.

Answers that are spliced from fragments are never built from these; the tests compare both.
"""

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from app.domain.goal import Reward, Status

_INSTANT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"

Instant: TypeAlias = Annotated[
    str, Meta(pattern=f"^{_INSTANT}$", extra_json_schema={"format": "date-time"})
]
"""RFC 3339 in UTC, with whole seconds."""

MaybeInstant: TypeAlias = Annotated[
    str, Meta(pattern=f"^({_INSTANT})?$", description="Empty where there is none.")
]

Count: TypeAlias = Annotated[int, Meta(ge=0)]


class Wire(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What has no other members than these."""


class ShownRequirement(Wire, frozen=True):
    """What is asked of a goal."""

    stat_code: str
    operator: Annotated[str, Meta(extra_json_schema={"const": ">="})]
    target_value: Annotated[int, Meta(ge=1)]


class ShownGoal(Wire, frozen=True):
    """A goal in the list. `prerequisites` and `locked` are missing where there are none."""

    goal_id: str
    name: str
    requirement: ShownRequirement
    reward: Reward
    progress: Count
    status: Status
    completed_at: MaybeInstant
    claimed_at: MaybeInstant
    is_active: bool
    expires_at: MaybeInstant
    expires_in_seconds: Count
    description: str | UnsetType = UNSET
    prerequisites: Annotated[Sequence[str], Meta(min_length=1)] | UnsetType = UNSET
    locked: bool | UnsetType = UNSET


class ShownChallenge(Wire, frozen=True):
    """A challenge with its goals, in the catalogue's order."""

    challenge_id: str
    name: str
    goals: Sequence[ShownGoal]
    description: str | UnsetType = UNSET


class ChallengeList(Wire, frozen=True):
    """Every challenge."""

    challenges: Sequence[ShownChallenge]


class AssignedGoal(Wire, frozen=True):
    """An active goal. `assigned_at` is when it was last activated or assigned."""

    challenge_id: str
    goal_id: str
    name: str
    description: str
    is_active: bool
    assigned_at: Instant
    expires_at: MaybeInstant
    progress: Count
    target: Annotated[int, Meta(ge=1)]
    status: Status
    requirement: ShownRequirement
    reward: Reward


class InitializeAnswer(Wire, frozen=True):
    """All active goals, and how many of them this call is the first to tell of."""

    assigned_goals: Sequence[AssignedGoal]
    new_assignments: Count
    total_active: Count


class HealthAnswer(Wire, frozen=True):
    """How the service is."""

    status: str
