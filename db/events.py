"""Where events take effect, in PostgreSQL; `app.domain.intake` has each method's promise."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import asyncpg

from app.domain.clock import Clock
from app.domain.facts import FORMAT, encode_assignments, encode_goals, encode_stats
from app.domain.intake import DayMissing, DaysKept, SeenKey
from app.domain.player import Player, PlayersRead
from db.players import to_player
from db.pool import Database, Transaction
from db.timestamps import to_ms, to_timestamp


class PgEvents:
    """The store of events, in PostgreSQL."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def database_ms(self) -> int:
        """Return the database's own clock, whatever moment was set."""
        [row] = await self._database.fetch("events_now")
        return to_ms(row["now"])

    async def now_ms(self) -> int:
        """Return the moment."""
        return self._clock.moment_ms(await self.database_ms())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["PgEventTransaction"]:
        """Yield a transaction, committed when the block ends without raising."""
        async with self._database.transaction() as transaction:
            # Batches that overlap wait for each other, and one of them for several.
            await transaction.fetch("transaction_wait_longer")
            yield PgEventTransaction(transaction, self._clock)

    async def make_days(self, days: DaysKept) -> None:
        """Make the days' tables."""
        await self._database.fetch("events_make_days", days.first, days.last)

    async def drop_days(self, before: int) -> int:
        """Drop the tables of earlier days, as far as the database's own clock allows."""
        [row] = await self._database.fetch("events_drop_days", before)
        return int(row["dropped"])


class PgEventTransaction:
    """One batch's reads and writes."""

    def __init__(self, transaction: Transaction, clock: Clock) -> None:
        self._transaction = transaction
        self._clock = clock

    async def remember(self, keys: Collection[SeenKey]) -> frozenset[SeenKey]:
        """Remember events; return those that were known already."""
        try:
            rows = await self._transaction.fetch(
                "events_remember", [key.day for key in keys], [key.digest for key in keys]
            )
        except asyncpg.CheckViolationError as failure:
            if failure.constraint_name is None:
                # Only the choice of a partition is checked by no constraint.
                raise DayMissing from failure
            raise
        return frozenset(SeenKey(row["day"], row["digest"]) for row in rows)

    async def make_known(self, player_ids: Collection[str], facts: Player) -> None:
        """Make a row with these facts for each player who has none."""
        await self._transaction.fetch(
            "events_make_known",
            player_ids,
            to_timestamp(facts.since_ms),
            FORMAT,
            encode_assignments(facts.assignments),
        )

    async def lock(self, player_ids: Collection[str]) -> PlayersRead:
        """Return the facts of those who have a row, locked until the end."""
        rows = await self._transaction.fetch("events_lock", player_ids)
        return PlayersRead(
            # The last row's clock was read when the last wait was over.
            self._clock.moment_ms(max(to_ms(row["now"]) for row in rows)),
            {row["player"]: to_player(row) for row in rows if row["player"] is not None},
        )

    async def write_stats(self, players: Collection[Player]) -> None:
        """Write `stats` and `changed_at`, and count `version` on."""
        await self._transaction.fetch(
            "events_write_stats",
            [player.player_id for player in players],
            [to_timestamp(player.changed_at_ms) for player in players],
            [encode_stats(player.stats) for player in players],
        )

    async def write_goals(self, players: Collection[Player]) -> None:
        """Write `goals`, `stats` and `changed_at`, and count `version` on."""
        await self._transaction.fetch(
            "events_write_goals",
            [player.player_id for player in players],
            [to_timestamp(player.changed_at_ms) for player in players],
            [encode_stats(player.stats) for player in players],
            [encode_goals(player.goals) for player in players],
        )
