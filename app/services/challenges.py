"""Shows a player the challenges, and anybody when one of them turns."""

from typing import NamedTuple

from app.domain.answer import Template
from app.domain.catalogue_state import CatalogueState
from app.domain.player import Player, Players, Revisions
from app.domain.rotation import RotationStatus, rotation_status
from app.domain.view import View, view
from app.errors import Problem, Reason, short
from app.services.plans import find_shared


class PlayerNow(NamedTuple):
    """One player's facts in one moment: with the catalogue, all that decides what is shown."""

    player: Player
    now_ms: int


class Seen(NamedTuple):
    """What one player sees in one moment, and the answers for it."""

    view: View
    template: Template

    def list_body(self, *, active_only: bool) -> bytes:
        """Return the list's JSON; `active_only` leaves out what is not active."""
        return self.template.list_answer(
            self.view.states, self.view.now_ms, active_only=active_only
        )

    def challenge_body(self, challenge_id: str, *, active_only: bool) -> bytes:
        """Return the JSON of one challenge of the catalogue, the same bytes as in the list.

        With `active_only` it has no goals if none is active.
        """
        return self.template.challenge_answer(
            self.view.rules.challenges[challenge_id],
            self.view.states,
            self.view.now_ms,
            active_only=active_only,
        )


async def see(
    players: Players, revisions: Revisions, state: CatalogueState, player_id: str
) -> Seen:
    """Return what the player sees; one select, no lock, nothing written.

    A player without a row sees the catalogue with nothing begun. Raise
    Problem(database_unavailable) if the database does not answer.
    """
    return await show(revisions, state, await read_player(players, player_id))


async def read_player(players: Players, player_id: str) -> PlayerNow:
    """Return the player's facts, empty ones without a row. Raise Problem(database_unavailable)."""
    clock_ms, stored = await players.read_many([player_id])
    player = stored.get(player_id) or Player.unknown(player_id, clock_ms)
    return PlayerNow(player, max(clock_ms, player.changed_at_ms))


async def show(revisions: Revisions, state: CatalogueState, read: PlayerNow) -> Seen:
    """Return what the player sees. Raise Problem(database_unavailable)."""
    player, now_ms = read
    shared = (await find_shared([player.revisions], state, revisions))[player.revisions]
    return Seen(view(state.rules, shared.plan, player, now_ms), shared.template)


def require_challenge(state: CatalogueState, challenge_id: str) -> tuple[int, ...]:
    """Return the numbers of a challenge's goals. Raise Problem(challenge_not_found)."""
    goals = state.rules.challenges.get(challenge_id)
    if goals is None:
        raise Problem(Reason.CHALLENGE_NOT_FOUND, f"challenge not found: {short(challenge_id)}")
    return goals


async def see_rotation(
    players: Players, state: CatalogueState, challenge_id: str
) -> RotationStatus:
    """Return how a challenge rotates now, by the database's clock; it is the same for everybody.

    Raise Problem(challenge_not_found) or Problem(database_unavailable).
    """
    goals = require_challenge(state, challenge_id)
    clock_ms, _ = await players.read_many([])
    challenge = state.catalogue.challenges[state.rules.goals[goals[0]].challenge]
    return rotation_status(challenge, clock_ms)
