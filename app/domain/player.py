"""What is stored of a player, and what initialize makes of it.

A player is one row of facts; what is shown is computed from it (db/README.md). This module has
the facts of being assigned goals by default, the rule about them, and the ports to where they are:

    Players      the rows; takes lists of players, since many first calls come at once
    Revisions    which goals each catalogue assigned by default, and what each goal is
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol, Self

from app.domain.facts import NO_GOALS, NO_STATS, Assignment, Goals, Stats
from app.domain.goal import ID_LENGTH_MAX, Catalogue, GoalIdentity


class Player(NamedTuple):
    """One player's facts. Instants are milliseconds since 1970.

    `answered` is how many entries of `assignments` an initialize has reported as new. `version`
    counts the writes; 0 is a player without a row.
    """

    player_id: str
    since_ms: int
    changed_at_ms: int
    version: int
    answered: int
    assignments: tuple[Assignment, ...]
    stats: Stats = NO_STATS
    goals: Goals = NO_GOALS

    @classmethod
    def unknown(cls, player_id: str, clock_ms: int) -> Self:
        """Return the empty facts of a player without a row."""
        return cls(player_id, clock_ms, clock_ms, version=0, answered=0, assignments=())

    @property
    def revisions(self) -> tuple[int, ...]:
        """The catalogue revision of each entry of `assignments`."""
        return tuple(entry.revision for entry in self.assignments)


class PlayersRead(NamedTuple):
    """The players who have a row, and the database's clock in the same statement."""

    clock_ms: int
    players: Mapping[str, Player]


class PlayersBegun(NamedTuple):
    """What is stored of players who initialize; `new` are those whose rows this call made."""

    clock_ms: int
    players: Mapping[str, Player]
    new: frozenset[str]


class Players(Protocol):
    """The players' rows. Each method takes distinct players and is one statement.

    Raises `Unavailable` if the database does not answer in time.
    """

    async def read_many(self, player_ids: Collection[str]) -> PlayersRead:
        """Return the facts of those who have a row."""

    async def begin_many(self, player_ids: Collection[str], revision: int | None) -> PlayersBegun:
        """Make rows of version 1 for those who have none; return what is stored of all.

        At the clock that is returned, new rows have the defaults of `revision`, which counts
        as answered, or nothing if it is None. For rows that exist nothing is written, and no row is
        locked. Whoever gets a row from somebody else at the same time is not in the answer.
        """

    async def insert_many(self, players: Collection[Player]) -> frozenset[str]:
        """Make rows of version 1; return whose. Rows that exist stay as they are."""

    async def update_assignments_many(self, players: Collection[Player]) -> frozenset[str]:
        """Write `assignments`, `answered`, `changed_at`, and count `version` on; return for whom.

        `version` and `since_ms` are those that were read: versions begin anew after a deletion.
        Rows that have others by now stay as they are.
        """

    async def update_goals(self, player: Player) -> bool:
        """Write `goals` and `changed_at`, and count `version` on; return whether it was written.

        `version` and `since_ms` are those that were read. A row that has others stays as it is.
        """


class Revisions(Protocol):
    """Every catalogue that was ever served, numbered in order; the same content has one number."""

    async def register(self, catalogue: Catalogue) -> int:
        """Return the catalogue's revision, the next one if its content is new.

        Raise IdentityChanged if a goal is not what it was in an earlier revision.
        """

    async def identities(self) -> Mapping[str, GoalIdentity]:
        """Return what each goal is that ever was in a catalogue, by goal id."""

    async def defaults_of(self, revisions: Collection[int]) -> Mapping[int, frozenset[str]]:
        """Return the goals that each revision assigns by default.

        Raise LookupError if one was never registered.
        """


def is_player_id(text: str) -> bool:
    """Return whether a row can have this id: 1 to 100 characters of valid Unicode, no NUL."""
    if not 0 < len(text) <= ID_LENGTH_MAX or "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
