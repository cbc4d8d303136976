"""Instants: milliseconds since 1970 in the code, `timestamptz` in the database."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(timestamp: datetime) -> int:
    """Return the milliseconds; what is finer is cut off."""
    return (timestamp - _EPOCH) // _MILLISECOND


def to_timestamp(at_ms: int) -> datetime:
    """Return the timestamp."""
    return _EPOCH + at_ms * _MILLISECOND
