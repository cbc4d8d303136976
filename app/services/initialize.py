"""Gives players the goals they should have by default, and says which goals they have."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from app.domain.answer import Template
from app.domain.catalogue_state import CatalogueState
from app.domain.initialize import Initialized, initialize
from app.domain.player import Players, Revisions
from app.domain.view import View, view
from app.services.contention import ROUNDS_MAX, contended
from app.services.plans import find_shared


class InitializeResult(NamedTuple):
    """What one initialize answers with: what the player sees then, and how much of it is new."""

    view: View
    template: Template
    new_assignments: int

    def body(self) -> bytes:
        """Return the answer's JSON."""
        seen = self.view
        assigned_at_ms = [entry.at_ms for entry in seen.player.given]
        return self.template.initialize_answer(
            seen.states, assigned_at_ms, seen.now_ms, self.new_assignments
        )


async def initialize_players(
    players: Players, revisions: Revisions, state: CatalogueState, ids: Sequence[str]
) -> list[InitializeResult]:
    """Initialize each of `ids` and return the results in their order.

    One statement for a first call and for one that finds nothing new, two where a player who has a
    row gets something new. Of several calls for one player, here or elsewhere, exactly one is told
    of the new goals; none, if that one fails after the row was written. Raise
    Problem(database_unavailable) if the database does not answer, or if others keep writing the
    same rows.
    """
    results: dict[str, InitializeResult] = {}
    # Ascending, as every statement locks: two batches never wait for each other.
    waiting = sorted(set(ids))
    for _ in range(ROUNDS_MAX):
        clock_ms, decided = await _begin(players, revisions, state, waiting)
        changed = [one.player for one in decided if one.changed]
        written = await players.update_given_many(changed) if changed else frozenset()
        done = [one for one in decided if not one.changed or one.player.player in written]
        results.update(await _results(revisions, state, done, clock_ms))
        # Of all others somebody else made or wrote the row meanwhile.
        waiting = [name for name in waiting if name not in results]
        if not waiting:
            return _in_order(results, ids)
    raise contended()


async def _begin(
    players: Players, revisions: Revisions, state: CatalogueState, waiting: Collection[str]
) -> tuple[int, list[Initialized]]:
    """Make rows for those who have none, and decide about all who are not just being made known."""
    first = state.first
    clock_ms, stored, new = await players.begin_many(waiting, first.revision)
    made = [Initialized(stored[name], first.new_assignments, changed=False) for name in new]
    known = [player for name, player in stored.items() if name not in new]
    shared = await find_shared((player.revisions for player in known), state, revisions)
    return clock_ms, made + [
        initialize(state.rules, shared[player.revisions].plan, player, state.revision, clock_ms)
        for player in known
    ]


async def _results(
    revisions: Revisions, state: CatalogueState, done: Collection[Initialized], clock_ms: int
) -> Mapping[str, InitializeResult]:
    shared = await find_shared((one.player.revisions for one in done), state, revisions)
    results = {}
    for player, new_assignments, _ in done:
        plan, template = shared[player.revisions]
        now_ms = max(clock_ms, player.changed_at_ms)
        seen = view(state.rules, plan, player, now_ms)
        results[player.player] = InitializeResult(seen, template, new_assignments)
    return results


def _in_order(results: dict[str, InitializeResult], ids: Sequence[str]) -> list[InitializeResult]:
    """Return a result per call; a player's second call in the list hears of nothing new."""
    ordered = []
    for name in ids:
        ordered.append(results[name])
        results[name] = results[name]._replace(new_assignments=0)
    return ordered
