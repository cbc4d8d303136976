"""Moments that are worth a try: around boundaries, and around what happened before."""

from datetime import timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from app.domain.goal import Schedule
from app.domain.player import Player
from tests.model.periods import milliseconds, moment
from tests.model.rows import pages

SECOND_MS = 1_000
HOUR_MS = 3_600 * SECOND_MS
DAY_MS = 24 * HOUR_MS

# Year ends inside a week, leap days and their absence, short months, a century without one.
MIDNIGHTS = (
    "2024-02-28",
    "2024-02-29",
    "2024-03-01",
    "2023-02-28",
    "2023-12-31",
    "2024-12-30",
    "2025-01-01",
    "2025-04-30",
    "2025-08-31",
    "2026-03-02",
    "2100-02-28",
)


def _midnight_ms(day: str) -> int:
    at_ms = milliseconds(moment(0).fromisoformat(f"{day}T00:00:00+00:00"))
    assert at_ms is not None
    return at_ms


starts = st.builds(
    lambda day, hours: _midnight_ms(day) + hours * HOUR_MS,
    st.sampled_from(MIDNIGHTS),
    st.integers(0, 23),
)

jumps = st.sampled_from(
    [
        SECOND_MS,
        600 * SECOND_MS,
        3 * HOUR_MS,
        9 * HOUR_MS,
        DAY_MS,
        2 * DAY_MS,
        5 * DAY_MS,
        7 * DAY_MS,
        31 * DAY_MS,
    ]
)

schedules = st.sampled_from(Schedule)
edges_ms = st.sampled_from([-1, 0, 1, HOUR_MS])


class When(NamedTuple):
    """An event's time, told by what it is near to; `by_ms` is how far from it."""

    what: str
    by_ms: int


whens = st.one_of(
    st.just(When("now", 0)),
    st.just(When("now", 0)),
    st.builds(
        When,
        st.just("now"),
        st.sampled_from(
            [-1, -HOUR_MS, -8 * HOUR_MS, -DAY_MS, -2 * DAY_MS, -7 * DAY_MS, HOUR_MS, DAY_MS]
        ),
    ),
    st.builds(When, st.sampled_from(["day", "week", "month"]), st.sampled_from([-1, 0, HOUR_MS])),
    st.builds(
        When,
        st.sampled_from(["newest", "newest", "since"]),
        st.sampled_from([-HOUR_MS, -1, 0, 1, HOUR_MS]),
    ),
)


def start_ms(schedule: Schedule, at_ms: int) -> int:
    """Return when the day, week or month that holds a moment began."""
    day = dict(pages(moment(at_ms)))[schedule]
    assert day is not None
    return _midnight_ms(day.isoformat())


def end_ms(schedule: Schedule, at_ms: int) -> int:
    """Return when the next day, week or month begins."""
    # 32 days after a month's first day is in the next month.
    days = {Schedule.DAILY: 1, Schedule.WEEKLY: 7, Schedule.MONTHLY: 32}[schedule]
    inside = moment(start_ms(schedule, at_ms)) + timedelta(days=days)
    inside_ms = milliseconds(inside)
    assert inside_ms is not None
    return start_ms(schedule, inside_ms)


def told_ms(when: When, now_ms: int, player: Player, stat: str) -> int:
    """Return the moment that `when` means for an event on a stat of a player."""
    known = player.stats.get(stat)
    near_ms = {
        "now": now_ms,
        "day": start_ms(Schedule.DAILY, now_ms),
        "week": start_ms(Schedule.WEEKLY, now_ms),
        "month": start_ms(Schedule.MONTHLY, now_ms),
        "newest": known.at_ms if known is not None else now_ms,
        "since": player.since_ms,
    }[when.what]
    return near_ms + when.by_ms
