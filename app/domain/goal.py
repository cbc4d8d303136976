"""The catalogue's nouns: challenges, goals, what makes a goal itself, and what a player sees of it.

Field names are snake_case here and camelCase on the wire and in `challenges.json`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

ID_LENGTH_MAX = 100
INT32_MAX = 2**31 - 1


class Source(StrEnum):
    """Which kind of event moves a goal."""

    LOGIN = "login"
    STATISTIC = "statistic"


class Mode(StrEnum):
    """Whether progress is the stat itself or what it gained since the goal began."""

    ABSOLUTE = "absolute"
    RELATIVE = "relative"


class Schedule(StrEnum):
    """How often a goal rotates; boundaries are UTC, weeks start on Monday."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Status(StrEnum):
    """How far a player is with a goal."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CLAIMED = "claimed"


class Requirement(msgspec.Struct, frozen=True, rename="camel"):
    """`stat_code` must reach `target_value`; `operator` is always `>=`."""

    stat_code: str
    operator: str
    target_value: int
    progress_mode: Mode = Mode.ABSOLUTE


class Reward(msgspec.Struct, frozen=True, rename="camel"):
    """What a claim grants: `quantity` of an ITEM, or of a WALLET currency."""

    type: Annotated[str, Meta(extra_json_schema={"enum": ["ITEM", "WALLET"]})]
    reward_id: str
    quantity: Annotated[int, Meta(ge=1)]


class Rotation(msgspec.Struct, frozen=True, rename="camel"):
    """An enabled rotation. Without `reset_progress` it only shows when it rotates."""

    schedule: Schedule
    reset_progress: bool = False
    allow_reselection: bool = False


class Goal(msgspec.Struct, frozen=True, rename="camel"):
    """One goal of one challenge; `goal_id` is unique over the whole catalogue."""

    goal_id: str
    challenge_id: str
    name: str
    description: str
    source: Source
    requirement: Requirement
    reward: Reward
    default_assigned: bool = False
    prerequisites: tuple[str, ...] = ()
    rotation: Rotation | None = None

    @property
    def identity(self) -> "GoalIdentity":
        """What may never change under the same id, since stored facts depend on it."""
        return GoalIdentity(
            self.source, self.requirement.stat_code, self.requirement.progress_mode, self.rotation
        )


class GoalIdentity(msgspec.Struct, frozen=True, rename="camel"):
    """Source, stat, mode and rotation: a new meaning needs a new goal id."""

    source: Source
    stat_code: str
    progress_mode: Mode
    rotation: Rotation | None


class Challenge(msgspec.Struct, frozen=True, rename="camel"):
    """A named list of goals, in the catalogue's order."""

    challenge_id: str
    name: str
    description: str
    goals: tuple[Goal, ...]


class GoalState(NamedTuple):
    """What a player sees of one goal. Instants are milliseconds since 1970, or None."""

    progress: int
    status: Status
    completed_at_ms: int | None
    claimed_at_ms: int | None
    is_active: bool
    assigned_at_ms: int | None
    locked: bool


class States(NamedTuple):
    """What a player sees of the goals that are not untouched, by number.

    `moving` has one state for all goals of a group (`app.domain.plan`): begun, assigned by the
    group's entry, and nothing else known of them. `own` has goals one by one, and outranks.
    """

    moving: Mapping[int, GoalState]
    own: Mapping[int, GoalState]


class Catalogue(msgspec.Struct, frozen=True):
    """A validated catalogue. `digest` is the SHA-256 of its content in canonical form."""

    challenges: tuple[Challenge, ...]
    digest: bytes

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Every goal, in catalogue order."""
        return tuple(goal for challenge in self.challenges for goal in challenge.goals)
