"""The players' rows in PostgreSQL; `app.domain.player.Players` has each method's promise."""

from collections.abc import Collection
from datetime import timedelta

from asyncpg import Record

from app.domain.clock import Clock
from app.domain.errors import NewerLayout
from app.domain.facts import (
    FORMAT,
    decode_assignments,
    decode_goals,
    decode_stats,
    encode_assignments,
    encode_assignments_head,
    encode_goals,
    encode_stats,
)
from app.domain.player import Player, PlayersBegun, PlayersRead
from db.pool import Database
from db.timestamps import to_ms, to_timestamp


class PgPlayers:
    """Players, in PostgreSQL."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or Clock()

    async def read_many(self, player_ids: Collection[str]) -> PlayersRead:
        """Return the facts of those who have a row, and the clock."""
        rows = await self._database.fetch("players_read", player_ids)
        return PlayersRead(
            clock_ms=self._clock.moment_ms(to_ms(rows[0]["now"])),
            # Without any player there is one row, for the clock.
            players={row["player"]: to_player(row) for row in rows if row["player"] is not None},
        )

    async def read_page(self, after: str, limit: int) -> list[Player]:
        """Return the next players after an id, in ascending order; after "" come the first."""
        rows = await self._database.fetch("players_page", after, limit)
        return [to_player(row) for row in rows]

    async def begin_many(self, player_ids: Collection[str], revision: int | None) -> PlayersBegun:
        """Make rows for those who have none, and return what is stored of all."""
        rows = await self._database.fetch(
            "players_begin",
            player_ids,
            timedelta(milliseconds=self._clock.offset_ms),
            FORMAT,
            0 if revision is None else 1,
            encode_assignments(()) if revision is None else encode_assignments_head(revision),
        )
        stored = [row for row in rows if row["player"] is not None]
        return PlayersBegun(
            clock_ms=to_ms(rows[0]["now"]),
            players={row["player"]: to_player(row) for row in stored},
            new=frozenset(row["player"] for row in stored if row["is_new"]),
        )

    async def insert_many(self, players: Collection[Player]) -> frozenset[str]:
        """Make rows; return whose."""
        rows = await self._database.fetch(
            "players_insert",
            FORMAT,
            [player.player_id for player in players],
            [to_timestamp(player.since_ms) for player in players],
            [player.answered for player in players],
            [encode_assignments(player.assignments) for player in players],
            [encode_stats(player.stats) for player in players],
            [encode_goals(player.goals) for player in players],
        )
        return frozenset(row["player"] for row in rows)

    async def update_assignments_many(self, players: Collection[Player]) -> frozenset[str]:
        """Write what was assigned, where the version is the one that was read; return to whom."""
        rows = await self._database.fetch(
            "players_update_given",
            [player.player_id for player in players],
            [player.version for player in players],
            [to_timestamp(player.since_ms) for player in players],
            [to_timestamp(player.changed_at_ms) for player in players],
            [player.answered for player in players],
            [encode_assignments(player.assignments) for player in players],
        )
        return frozenset(row["player"] for row in rows)

    async def update_goals(self, player: Player) -> bool:
        """Write what was decided, if the version is the one that was read."""
        rows = await self._database.fetch(
            "players_update_goals",
            player.player_id,
            player.version,
            to_timestamp(player.since_ms),
            to_timestamp(player.changed_at_ms),
            encode_goals(player.goals),
        )
        return bool(rows)


def to_player(row: Record) -> Player:
    """Return the facts in a row.

    Raise `NewerLayout` if a newer release wrote them: its pods can read them, so trying again is of
    use.
    """
    if row["format"] != FORMAT:
        raise NewerLayout(f"a row has layout {row['format']}, and this code reads {FORMAT}")
    return Player(
        player_id=row["player"],
        since_ms=to_ms(row["since"]),
        changed_at_ms=to_ms(row["changed_at"]),
        version=row["version"],
        answered=row["answered"],
        assignments=decode_assignments(row["given"]),
        stats=decode_stats(row["stats"]),
        goals=decode_goals(row["goals"]),
    )
