"""Days, weeks and months of the slow model, by `datetime`; everything is UTC."""

from datetime import UTC, date, datetime, time, timedelta

from app.domain.goal import Goal, Schedule

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(moment_ms: int) -> datetime:
    """Return the instant of a number of milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=moment_ms)


def milliseconds(at: datetime | None) -> int | None:
    """Return an instant as milliseconds since 1970."""
    return None if at is None else (at - EPOCH) // timedelta(milliseconds=1)


def midnight(day: date) -> datetime:
    """Return the instant at which a day begins."""
    return datetime.combine(day, time(), UTC)


def restarts(goal: Goal) -> bool:
    """Tell whether the goal starts again from nothing in each of its periods."""
    return goal.rotation is not None and goal.rotation.reset_progress


def claimable_again(goal: Goal) -> bool:
    """Tell whether the reward may be claimed once in each period, and not once for ever."""
    return restarts(goal) and goal.rotation is not None and goal.rotation.allow_reselection


def first_day(schedule: Schedule, at: datetime) -> date:
    """Return the day on which the day, week or month that holds the instant began."""
    today = at.date()
    match schedule:
        case Schedule.DAILY:
            return today
        case Schedule.WEEKLY:
            return today - timedelta(days=today.weekday())
        case Schedule.MONTHLY:
            return today.replace(day=1)


def following(schedule: Schedule, first: date) -> date:
    """Return the first day of the next day, week or month."""
    match schedule:
        case Schedule.DAILY:
            return first + timedelta(days=1)
        case Schedule.WEEKLY:
            return first + timedelta(weeks=1)
        case Schedule.MONTHLY if first.month == 12:
            return first.replace(year=first.year + 1, month=1)
        case Schedule.MONTHLY:
            return first.replace(month=first.month + 1)


def period_of(goal: Goal, at: datetime) -> date | None:
    """Return the first day of the goal's period that holds the instant; None: without end."""
    if goal.rotation is None or not goal.rotation.reset_progress:
        return None
    return first_day(goal.rotation.schedule, at)
