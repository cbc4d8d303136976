"""The claims' rows; `app.domain.reward.Claims` has each method's promise."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import asyncpg

from app.domain.errors import NewerLayout, TimedOut, Unavailable
from app.domain.facts import FORMAT, decode_goals, encode_goals
from app.domain.player import Player
from app.domain.reward import Call, Claim, Erased, Making, Undo, restored
from db.pool import Database
from db.timestamps import to_ms, to_timestamp


class PgClaims:
    """What a player's requests do with claims, in PostgreSQL.

    Locks, here and everywhere: the player's row first, then claims in ascending order of their ids.
    """

    def __init__(
        self,
        database: Database,
        *,
        erasure_secret: str,
        on_conflict: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_conflict` hears of each claim that existed although the facts did not know it."""
        self._database = database
        self._erasure_secret = erasure_secret.encode()
        self._on_conflict = on_conflict

    async def make(self, claimed: Player, claim: Claim, lease_ms: int | None) -> Making:
        """Mark and record in one statement; who waits for the row's lock finds it changed."""
        lease = None if lease_ms is None else timedelta(milliseconds=lease_ms)
        try:
            [row] = await self._database.fetch(
                "claims_make",
                claimed.player_id,
                claimed.version,
                to_timestamp(claimed.since_ms),
                to_timestamp(claimed.changed_at_ms),
                encode_goals(claimed.goals),
                self._key(claim.claim_id),
                claim.claim_id,
                claim.goal_id,
                claim.period,
                claim.challenge_id,
                claim.namespace,
                claim.reward.type,
                claim.reward.reward_id,
                claim.reward.quantity,
                to_timestamp(claim.claimed_at_ms),
                lease,
            )
        except asyncpg.UniqueViolationError:
            self._on_conflict()
            return Making.CONFLICT
        except Unavailable as failure:
            return await self._look_again(claim, failure)
        if row["made"]:
            return Making.MADE
        return Making.ERASED if row["erased"] else Making.LOST

    async def undo(self, call: Call, undo: Undo) -> bool:
        """Under the lock of the player's row, so that nothing comes between reading and writing."""
        claim = call.claim
        async with self._database.transaction() as transaction:
            rows = await transaction.fetch("claims_lock_player", claim.player_id)
            unmade = await transaction.fetch("claims_unmake", claim.claim_id, call.attempt)
            if not unmade:
                return False
            if unmade[0]["erase"]:
                # A statement of its own: the deletion may have been waited for.
                await transaction.fetch("claims_forget_key", self._key(claim.claim_id))
            for row in rows:  # none, if the player's data were deleted meanwhile
                if row["format"] != FORMAT:
                    raise NewerLayout(
                        f"claim {claim.claim_id}: its player's facts have layout {row['format']}"
                    )
                goals = encode_goals(restored(decode_goals(row["goals"]), undo))
                await transaction.fetch("claims_restore_player", claim.player_id, goals)
        return True

    async def erase(self, player_id: str) -> Erased:
        """Three statements: each sees what was committed while the one before waited for a lock."""
        async with self._database.transaction() as transaction:
            removed = len(await transaction.fetch("erasure_remove_player", player_id))
            claims = await transaction.fetch("erasure_lock_claims", player_id)
            if not claims:
                return Erased(removed, kept=0)
            keys = [self._key(row["claim_id"]) for row in claims]
            [row] = await transaction.fetch("erasure_write", player_id, keys)
        return Erased(removed + row["removed"], row["kept"])

    async def _look_again(self, claim: Claim, failure: Unavailable) -> Making:
        """Find out, on another connection, whether the commit whose answer was lost took place.

        Without the claim nothing was written so far, and whoever tries again cannot write twice: it
        is the same row and the same id. A database that took too long is not asked to try again.
        """
        rows = await self._database.fetch("claims_find", claim.claim_id)
        if rows and to_ms(rows[0]["claimed_at"]) == claim.claimed_at_ms:
            return Making.MADE_UNHELD
        if isinstance(failure, TimedOut):
            raise failure
        return Making.LOST

    def _key(self, claim_id: UUID) -> bytes:
        return hmac.digest(self._erasure_secret, claim_id.bytes, hashlib.sha256)
