"""RFC 3339, as producers write it and as they get it wrong."""

import pytest

from app.domain.timestamp import read_rfc3339

NOON_MS = 1_796_126_400_000  # 2026-12-01T12:00:00Z
MINUTE_MS = 60_000
YEAR_1_MS = -62_135_596_800_000
YEAR_10000_MS = 253_402_300_800_000


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-12-01T12:00:00Z", NOON_MS),
        ("2026-12-01t12:00:00z", NOON_MS),
        ("2026-12-01 12:00:00Z", NOON_MS),
        ("2026-12-01T12:00:00+00:00", NOON_MS),
        ("2026-12-01T12:00:00-00:00", NOON_MS),
        ("2026-12-01T17:30:00+05:30", NOON_MS),
        ("2026-12-01T04:00:00-08:00", NOON_MS),
        ("2026-12-02T11:59:00+23:59", NOON_MS),
        ("2026-12-01T12:00:00.5Z", NOON_MS + 500),
        ("2026-12-01T12:00:00.1239999999Z", NOON_MS + 123),
        # Not rounded: that would be the next day.
        ("1970-01-01T23:59:59.9999999Z", 86_399_999),
        # A leap second stays in its day, and one by mistake in its minute.
        ("2016-12-31T23:59:60Z", 1_483_228_799_999),
        ("2026-12-01T11:59:60.7Z", NOON_MS - 1),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        # Offsets lead out of the calendar.
        ("0001-01-01T00:00:00+01:00", YEAR_1_MS - 60 * MINUTE_MS),
        ("9999-12-31T23:59:00-00:01", YEAR_10000_MS),
        ("9999-12-31T23:59:59.999-23:59", YEAR_10000_MS + 1439 * MINUTE_MS - 1),
    ],
)
def test_reads_an_instant_in_milliseconds(text: str, at_ms: int) -> None:
    assert read_rfc3339(text) == at_ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1796126400",
        "2026-12-01",
        "2026-12-01T12:00:00",
        "2026-12-01T12:00Z",
        "2026-12-01T12Z",
        "20261201T120000Z",
        "2026-W49-2T12:00:00Z",
        "2026-12-01T12:00:00.Z",
        "2026-12-01T12:00:00,5Z",
        "2026-12-01T12:00:00+0100",
        "2026-12-01T12:00:00+01",
        "2026-12-01T12:00:00+24:00",
        "2026-12-01T12:00:00+01:60",
        "2026-12-01T24:00:00Z",
        "2026-12-01T12:60:00Z",
        "2026-12-01T12:00:61Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "-2026-12-01T12:00:00Z",
        "12026-12-01T12:00:00Z",
        " 2026-12-01T12:00:00Z",
        "2026-12-01T12:00:00Z\n",
        "２０26-12-01T12:00:00Z",  # noqa: RUF001 - digits, but not ours
        "2026-12-01T12:00:00Z" * 1000,
    ],
)
def test_says_no_to_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_rfc3339(text)
