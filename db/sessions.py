"""Whether connections are sessions of their own, as everything here needs.

Between us and PostgreSQL there may be a pooler. One that pools transactions or statements gives a
session to whoever comes next: prepared statements are then somebody else's, and fail now and then.
One that drops the settings of sessions drops the bounds of waiting with them.
"""

from typing import TYPE_CHECKING, Final, NamedTuple

import asyncpg

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

CURE: Final = (
    "let the pooler pool sessions, with their settings, or give DATABASE_URL PostgreSQL itself"
)
POOLERS_SAY: Final = ("unsupported startup parameter", "statement pooling mode")
NOT_OURS: Final = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)


class NoSession(Exception):
    """Connections are no sessions; the text says what to do."""


class Session(NamedTuple):
    """What a session says of itself: its process, and how long it waits for a lock, in ms."""

    pid: int
    lock_ms_max: int


async def check_sessions(
    pool: "Pool[Record]", other: "Pool[Record]", query: str, lock_ms_max: int
) -> None:
    """Raise NoSession if a connection of each pool is not a session with our settings."""
    async with pool.acquire() as mine, other.acquire() as theirs:
        try:
            first = await _ask(mine, query)
            async with theirs.transaction():
                second = await _ask(theirs, query)
                again = await _ask(mine, query)
        except NOT_OURS as failure:
            raise NoSession(f"a pooler is in between, and mixes up statements: {CURE}") from failure
    if wrong := what_is_wrong(first, second, again, lock_ms_max):
        raise NoSession(f"{wrong}: {CURE}")


async def _ask(connection: "PoolConnectionProxy[Record]", query: str) -> Session:
    [row] = await connection.fetch(query)
    return Session(*row)


def what_is_wrong(first: Session, second: Session, again: Session, lock_ms_max: int) -> str | None:
    """Return what is wrong with two connections; `again` is the first while the second was busy."""
    if first.pid != again.pid or second.pid in {first.pid, again.pid}:
        return "a pooler is in between, and gives each transaction another session"
    if {first.lock_ms_max, second.lock_ms_max} != {lock_ms_max}:
        return "a pooler is in between, and drops the settings of sessions"
    return None
