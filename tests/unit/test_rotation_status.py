"""When a challenge turns, as everybody is told."""

import msgspec
import pytest

from app.answers.rotation import rotation_status
from app.domain.goal import Goal, Rotation, Schedule
from tests.catalogues import make_catalogue, make_goal

FRIDAY_MS = 1_772_793_296_500  # 2026-03-06T10:34:56.5Z


def rotating(goal_id: str, schedule: Schedule) -> Goal:
    return make_goal(goal_id, rotation=Rotation(schedule))


def status(*goals: Goal, now_ms: int = FRIDAY_MS) -> object:
    return msgspec.to_builtins(rotation_status(make_catalogue(*goals).challenges[0], now_ms))


@pytest.mark.parametrize(
    ("schedule", "start", "turn", "end", "left_s"),
    [
        (Schedule.DAILY, "2026-03-06", "2026-03-07", "2026-03-08", 48_303),
        (Schedule.WEEKLY, "2026-03-02", "2026-03-09", "2026-03-16", 221_103),
        (Schedule.MONTHLY, "2026-03-01", "2026-04-01", "2026-05-01", 2_208_303),
    ],
)
def test_a_challenge_has_a_period_and_a_next_one(
    schedule: Schedule, start: str, turn: str, end: str, left_s: int
) -> None:
    assert status(rotating("a", schedule)) == {
        "enabled": True,
        "type": "global",
        "schedule": schedule,
        "currentPeriod": {
            "startTime": f"{start}T00:00:00Z",
            "endTime": f"{turn}T00:00:00Z",
            "expiresInSeconds": left_s,
        },
        "nextPeriod": {
            "startTime": f"{turn}T00:00:00Z",
            "endTime": f"{end}T00:00:00Z",
            "expiresInSeconds": 0,
        },
    }


def test_the_first_goal_that_rotates_speaks_for_the_challenge() -> None:
    goals = make_goal("a"), rotating("b", Schedule.WEEKLY), rotating("c", Schedule.DAILY)
    assert status(*goals) == status(rotating("b", Schedule.WEEKLY))


def test_without_a_goal_that_rotates_there_is_no_period() -> None:
    assert status(make_goal("a")) == {
        "enabled": False,
        "type": "",
        "schedule": "",
        "currentPeriod": None,
        "nextPeriod": None,
    }


def test_a_boundary_belongs_to_the_period_that_it_begins() -> None:
    midnight_ms = FRIDAY_MS - FRIDAY_MS % 86_400_000
    one = rotating("a", Schedule.DAILY)
    assert status(one, now_ms=midnight_ms) != status(one, now_ms=midnight_ms - 1)
    shown = rotation_status(make_catalogue(one).challenges[0], midnight_ms)
    assert shown.current_period is not None
    assert shown.current_period.expires_in_seconds == 86_400
