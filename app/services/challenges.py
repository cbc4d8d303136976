"""Shows a player the challenges."""

from typing import NamedTuple

from app.domain.answer import Template
from app.domain.catalogue_state import CatalogueState
from app.domain.player import Player, Players, Revisions
from app.services.plans import find_plans


class ChallengesResult(NamedTuple):
    """What a list answers with."""

    template: Template
    now_ms: int

    def body(self, *, active_only: bool) -> bytes:
        """Return the answer's JSON; `active_only` leaves out what is not active."""
        return self.template.list_answer({}, self.now_ms, active_only=active_only)


async def list_challenges(
    players: Players, revisions: Revisions, state: CatalogueState, player_id: str
) -> ChallengesResult:
    """Return what the player sees; one select, no lock, nothing written.

    A player without a row sees the catalogue with nothing begun. Raise
    Problem(database_unavailable) if the database does not answer.
    """
    clock_ms, stored = await players.read_many([player_id])
    player = stored.get(player_id) or Player.unknown(player_id, clock_ms)
    plans = await find_plans([player.revisions], state, revisions)
    return ChallengesResult(
        template=plans[player.revisions].template,
        now_ms=max(clock_ms, player.changed_at_ms),
    )
