"""What is stored of a player's stats and goals, and how: MessagePack of arrays, ids as keys.

Numbers are whole numbers or fractions (number.py); whole ones are stored as integers. Instants are
milliseconds since 1970. The meaning of each field is exact (db/README.md): what a player sees is
computed from these and from the catalogue, and nothing else is stored.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from app.domain.goal import Schedule, Source
from app.domain.number import Number

# The layout of the MessagePack columns; a row with another number is not read.
FORMAT = 1

Span: TypeAlias = Schedule | None
"""What a goal's progress is counted in: a day, week or month, or (None) without end."""


class Assignment(msgspec.Struct, frozen=True, array_like=True):
    """The defaults of catalogue `revision` were assigned at `at_ms`."""

    revision: int
    at_ms: int


class Counts(msgspec.Struct, frozen=True, array_like=True):
    """One number per span: of the endless period, and of the day, week and month."""

    endless: Number
    day: Number
    week: Number
    month: Number

    def of(self, span: Span) -> Number:
        """Return the number of a span."""
        match span:
            case None:
                return self.endless
            case Schedule.DAILY:
                return self.day
            case Schedule.WEEKLY:
                return self.week
            case Schedule.MONTHLY:
                return self.month


NOTHING = Counts(0, 0, 0, 0)


class StatFacts(msgspec.Struct, frozen=True, array_like=True):
    """One stat of one source since the player is known.

    `value` is how many logins came, or a statistic's latest value by event time; `at_ms` is the
    event time of the newest event. `starts` is the value at which the endless period began, and the
    day, week and month of `at_ms`. `assignments` is how many of the player's have had an event
    here. `offsets[k]` is how far each period had come when entry k's goals heard their first event;
    entries past its end have all zeros.
    """

    value: Number
    at_ms: int
    starts: Counts
    assignments: int
    offsets: tuple[Counts, ...] = ()

    def offset(self, entry: int, span: Span) -> Number:
        """Return which part of a span's count is not of the goals that `entry` assigned."""
        return self.offsets[entry].of(span) if entry < len(self.offsets) else 0


class GoalFacts(msgspec.Struct, frozen=True, array_like=True):
    """One goal that was decided, completed or claimed.

    `active` is the player's own decision, None where it is as assigned; `assigned_at_ms` the last
    activation. `period` is the first day (days since 1970) of the period that all other fields
    belong to, None for the endless one. `carry` is the progress when it was last frozen. `offset`
    is which part of the stat's count is not this goal's; None: no event since the activation.
    """

    active: bool | None = None
    assigned_at_ms: int | None = None
    period: int | None = None
    carry: Number = 0
    offset: Number | None = None
    completed_at_ms: int | None = None
    claimed_at_ms: int | None = None

    @property
    def claimed(self) -> bool:
        """Whether its reward was claimed."""
        return self.claimed_at_ms is not None

    @property
    def completed(self) -> bool:
        """Whether it reached its target."""
        return self.completed_at_ms is not None


STAT_KEY_SEPARATOR = ":"
"""Parts a stat code from its source in a stat key; no source has one in its name."""

Stats: TypeAlias = Mapping[str, StatFacts]
"""Facts by stat key: the source, a colon, the stat code. Stored is the source's first letter."""

Goals: TypeAlias = Mapping[str, GoalFacts]
"""Facts by goal id."""

NO_STATS: Stats = MappingProxyType({})
NO_GOALS: Goals = MappingProxyType({})

_PREFIX_OF: Mapping[str, str] = {source[0]: source + STAT_KEY_SEPARATOR for source in Source}

_INSTANT_BYTES = 8
_INSTANT_MAX = 2 ** (8 * _INSTANT_BYTES) - 1

_encode = msgspec.msgpack.Encoder().encode
decode_assignments = msgspec.msgpack.Decoder(tuple[Assignment, ...]).decode
_decode_stats = msgspec.msgpack.Decoder(dict[str, StatFacts]).decode
_decode_goals = msgspec.msgpack.Decoder(dict[str, GoalFacts]).decode


def encode_assignments(assigned: tuple[Assignment, ...]) -> bytes:
    """Return the column `given`."""
    return _encode(assigned)


def encode_assignments_head(revision: int) -> bytes:
    """Return the column `given` of one entry, up to its instant.

    The instant is to follow as eight bytes, the highest first: the column is then what
    `encode_assignments` makes of every instant since 2**32 ms (February 1970). Of an earlier one it
    has more bytes and the same meaning.
    """
    return encode_assignments((Assignment(revision, _INSTANT_MAX),))[:-_INSTANT_BYTES]


def encode_stats(stats: Stats) -> bytes | None:
    """Return the column `stats`."""
    if not stats:
        return None
    # Every player has these keys, so ten bytes of each are worth a step.
    return _encode({_short(key): facts for key, facts in stats.items()})


def _short(key: str) -> str:
    source, _, stat_code = key.partition(STAT_KEY_SEPARATOR)
    return source[0] + stat_code


def encode_goals(goals: Goals) -> bytes | None:
    """Return the column `goals`."""
    return _encode(dict(goals)) if goals else None


def decode_stats(column: bytes | None) -> Stats:
    """Return the facts in the column `stats`."""
    if column is None:
        return NO_STATS
    return {_PREFIX_OF[key[0]] + key[1:]: facts for key, facts in _decode_stats(column).items()}


def decode_goals(column: bytes | None) -> Goals:
    """Return the facts in the column `goals`."""
    return NO_GOALS if column is None else _decode_goals(column)
