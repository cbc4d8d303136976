"""Periods of rotating goals, and how an instant is written: integers of milliseconds, always UTC.

Days start at 00:00, weeks on Monday, months on the 1st. Instants lie in the years 1 to 9998;
outside of them the calendar ends and these functions raise ValueError or OverflowError.
"""

from datetime import date
from functools import lru_cache

from app.domain.goal import Schedule

DAY_MS = 86_400_000
DAY_S = 86_400
# 1970-01-01 as `date.toordinal()` counts, and in its week: a Thursday, three days after Monday.
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
EPOCH_WEEKDAY = 3
# The days whose text is kept: a year of completions and claims.
DAY_TEXTS_MAX = 366

_MINUTES = tuple(b"%02d:%02d:" % divmod(minute, 60) for minute in range(24 * 60))
_SECONDS = tuple(b"%02dZ" % second for second in range(60))


def period_start_ms(schedule: Schedule, moment_ms: int) -> int:
    """Return when the period that holds the moment began: a boundary belongs to what it starts."""
    day = moment_ms // DAY_MS
    match schedule:
        case Schedule.DAILY:
            return day * DAY_MS
        case Schedule.WEEKLY:
            return (day - (day + EPOCH_WEEKDAY) % 7) * DAY_MS
        case Schedule.MONTHLY:
            return _start_ms(_date(day).replace(day=1))


def period_day(schedule: Schedule, moment_ms: int) -> int:
    """Return the first day, counted from 1970, of the period that holds the moment."""
    return period_start_ms(schedule, moment_ms) // DAY_MS


def next_boundary_ms(schedule: Schedule, moment_ms: int) -> int:
    """Return when the next period begins; always later than the moment."""
    start_ms = period_start_ms(schedule, moment_ms)
    match schedule:
        case Schedule.DAILY:
            return start_ms + DAY_MS
        case Schedule.WEEKLY:
            return start_ms + 7 * DAY_MS
        case Schedule.MONTHLY:
            first = _date(start_ms // DAY_MS)
            year, month = divmod(first.year * 12 + first.month, 12)
            return _start_ms(date(year, month + 1, 1))


def rfc3339(moment_ms: int) -> bytes:
    """Return the instant as clients read it, `2026-03-06T09:05:00Z`: seconds, not rounded up."""
    # Tables: an answer can hold a thousand of these, and `datetime` takes four times as long.
    day, second = divmod(moment_ms // 1000, DAY_S)
    return _day_text(day) + _MINUTES[second // 60] + _SECONDS[second % 60]


def instant_text(moment_ms: int | None) -> str:
    """Return what `rfc3339` gives as text, the empty text for no instant."""
    return "" if moment_ms is None else rfc3339(moment_ms).decode()


@lru_cache(maxsize=DAY_TEXTS_MAX)
def _day_text(day: int) -> bytes:
    return b"%bT" % _date(day).isoformat().encode()


def _date(day: int) -> date:
    return date.fromordinal(day + EPOCH_ORDINAL)


def _start_ms(day: date) -> int:
    return (day.toordinal() - EPOCH_ORDINAL) * DAY_MS
