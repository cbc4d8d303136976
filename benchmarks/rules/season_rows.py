"""Players in the middle of a season, as both rivals store them: one row, and a row per goal."""

from pathlib import Path

import asyncpg

from app.catalogue.parse import parse_catalogue
from app.domain.player import Player
from benchmarks.rules.row_per_goal import COLUMNS, TABLE, records
from benchmarks.rules.season import World, events_of_steps, newcomer, play, world_of
from benchmarks.rules.served import served

SEASON_PREFIX = "season-"
STEPS = 8
"""All five stats are at the eighth of 50 targets: 80 of 500 goals are completed, 420 begun."""


class SeasonRows:
    """Writes `count` players, equal but for their ids, into an empty, migrated database."""

    def __init__(self, database_url: str, catalogue_path: Path, count: int) -> None:
        self.catalogue_path = catalogue_path
        self._database_url = database_url
        self._catalogue = parse_catalogue(catalogue_path.read_bytes()).catalogue
        self._names = [f"{SEASON_PREFIX}{number:06d}" for number in range(count)]

    async def fill(self) -> None:
        """Register the catalogue and write both forms."""
        async with served(self._database_url, self._catalogue) as to:
            _, player = self._player(to.served.revision)
            players = [player._replace(player_id=name) for name in self._names]
            await to.players.insert_many(players)
        await self.refill_goal_rows()

    async def refill_goal_rows(self) -> None:
        """Leave nothing but these players in the table with a row per goal."""
        world, player = self._player(revision=1)
        seen = world.view(player)
        states = [seen.of(number) for number in range(len(self._catalogue.goals))]
        connection = await asyncpg.connect(self._database_url)
        try:
            await connection.execute(TABLE)
            await connection.execute("truncate bench.player_goal")
            await connection.copy_records_to_table(
                "player_goal",
                schema_name="bench",
                columns=COLUMNS,
                records=[
                    record
                    for name in self._names
                    for record in records(name, self._catalogue, states)
                ],
            )
            await connection.execute("analyze bench.player_goal")
            await connection.execute("checkpoint")
        finally:
            await connection.close()

    def _player(self, revision: int) -> tuple[World, Player]:
        world = world_of(self._catalogue, revision)
        return world, play(world, newcomer(world, "any"), events_of_steps(STEPS))
