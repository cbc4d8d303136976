"""The players' rows in PostgreSQL; `app.domain.player.Players` has each method's promise."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from asyncpg import Record

from app.domain.facts import (
    FORMAT,
    decode_given,
    decode_goals,
    decode_stats,
    encode_given,
    encode_goals,
    encode_stats,
)
from app.domain.player import Player, PlayersRead
from db.pool import Database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class PgPlayers:
    """Players, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_many(self, players: Collection[str]) -> PlayersRead:
        """Return the facts of those who have a row, and the clock."""
        rows = await self._database.fetch("players_read", players)
        return PlayersRead(
            clock_ms=_to_ms(rows[0]["now"]),
            # Without any player there is one row, for the clock.
            players={row["player"]: _to_player(row) for row in rows if row["player"] is not None},
        )

    async def insert_many(self, players: Collection[Player]) -> frozenset[str]:
        """Make rows; return whose."""
        rows = await self._database.fetch(
            "players_insert",
            FORMAT,
            [player.player for player in players],
            [_to_timestamp(player.since_ms) for player in players],
            [player.answered for player in players],
            [encode_given(player.given) for player in players],
            [encode_stats(player.stats) for player in players],
            [encode_goals(player.goals) for player in players],
        )
        return frozenset(row["player"] for row in rows)

    async def update_given_many(self, players: Collection[Player]) -> frozenset[str]:
        """Write what was given to those whose version is the one that was read; return to whom."""
        rows = await self._database.fetch(
            "players_update_given",
            [player.player for player in players],
            [player.version for player in players],
            [_to_timestamp(player.changed_at_ms) for player in players],
            [player.answered for player in players],
            [encode_given(player.given) for player in players],
        )
        return frozenset(row["player"] for row in rows)

    async def update_goals(self, player: Player) -> bool:
        """Write what was decided, if the version is the one that was read."""
        rows = await self._database.fetch(
            "players_update_goals",
            player.player,
            player.version,
            _to_timestamp(player.changed_at_ms),
            encode_goals(player.goals),
        )
        return bool(rows)


def _to_player(row: Record) -> Player:
    if row["format"] != FORMAT:
        raise ValueError(
            f"the facts of {row['player']!r} have layout {row['format']}, not {FORMAT}"
        )
    return Player(
        player=row["player"],
        since_ms=_to_ms(row["since"]),
        changed_at_ms=_to_ms(row["changed_at"]),
        version=row["version"],
        answered=row["answered"],
        given=decode_given(row["given"]),
        stats=decode_stats(row["stats"]),
        goals=decode_goals(row["goals"]),
    )


def _to_ms(timestamp: datetime) -> int:
    return (timestamp - _EPOCH) // _MILLISECOND


def _to_timestamp(at_ms: int) -> datetime:
    return _EPOCH + at_ms * _MILLISECOND
