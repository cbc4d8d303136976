"""The claims' rows as an outbox; `app.domain.reward.Outbox` has each method's promise."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record

from app.domain.goal import Reward
from app.domain.reward import Call, Claim, ClaimState, Settlement
from db.pool import Database
from db.timestamps import to_ms, to_timestamp

SWEEP_MAX = 1_000
"""How many rows one sweep removes; the next one takes the rest."""


class StoredClaim(NamedTuple):
    """A claim with all that its row says, for a person."""

    claim: Claim
    state: ClaimState
    attempt: int
    leased: bool
    uncertain: bool
    due_at: datetime
    error: str | None
    settled_at: datetime | None
    erase: bool


class PgOutbox:
    """What the provider's answers, and people, do with claims, in PostgreSQL.

    Only rows of claims are locked here, and a lease takes none that is locked already.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lease(self, limit: int, lease_ms: int) -> Sequence[Call]:
        """Take what is due, oldest first."""
        rows = await self._database.fetch("claims_lease", limit, timedelta(milliseconds=lease_ms))
        return [
            Call(
                _to_claim(row),
                row["attempt"],
                row["attempt"] - row["attempts_before"],
                row["uncertain"],
            )
            for row in rows
        ]

    async def settle(self, call: Call, settlement: Settlement) -> bool:
        """Write it if it is news; then remove what a deletion left to be removed."""
        rows = await self._database.fetch(
            "claims_settle",
            call.claim.claim_id,
            call.attempt,
            settlement.state,
            settlement.error,
            timedelta(milliseconds=settlement.delay_ms),
            settlement.uncertain,
            settlement.counted,
        )
        await self._sweep_if_erased(rows)
        return bool(rows)

    async def release(self, call: Call) -> None:
        """Know the claim by its moment, too: the same key may be claimed by others just now."""
        claim = call.claim
        await self._database.fetch(
            "claims_release", claim.claim_id, call.attempt, to_timestamp(claim.claimed_at_ms)
        )

    async def count_open(self) -> Mapping[ClaimState, int]:
        """Count by the partial indexes, which hold no granted claim."""
        rows = await self._database.fetch("claims_count_open")
        return {ClaimState(row["state"]): row["number"] for row in rows}

    async def count_open_by_goal(self) -> Mapping[str, int]:
        """Count by the partial indexes, as above; the goals are those of every catalogue."""
        counts: Counter[str] = Counter()
        for row in await self._database.fetch("claims_count_open_by_goal"):
            counts[row["goal"]] += row["number"]
        return counts

    async def sweep(self) -> int:
        """Remove what is settled and marked."""
        return len(await self._database.fetch("claims_sweep", SWEEP_MAX))

    async def list_open(self, states: Collection[ClaimState], limit: int) -> list[StoredClaim]:
        """Return claims of states other than granted, the oldest of each state first."""
        found: list[StoredClaim] = []
        for state in states:
            rows = await self._database.fetch("claims_in_state", state, limit)
            found += map(_to_stored, rows)
        return found

    async def list_of_player(self, player_id: str, limit: int) -> list[StoredClaim]:
        """Return a player's claims, the oldest first."""
        rows = await self._database.fetch("claims_of_player", player_id, limit)
        return [_to_stored(row) for row in rows]

    async def decide(self, claim_id: UUID, state: ClaimState) -> bool:
        """Write what a person decided; pending means new attempts, beginning now.

        Return False if there is no such claim, or it is granted already. Once it is not pending,
        whoever is calling the provider for it can still write that it was granted, and nothing
        else.
        """
        rows = await self._database.fetch("claims_decide", claim_id, state)
        await self._sweep_if_erased(rows)
        return bool(rows)

    async def retry(self, state: ClaimState, limit: int) -> int:
        """Ask anew for claims that are refused or in doubt, oldest first; return how many."""
        return len(await self._database.fetch("claims_retry", state, limit))

    async def _sweep_if_erased(self, rows: Sequence[Record]) -> None:
        # A statement of its own: the deletion may have marked the row while it was waited for.
        if any(row["erase"] for row in rows):
            await self.sweep()


def _to_claim(row: Record) -> Claim:
    return Claim(
        claim_id=UUID(int=row["claim_id"].int),
        player_id=row["player"],
        goal_id=row["goal"],
        period=row["period"],
        challenge_id=row["challenge"],
        namespace=row["namespace"],
        reward=Reward(row["reward_type"], row["reward_id"], row["reward_quantity"]),
        claimed_at_ms=to_ms(row["claimed_at"]),
    )


def _to_stored(row: Record) -> StoredClaim:
    return StoredClaim(
        _to_claim(row),
        ClaimState(row["state"]),
        row["attempt"],
        row["leased"],
        row["uncertain"],
        row["due_at"],
        row["error"],
        row["settled_at"],
        row["erase"],
    )
