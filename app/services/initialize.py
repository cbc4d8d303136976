"""Gives players the goals they should have by default, and says which goals they have."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from app.domain.answer import Template
from app.domain.catalogue_state import CatalogueState
from app.domain.initialize import Initialized, initialize
from app.domain.player import Player, Players, Revisions
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

    Usually one statement, two where something is new. Of several calls for one player, here or
    elsewhere, exactly one is told of the new goals. Raise Problem(database_unavailable) if the
    database does not answer, or if others keep writing the same rows.
    """
    results: dict[str, InitializeResult] = {}
    # Ascending, as every statement locks: two batches never wait for each other.
    waiting = sorted(set(ids))
    for _ in range(ROUNDS_MAX):
        clock_ms, decided = await _decide(players, revisions, state, waiting)
        lost = await _write(players, [one.player for one in decided if one.changed])
        done = [one for one in decided if one.player.player not in lost]
        results.update(await _results(revisions, state, done, clock_ms))
        if not lost:
            return _in_order(results, ids)
        waiting = sorted(lost)
    raise contended()


async def _decide(
    players: Players, revisions: Revisions, state: CatalogueState, waiting: Collection[str]
) -> tuple[int, list[Initialized]]:
    clock_ms, stored = await players.read_many(waiting)
    facts = [stored.get(name) or Player.unknown(name, clock_ms) for name in waiting]
    shared = await find_shared((player.revisions for player in facts), state, revisions)
    return clock_ms, [
        initialize(state.rules, shared[player.revisions].plan, player, state.revision, clock_ms)
        for player in facts
    ]


async def _write(players: Players, changed: Sequence[Player]) -> set[str]:
    """Write the facts; return whose row was written by somebody else meanwhile."""
    written: set[str] = set()
    fresh = [player for player in changed if not player.version]
    if fresh:
        written |= await players.insert_many(fresh)
    returning = [player for player in changed if player.version]
    if returning:
        written |= await players.update_given_many(returning)
    return {player.player for player in changed} - written


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
