"""The claims' rows as the trial needs them: what is open, what is granted, how long it took."""

from collections.abc import Collection

import asyncpg
import msgspec

_OPEN = "select state, count(*) as number from claim where state <> 'granted' group by state"
_CLAIMS = """
select claim_id::text as key, state, attempt, attempts_before > 0 as sent_on,
       extract(epoch from settled_at - claimed_at)::float8 as pending_s
from claim
"""


class StoredClaim(msgspec.Struct, frozen=True):
    """One row. `pending_s` is from the claim to the end of it, None while it is open.

    `sent_on` are those for which a person asked for new attempts.
    """

    key: str
    state: str
    attempt: int
    sent_on: bool
    pending_s: float | None


async def count_open(database_url: str) -> dict[str, int]:
    """Return how many claims are not granted, by state."""
    return {row["state"]: row["number"] for row in await _fetch(database_url, _OPEN)}


async def read_claims(database_url: str) -> list[StoredClaim]:
    """Return every claim."""
    return [StoredClaim(**row) for row in await _fetch(database_url, _CLAIMS)]


def longest_s(claims: Collection[StoredClaim]) -> float:
    """Return how long the slowest claim was pending; the time that a person took is not in it."""
    pending_s = [claim.pending_s or 0.0 for claim in claims if not claim.sent_on]
    return round(max(pending_s, default=0.0), 2)


async def _fetch(database_url: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database_url)
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()
