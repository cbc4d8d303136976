"""Whether connections are sessions of their own, as everything here needs.

Between us and PostgreSQL there may be a pooler. One that pools sessions is as good as PostgreSQL
itself. One that pools transactions or statements gives a session to whoever comes next. Prepared
statements then meet a session that does not know them and fail now and then, and how long a
statement may wait is what somebody else has set.

A session's settings are sent once it is there. As parameters of its beginning they would be refused
by PgBouncer, which knows few of them.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeAlias

import asyncpg

Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]

BETWEEN: Final = "a pooler is in between"
CURE: Final = (
    "let it pool sessions (PgBouncer: pool_mode = session), or give DATABASE_URL PostgreSQL itself"
)
LIST_IT: Final = "add the database to PgBouncer's [databases]"
POOLERS_SAY: Final[Mapping[str, str]] = {
    "unsupported startup parameter": (
        f"{BETWEEN} that does not know it: take it out of DATABASE_URL, or name it in PgBouncer's"
        " ignore_startup_parameters"
    ),
    "statement pooling mode": f"{BETWEEN}: {CURE}",
    "bouncer config error": f"{BETWEEN} that does not know it: {LIST_IT}",
    "no such user": f"{BETWEEN} that does not know the role: add it to PgBouncer's auth_file",
    "no such database": f"{BETWEEN} that does not know it: {LIST_IT}",
}
"""What PgBouncer refuses for good, and what to do about it."""


class NoSession(Exception):
    """Connections are no sessions; the text says what to do."""


def settings_sql(*, statement_ms_max: int, idle_ms_max: int, lock_ms_max: int) -> str:
    """Return the statement that makes a new session one of ours."""
    settings = {
        "timezone": "'UTC'",
        "statement_timeout": str(statement_ms_max),
        "lock_timeout": str(lock_ms_max),
        # A process that hangs inside a transaction must not keep others from its rows.
        "idle_in_transaction_session_timeout": str(idle_ms_max),
        # Compiling a plan costs more than any statement here.
        "jit": "off",
        # Every statement looks rows up by key. A plan that was made while the table was
        # empty would scan it, and a launch day fills it faster than statistics follow.
        "enable_seqscan": "off",
    }
    return "; ".join(f"set {name} = {value}" for name, value in settings.items())


def pooler_s_advice(said: str) -> str | None:
    """Return what to do about what a pooler refuses for good; None if it is nothing of that."""
    return next((advice for words, advice in POOLERS_SAY.items() if words in said), None)


async def check_sessions(connect: Connect, query: str) -> None:
    """Raise NoSession if two connections are not each a session of its own.

    `query` asks for the process that serves. The connections have none of our settings: a session
    that goes to somebody else afterwards would keep them.
    """
    async with connect() as mine, connect() as theirs:
        try:
            # First while both are idle: a pooler with one session has none left for a second
            # connection once the first is in a transaction, and lets it wait.
            check_processes(first := await mine.fetchval(query), await theirs.fetchval(query))
            async with theirs.transaction():
                second = await theirs.fetchval(query)
                again = await mine.fetchval(query)
        except asyncpg.InvalidSQLStatementNameError as failure:
            raise NoSession(f"{BETWEEN}, and mixes up statements: {CURE}") from failure
    check_processes(first, second, again)


def check_processes(first: int, second: int, again: int | None = None) -> None:
    """Raise NoSession unless two connections are two processes; `again` is the first's, later."""
    if second in {first, again} or again not in {first, None}:
        raise NoSession(f"{BETWEEN}, and gives each transaction another session: {CURE}")
