"""Reads an instant as it is written on the wire: RFC 3339."""

import re
from datetime import datetime

# Without a zone: offsets are counted by hand, since they may lead out of the years 1 to 9999.
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001
_HOUR = r"(?:[01]\d|2[0-3])"
_TIMESTAMP = re.compile(
    rf"(\d{{4}}-\d\d-\d\d)[Tt ]({_HOUR}:[0-5]\d:)([0-5]\d|60)(?:\.(\d+))?"
    rf"(?:[Zz]|([+-])({_HOUR}):([0-5]\d))",
    re.ASCII,
)


def read_rfc3339(text: str) -> int:
    """Return the milliseconds since 1970; what is finer is cut off. Raise ValueError.

    A leap second ends the minute that it is in, so that it stays in its own day.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 timestamp with an offset")
    day, minutes, seconds, fraction, sign, offset_h, offset_min = match.groups()
    leap = seconds == "60"
    since = datetime.fromisoformat(f"{day}T{minutes}{'59' if leap else seconds}") - _EPOCH
    at_ms = (since.days * 86_400 + since.seconds) * 1000
    at_ms += 999 if leap else int(f"{fraction or ''}000"[:3])
    if sign is not None:
        offset_ms = (int(offset_h) * 60 + int(offset_min)) * 60_000
        at_ms -= offset_ms if sign == "+" else -offset_ms
    return at_ms
