"""The ports in memory. They pass the same suites as PostgreSQL's (tests/contract)."""

from collections.abc import Collection, Mapping

from app.domain.facts import Assignment
from app.domain.goal import Catalogue, GoalIdentity
from app.domain.identity import IdentityChanged, changed_identities
from app.domain.player import Player, PlayersBegun, PlayersRead


class FakePlayers:
    """Players' rows in a dict. `clock_ms` is the clock; move it as you like."""

    def __init__(self, clock_ms: int = 1_800_000_000_000) -> None:
        self.clock_ms = clock_ms
        self.rows: dict[str, Player] = {}
        self.writes = 0

    async def read_many(self, players: Collection[str]) -> PlayersRead:
        found = {player: self.rows[player] for player in players if player in self.rows}
        return PlayersRead(self.clock_ms, found)

    async def begin_many(self, players: Collection[str], revision: int | None) -> PlayersBegun:
        now_ms = self.clock_ms
        given = () if revision is None else (Assignment(revision, now_ms),)
        new = frozenset(player for player in players if player not in self.rows)
        self._write([Player(player, now_ms, now_ms, 1, len(given), given) for player in new])
        return PlayersBegun(now_ms, {player: self.rows[player] for player in players}, new)

    async def insert_many(self, players: Collection[Player]) -> frozenset[str]:
        new = [player for player in players if player.player_id not in self.rows]
        self._write([player._replace(version=1, changed_at_ms=player.since_ms) for player in new])
        return frozenset(player.player_id for player in new)

    async def update_assignments_many(self, players: Collection[Player]) -> frozenset[str]:
        current = [player for player in players if self._is_current(player)]
        self._write([player._replace(version=player.version + 1) for player in current])
        return frozenset(player.player_id for player in current)

    async def update_goals(self, player: Player) -> bool:
        if not self._is_current(player):
            return False
        self._write([player._replace(version=player.version + 1)])
        return True

    def _is_current(self, player: Player) -> bool:
        row = self.rows.get(player.player_id)
        read = player.version, player.since_ms
        return row is not None and (row.version, row.since_ms) == read

    def _write(self, players: list[Player]) -> None:
        self.rows |= {player.player_id: player for player in players}
        self.writes += len(players)


class FakeRevisions:
    """Catalogue revisions in a list."""

    def __init__(self) -> None:
        self.catalogues: list[Catalogue] = []

    async def register(self, catalogue: Catalogue) -> int:
        for revision, known in enumerate(self.catalogues, 1):
            if known.digest == catalogue.digest:
                return revision
        if changed := changed_identities(catalogue, await self.identities()):
            raise IdentityChanged(changed)
        self.catalogues.append(catalogue)
        return len(self.catalogues)

    async def identities(self) -> Mapping[str, GoalIdentity]:
        return {goal.goal_id: goal.identity for known in self.catalogues for goal in known.goals}

    async def defaults_of(self, revisions: Collection[int]) -> Mapping[int, frozenset[str]]:
        if unknown := [number for number in revisions if not 0 < number <= len(self.catalogues)]:
            raise LookupError(f"no catalogue revision {unknown}")
        return {
            number: frozenset(
                goal.goal_id for goal in self.catalogues[number - 1].goals if goal.default_assigned
            )
            for number in revisions
        }
