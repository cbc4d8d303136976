"""Assigns players the goals they should have by default, and says which goals they have."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from app.catalogue.served import Cohort, ServedCatalogue
from app.domain.errors import Contended
from app.domain.initialize import Initialized, initialize
from app.domain.player import Players
from app.domain.view import View, view_of
from app.services.contention import ROUNDS_MAX


class InitializeResult(NamedTuple):
    """What one initialize answers with: what the player sees then, and how much of it is new."""

    view: View
    cohort: Cohort
    new_assignments: int


class _Round(NamedTuple):
    """One round's decisions at one clock, and the cohorts as they were read."""

    clock_ms: int
    decided: Sequence[Initialized]
    cohorts: Mapping[tuple[int, ...], Cohort]


class InitializeService:
    """Makes players known and keeps their default goals up to date."""

    def __init__(self, players: Players, served: ServedCatalogue) -> None:
        self._players = players
        self._served = served

    async def initialize(self, player_ids: Sequence[str]) -> list[InitializeResult]:
        """Initialize each player and return the results in their order.

        One statement for a first call and for one that finds nothing new, two where a player who
        has a row gets something new. Of several calls for one player, here or elsewhere, exactly
        one is told of the new goals; none, if that one fails after the row was written. Raises
        `Unavailable` if the database does not answer, or if others keep writing the same rows.
        """
        results: dict[str, InitializeResult] = {}
        # Ascending, as every statement locks: two batches never wait for each other.
        waiting = sorted(set(player_ids))
        for _ in range(ROUNDS_MAX):
            begun = await self._begin(waiting)
            changed = [each.player for each in begun.decided if each.changed]
            written = (
                await self._players.update_assignments_many(changed) if changed else frozenset()
            )
            done = [
                each
                for each in begun.decided
                if not each.changed or each.player.player_id in written
            ]
            results.update(await self._results(begun, done))
            # Of all others somebody else made or wrote the row meanwhile.
            waiting = [player_id for player_id in waiting if player_id not in results]
            if not waiting:
                return _in_order(results, player_ids)
        raise Contended

    async def _begin(self, player_ids: Collection[str]) -> _Round:
        """Make rows for those who have none, and decide about those who had one."""
        served, first = self._served, self._served.first
        clock_ms, stored, new = await self._players.begin_many(player_ids, first.revision)
        cohorts = await served.cohorts({player.revisions for player in stored.values()})
        decided = [
            Initialized(player, first.new_assignments, changed=False)
            if player_id in new
            else initialize(
                served.rules, cohorts[player.revisions].plan, player, served.revision, clock_ms
            )
            for player_id, player in stored.items()
        ]
        return _Round(clock_ms, decided, cohorts)

    async def _results(
        self, begun: _Round, done: Collection[Initialized]
    ) -> Mapping[str, InitializeResult]:
        cohorts = begun.cohorts
        # Only who was assigned something has joined another cohort.
        joined = {each.player.revisions for each in done} - cohorts.keys()
        if joined:
            cohorts = {**cohorts, **await self._served.cohorts(joined)}
        results = {}
        for player, new_assignments, _ in done:
            cohort = cohorts[player.revisions]
            now_ms = max(begun.clock_ms, player.changed_at_ms)
            view = view_of(self._served.rules, cohort.plan, player, now_ms)
            results[player.player_id] = InitializeResult(view, cohort, new_assignments)
        return results


def _in_order(
    results: dict[str, InitializeResult], player_ids: Sequence[str]
) -> list[InitializeResult]:
    """Return a result per call; a player's second call in the list hears of nothing new."""
    ordered = []
    for player_id in player_ids:
        ordered.append(results[player_id])
        results[player_id] = results[player_id]._replace(new_assignments=0)
    return ordered
