"""Forgets a player."""

import structlog

from app.domain.reward import Claims, Erased

log = structlog.get_logger()


async def erase_player(claims: Claims, player_id: str) -> Erased:
    """Delete what is stored of the player, and return how many rows went, and how many stay.

    Rewards that are still owed are granted first; until then their claims stay. That something was
    claimed is kept as a keyed hash, which tells nobody by whom. To repeat it deletes nothing. Raise
    Problem(database_unavailable).
    """
    erased = await claims.erase(player_id)
    # Without the player's id: what was deleted must not stay in a log.
    log.info("player_data_deleted", rows=erased.removed, claims_kept=erased.kept)
    return erased
