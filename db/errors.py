"""What the database's failures mean to whoever asked: try again, or nothing (our bug).

    Unavailable                     no answer in time, connection lost, refused, full, failing over
    RightMissing                    the role lacks a right: it helps to grant it, and to try again
    DatabaseUnreachable             the same at start, before anybody asked; for the operator
    anything else stays what it is  wrong SQL, broken constraint: our bug

The driver's error is the cause: it goes to the log line, never to the client.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from app.domain.errors import TimedOut, Unavailable
from db.grants import what_to_grant

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


class MigrationFailed(Exception):
    """A migration was not applied; the text is dbmate's, without the password."""


class RightMissing(Unavailable):
    """The role may not do what a statement does; the text says what to grant."""


@contextmanager
def map_errors() -> Iterator[None]:
    """Turn every failure that is the database's, not ours, into `Unavailable`."""
    try:
        yield
    except TimeoutError as failure:
        raise TimedOut from failure
    except (*AWAY, *_REFUSED) as failure:
        raise Unavailable from failure
    except asyncpg.InsufficientPrivilegeError as failure:
        said = " ".join(str(failure).split())
        raise RightMissing(f"the database refuses: {said}{what_to_grant(said)}") from failure
