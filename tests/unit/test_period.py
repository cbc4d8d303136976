from datetime import UTC, datetime

import pytest

from app.domain.goal import Schedule
from app.domain.period import next_boundary_ms, period_start_ms, rfc3339


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("schedule", "moment", "start", "boundary"),
    [
        # 2026-03-06 is a Friday, 2026-03-02 and 2026-03-09 are Mondays.
        ("daily", "2026-03-06T14:30:00", "2026-03-06", "2026-03-07"),
        ("daily", "2026-03-06T00:00:00", "2026-03-06", "2026-03-07"),
        ("daily", "2026-03-05T23:59:59.999", "2026-03-05", "2026-03-06"),
        ("daily", "2024-02-28T12:00:00", "2024-02-28", "2024-02-29"),
        ("daily", "2023-02-28T12:00:00", "2023-02-28", "2023-03-01"),
        ("daily", "2026-12-31T23:00:00", "2026-12-31", "2027-01-01"),
        ("weekly", "2026-03-06T14:30:00", "2026-03-02", "2026-03-09"),
        ("weekly", "2026-03-02T00:00:00", "2026-03-02", "2026-03-09"),
        ("weekly", "2026-03-01T23:59:59.999", "2026-02-23", "2026-03-02"),
        ("weekly", "2024-03-01T00:00:00", "2024-02-26", "2024-03-04"),
        ("weekly", "2027-01-01T08:00:00", "2026-12-28", "2027-01-04"),
        ("weekly", "1970-01-01T00:00:00", "1969-12-29", "1970-01-05"),
        ("monthly", "2026-03-06T14:30:00", "2026-03-01", "2026-04-01"),
        ("monthly", "2026-03-01T00:00:00", "2026-03-01", "2026-04-01"),
        ("monthly", "2026-01-31T23:59:59.999", "2026-01-01", "2026-02-01"),
        ("monthly", "2024-02-29T12:00:00", "2024-02-01", "2024-03-01"),
        ("monthly", "2026-12-31T23:59:59", "2026-12-01", "2027-01-01"),
        ("monthly", "1969-12-31T23:59:59", "1969-12-01", "1970-01-01"),
    ],
)
def test_a_period_holds_the_moment_from_its_start_up_to_the_next_boundary(
    schedule: str, moment: str, start: str, boundary: str
) -> None:
    assert period_start_ms(Schedule(schedule), ms(moment)) == ms(start)
    assert next_boundary_ms(Schedule(schedule), ms(moment)) == ms(boundary)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-03-06T00:00:00", b"2026-03-06T00:00:00Z"),
        ("2026-03-06T09:05:07.999", b"2026-03-06T09:05:07Z"),
        ("2024-02-29T23:59:59", b"2024-02-29T23:59:59Z"),
        ("1969-12-31T23:59:59.500", b"1969-12-31T23:59:59Z"),
        ("0999-01-02T03:04:05", b"0999-01-02T03:04:05Z"),
    ],
)
def test_instants_are_written_in_utc_with_whole_seconds_cut(moment: str, text: bytes) -> None:
    assert rfc3339(ms(moment)) == text
