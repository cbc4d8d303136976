"""When a challenge rotates: what every player can be told about its periods."""

import msgspec

from app.domain.goal import Challenge, Schedule
from app.domain.period import instant_text, next_boundary_ms, period_start_ms

GLOBAL = "global"
"""The only type of rotation: one calendar for everybody."""


class Period(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One period; the seconds left are cut, and 0 for one that has not begun."""

    start_time: str
    end_time: str
    expires_in_seconds: int


class RotationStatus(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How a challenge rotates, and in which periods a moment and what follows lie."""

    enabled: bool
    type: str
    schedule: str
    current_period: Period | None
    next_period: Period | None


NO_ROTATION = RotationStatus(
    enabled=False, type="", schedule="", current_period=None, next_period=None
)


def rotation_status(challenge: Challenge, now_ms: int) -> RotationStatus:
    """Return how the first of the challenge's goals that rotates does."""
    schedule = next((goal.rotation.schedule for goal in challenge.goals if goal.rotation), None)
    if schedule is None:
        return NO_ROTATION
    boundary_ms = next_boundary_ms(schedule, now_ms)
    return RotationStatus(
        enabled=True,
        type=GLOBAL,
        schedule=schedule,
        current_period=_period(schedule, now_ms, (boundary_ms - now_ms) // 1000),
        next_period=_period(schedule, boundary_ms, 0),
    )


def _period(schedule: Schedule, moment_ms: int, expires_in_s: int) -> Period:
    return Period(
        start_time=instant_text(period_start_ms(schedule, moment_ms)),
        end_time=instant_text(next_boundary_ms(schedule, moment_ms)),
        expires_in_seconds=expires_in_s,
    )
