"""Shows a player the challenges."""

from typing import NamedTuple

from app.domain.answer import Template
from app.domain.catalogue_state import CatalogueState
from app.domain.player import Player, Players, Revisions
from app.domain.view import View, view
from app.services.plans import find_shared


class Seen(NamedTuple):
    """What one player sees in one moment, and the answers for it."""

    view: View
    template: Template

    def list_body(self, *, active_only: bool) -> bytes:
        """Return the list's JSON; `active_only` leaves out what is not active."""
        return self.template.list_answer(
            self.view.states, self.view.now_ms, active_only=active_only
        )


async def see(
    players: Players, revisions: Revisions, state: CatalogueState, player_id: str
) -> Seen:
    """Return what the player sees; one select, no lock, nothing written.

    A player without a row sees the catalogue with nothing begun. Raise
    Problem(database_unavailable) if the database does not answer.
    """
    clock_ms, stored = await players.read_many([player_id])
    player = stored.get(player_id) or Player.unknown(player_id, clock_ms)
    shared = (await find_shared([player.revisions], state, revisions))[player.revisions]
    now_ms = max(clock_ms, player.changed_at_ms)
    return Seen(view(state.rules, shared.plan, player, now_ms), shared.template)
