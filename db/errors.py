"""What the database's failures mean to a client: try again, or nothing (our bug).

    Problem(database_unavailable)   no answer in time, connection lost, refused, full, failing over
    DatabaseUnreachable             the same at start, before anybody asked; for the operator
    anything else stays what it is  wrong SQL, broken constraint: `internal`

The driver's text goes to the log line, as the problem's cause, never to the client.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from app.errors import Problem, Reason

RETRY_AFTER_MS = (500, 3000)
DETAIL = "The database does not answer in time; try again shortly."

# At start these are wrong settings; later, a password or a database that changed under us.
_REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)

AWAY = (
    OSError,  # refused, reset, no such socket; TimeoutError is one, too
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # statement time-out, shutting down, starting up
    asyncpg.InsufficientResourcesError,  # too many connections, disk or memory full
    asyncpg.PostgresSystemError,  # its disk fails
    asyncpg.LockNotAvailableError,
    asyncpg.TransactionRollbackError,  # deadlock
    asyncpg.ReadOnlySQLTransactionError,  # this server has become a standby
    asyncpg.InternalClientError,  # what was heard of a dying server made no sense to the driver
)


class DatabaseUnreachable(Exception):
    """The database could not be reached at start; the text says where it was sought and why."""


@contextmanager
def map_errors() -> Iterator[None]:
    """Turn every failure that is the database's, not ours, into Problem(database_unavailable)."""
    try:
        yield
    except (*AWAY, *_REFUSED) as failure:
        raise unavailable() from failure


def unavailable(detail: str = DETAIL) -> Problem:
    """Return the problem, with a moment at random: not all should return together."""
    retry_after_ms = random.randint(*RETRY_AFTER_MS)  # noqa: S311 - nothing secret about it
    return Problem(
        Reason.DATABASE_UNAVAILABLE,
        detail,
        headers={"Retry-After": str(-(-retry_after_ms // 1000))},
        extra={"retry_after_ms": retry_after_ms},
    )
