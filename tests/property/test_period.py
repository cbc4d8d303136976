from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.goal import Schedule
from app.domain.period import next_boundary_ms, period_start_ms, rfc3339

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.integers(-2_000_000_000_000, 20_000_000_000_000)
schedules = st.sampled_from(Schedule)


def at(moment_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=moment_ms)


@given(schedules, moments)
def test_the_moment_lies_in_its_period(schedule: Schedule, moment_ms: int) -> None:
    assert period_start_ms(schedule, moment_ms) <= moment_ms < next_boundary_ms(schedule, moment_ms)


@given(schedules, moments)
def test_periods_follow_each_other_without_gaps(schedule: Schedule, moment_ms: int) -> None:
    boundary_ms = next_boundary_ms(schedule, moment_ms)
    assert period_start_ms(schedule, boundary_ms) == boundary_ms
    assert period_start_ms(schedule, boundary_ms - 1) == period_start_ms(schedule, moment_ms)


@given(schedules, moments)
def test_periods_start_where_the_calendar_says(schedule: Schedule, moment_ms: int) -> None:
    moment = at(moment_ms)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    expected = {
        Schedule.DAILY: midnight,
        Schedule.WEEKLY: midnight - timedelta(days=moment.weekday()),
        Schedule.MONTHLY: midnight.replace(day=1),
    }
    assert at(period_start_ms(schedule, moment_ms)) == expected[schedule]


@given(moments)
def test_an_instant_reads_back_to_its_second(moment_ms: int) -> None:
    read = datetime.fromisoformat(rfc3339(moment_ms).decode())
    assert (read - EPOCH) // timedelta(seconds=1) == moment_ms // 1000
