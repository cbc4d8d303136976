"""Events as they come in, what becomes of each, and how one that comes again is known.

An event counts once: its source and id are remembered, in the same transaction as its effects,
under the day (UTC) of its own time, for eight days. An older event is refused, so that forgetting
an id can never count it twice.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from app.domain.goal import Source
from app.domain.number import Number
from app.domain.period import DAY_MS
from app.domain.player import Player, PlayersRead

EVENTS_MAX: Final = 500
"""Most events of one batch."""

NAME_LENGTH_MAX: Final = 200
"""Longest id and longest source of an event, in characters."""

NUMBER_MAX: Final = 2**53 - 1
"""Largest number that every JSON reader keeps exactly; the smallest is its opposite."""

HORIZON_DAYS: Final = 8
"""An event whose own time is longer ago is refused."""

MARGIN_DAYS: Final = 1
"""How much longer than the horizon an id is kept, and how much earlier its day is made."""

SKEW_MS: Final = 3_600_000
"""How far a producer's clock may be ahead before its events are remembered by receipt as well."""

DIGEST_BYTES: Final = 16


class Result(StrEnum):
    """What became of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    REJECTED = "rejected"


class EventReason(StrEnum):
    """Why an event was ignored or rejected."""

    NONE = ""
    NAMESPACE_FOREIGN = "namespace_foreign"
    STAT_UNKNOWN = "stat_unknown"
    VALUE_NEGATIVE = "value_negative"
    PLAYER_UNKNOWN = "player_unknown"
    NOT_JSON = "not_json"
    NOT_OBJECT = "not_object"
    MEMBER_TWICE = "member_twice"
    NUL_IN_TEXT = "nul_in_text"
    SURROGATE_IN_TEXT = "surrogate_in_text"
    NUMBER_TOO_LARGE = "number_too_large"
    SPECVERSION_UNKNOWN = "specversion_unknown"
    ID_MISSING = "id_missing"
    ID_TOO_LONG = "id_too_long"
    SOURCE_MISSING = "source_missing"
    SOURCE_TOO_LONG = "source_too_long"
    TYPE_UNKNOWN = "type_unknown"
    PLAYER_INVALID = "player_invalid"
    ATTRIBUTE_INVALID = "attribute_invalid"
    NAMESPACE_INVALID = "namespace_invalid"
    TIME_INVALID = "time_invalid"
    TOO_OLD = "too_old"
    DATA_INVALID = "data_invalid"
    STAT_INVALID = "stat_invalid"
    VALUE_INVALID = "value_invalid"
    INCREASE_INVALID = "increase_invalid"
    INTERNAL = "internal"


MEANINGS: Mapping[EventReason, tuple[Result, str]] = {
    EventReason.NAMESPACE_FOREIGN: (
        Result.IGNORED,
        "It is of another namespace. Its id is not kept.",
    ),
    EventReason.STAT_UNKNOWN: (Result.IGNORED, "No goal of the catalogue listens to it."),
    EventReason.VALUE_NEGATIVE: (Result.IGNORED, "`latestValue` is below 0."),
    EventReason.PLAYER_UNKNOWN: (Result.IGNORED, "The player never called initialize."),
    EventReason.NOT_JSON: (Result.REJECTED, "The line is no JSON, or is nested too deeply."),
    EventReason.NOT_OBJECT: (Result.REJECTED, "It is JSON, but no object."),
    EventReason.MEMBER_TWICE: (
        Result.REJECTED,
        "An object has two members of one name, or a header comes twice.",
    ),
    EventReason.NUL_IN_TEXT: (Result.REJECTED, "A text has the character NUL."),
    EventReason.SURROGATE_IN_TEXT: (
        Result.REJECTED,
        "A text that counts has half of a character, such as a lone `\\ud83d`.",
    ),
    EventReason.NUMBER_TOO_LARGE: (Result.REJECTED, "A whole number has thousands of digits."),
    EventReason.SPECVERSION_UNKNOWN: (Result.REJECTED, '`specversion` is not "1.0".'),
    EventReason.ID_MISSING: (Result.REJECTED, "`id` is no text, or empty."),
    EventReason.ID_TOO_LONG: (Result.REJECTED, f"`id` has more than {NAME_LENGTH_MAX} characters."),
    EventReason.SOURCE_MISSING: (Result.REJECTED, "`source` is no text, or empty."),
    EventReason.SOURCE_TOO_LONG: (
        Result.REJECTED,
        f"`source` has more than {NAME_LENGTH_MAX} characters.",
    ),
    EventReason.TYPE_UNKNOWN: (Result.REJECTED, "`type` is neither of the two."),
    EventReason.PLAYER_INVALID: (Result.REJECTED, "`subject` is no id of 1 to 100 characters."),
    EventReason.ATTRIBUTE_INVALID: (
        Result.REJECTED,
        "A `ce-` header is not percent-encoded UTF-8.",
    ),
    EventReason.NAMESPACE_INVALID: (Result.REJECTED, "`namespace` is no text."),
    EventReason.TIME_INVALID: (Result.REJECTED, "`time` is no RFC 3339 timestamp with an offset."),
    EventReason.TOO_OLD: (Result.REJECTED, f"`time` is more than {HORIZON_DAYS} days ago."),
    EventReason.DATA_INVALID: (Result.REJECTED, "`data` is no object, or not JSON by its type."),
    EventReason.STAT_INVALID: (Result.REJECTED, "`data.statCode` is no text, or empty."),
    EventReason.VALUE_INVALID: (
        Result.REJECTED,
        "`data.latestValue` is no number within ±(2^53-1).",
    ),
    EventReason.INCREASE_INVALID: (Result.REJECTED, "`data.inc` is no number within ±(2^53-1)."),
    EventReason.INTERNAL: (Result.REJECTED, "The service failed on it; the log says how."),
}


class Incoming(NamedTuple):
    """An event as its producer tells it. Without a namespace it is of ours.

    `at_ms` is its own time, None if it has none. `value` is a statistic's latest value, `increase`
    what it changed by, 0 if that is not known.
    """

    id: str
    source: str
    namespace: str | None
    player_id: str
    kind: Source
    at_ms: int | None
    stat_code: str = ""
    value: Number = 0
    increase: Number = 0


class EventOutcome(NamedTuple):
    """What became of one event. `id` is empty where it could not be read.

    `header` is the one that is wrong with an event in binary mode, if it is one.
    """

    id: str
    result: Result
    reason: EventReason = EventReason.NONE
    header: str = ""


class SeenKey(NamedTuple):
    """Under which day (since 1970) an event is remembered, and a digest of its source and id."""

    day: int
    digest: bytes


def digest_of(source: str, event_id: str) -> bytes:
    """Return what an event is known by: no other source and id have the same."""
    name = source.encode()
    whole = b"%d:%b%b" % (len(name), name, event_id.encode())
    return hashlib.blake2b(whole, digest_size=DIGEST_BYTES).digest()


def is_too_old(at_ms: int | None, now_ms: int) -> bool:
    """Return whether an event's own time is beyond the horizon."""
    return at_ms is not None and at_ms < now_ms - HORIZON_DAYS * DAY_MS


def days_to_remember(at_ms: int | None, now_ms: int) -> Sequence[int]:
    """Return the days under which an event is remembered; it comes again if one knows it.

    One day, its own, if it is past: however late it comes again, that is the same. One that has no
    time, or a time more than a day ahead, is remembered on the day of receipt and the one before,
    so that the day after still knows it. What lies between is remembered both ways.
    """
    today = now_ms // DAY_MS
    if at_ms is None or at_ms > now_ms + DAY_MS:
        return (today - 1, today)
    own = at_ms // DAY_MS
    if at_ms > now_ms + SKEW_MS:
        return sorted({today - 1, today, own})
    return (own,)


class DaysKept(NamedTuple):
    """The days (since 1970) that must have a place for ids: all from `first` to `last`."""

    first: int
    last: int


def days_kept(now_ms: int) -> DaysKept:
    """Return which days events may be remembered under from now until tomorrow's end."""
    today = now_ms // DAY_MS
    return DaysKept(today - HORIZON_DAYS - MARGIN_DAYS, today + 1 + MARGIN_DAYS)


class DayMissing(Exception):
    """A day has no place for ids yet; `EventStore.make_days` makes it."""


class EventTransaction(Protocol):
    """What one batch of events reads and writes, all of it or nothing.

    In this order, which keeps batches, initializes and claims from waiting in a circle.
    """

    async def remember(self, keys: Collection[SeenKey]) -> frozenset[SeenKey]:
        """Remember events; return those that were known already. Raise DayMissing."""

    async def make_known(self, player_ids: Collection[str], facts: Player) -> None:
        """Make a row with these facts for each player who has none."""

    async def lock(self, player_ids: Collection[str]) -> PlayersRead:
        """Return the facts of those who have a row, which nobody else changes meanwhile."""

    async def write_stats(self, players: Collection[Player]) -> None:
        """Write `stats` and `changed_at` of locked players, and count `version` on."""

    async def write_goals(self, players: Collection[Player]) -> None:
        """Write `goals`, `stats` and `changed_at` of locked players, and count `version` on."""


class EventStore(Protocol):
    """Where events take effect. Raises `Unavailable`, also out of a commit."""

    async def now_ms(self) -> int:
        """Return the moment."""

    def transaction(self) -> AbstractAsyncContextManager[EventTransaction]:
        """Return a transaction, committed when its block ends without raising."""

    async def make_days(self, days: DaysKept) -> None:
        """Make a place for the ids of each of these days."""

    async def drop_days(self, before: int) -> int:
        """Drop the places of earlier days that the database's own clock does not need either.

        So a moment that is set ahead drops nothing, and one that is set back keeps its own days.
        Days ahead of all clocks stay until their time is over. Return how many were dropped.
        """
