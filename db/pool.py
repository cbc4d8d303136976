"""The connections to PostgreSQL: a fixed number, each wait bounded, never the queue.

    Database.fetch(name, ...)
      └─ a client span, if the request is traced
          └─ a connection, within `acquire_s_max`
              └─ the named statement, within `statement_s_max`

    Database.transaction()
      └─ a connection, within `acquire_s_max`
          └─ begin, statements by name, commit: each with its own span and bound

The admission gate lets in no more than there are connections, so waiting for one is the exception.
`ping` has a connection of its own: whether the database answers does not depend on who uses it.
"""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

import asyncpg
from asyncpg import Pool, Record
from opentelemetry import trace

from db.address import derive
from db.connections import CANCEL_S_MAX, Connections, is_lost
from db.errors import AWAY, DatabaseUnreachable, map_errors
from db.grants import what_to_grant
from db.sessions import NoSession, check_sessions, pooler_s_advice, settings_sql
from db.sql import Statement, load_statements

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

CLOSE_S_MAX = 3.0
PING_S_MAX = 2.0
# The server stops by itself what the client gave up and could not cancel.
SERVER_MARGIN_MS = 250
NAMED = {"application_name": "headrace"}
RETRY_S_MIN = 0.1
RETRY_S_MAX = 1.0
# Who was here a moment ago may still hold connections; a server that is too small stays so.
FULL_S_MAX = 2.0
# Of what looks as if the database were away: this does not change while we wait.
FOR_GOOD = (PermissionError, ssl.SSLCertVerificationError)
REFUSES_TLS = "rejected SSL upgrade"


class Database:
    """Runs named statements. The database's failures are `Unavailable`."""

    def __init__(
        self,
        database_url: str,
        *,
        size: int,
        acquire_s_max: float = 5.0,
        statement_s_max: float = 5.0,
        lock_s_max: float = 1.0,
        tracer: trace.Tracer | None = None,
        on_statement: Callable[[str, float], None] | None = None,
    ) -> None:
        """`on_statement` is told each statement's name and seconds, waiting included.

        A statement waits at most `lock_s_max` for a row that somebody else has locked: one row must
        not keep all connections.
        """
        self.size = size
        self._address = derive(database_url)
        self._acquire_s_max = acquire_s_max
        self._statement_s_max = statement_s_max
        self._lock_s_max = lock_s_max
        self._tracer = tracer or trace.get_tracer("headrace.db")
        self._on_statement = on_statement or _ignore
        self._statements = load_statements()
        self._connections: Connections | None = None
        self._for_ping: Connections | None = None
        self._ping: asyncio.Task[None] | None = None

    @property
    def in_use(self) -> int:
        """How many connections run a statement now."""
        return self._connections.in_use if self._connections is not None else 0

    async def open(self, wait_s_max: float = 10.0) -> None:
        """Connect. Keep trying while the database is away, then raise DatabaseUnreachable.

        What trying again cannot change is raised at once.
        """
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        delay_s = RETRY_S_MIN
        while True:
            try:
                pools = await self._connect_both()
            except (*AWAY, asyncpg.PostgresError, asyncpg.InterfaceError, NoSession) as failure:
                if loop.time() + delay_s - began_s > min(wait_s_max, _retry_s_max(failure)):
                    raise self._unreachable(failure) from failure
            else:
                self._connections, self._for_ping = (
                    Connections(pool, acquire_s_max=self._acquire_s_max) for pool in pools
                )
                return
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, RETRY_S_MAX)

    async def close(self) -> None:
        """Let running statements end, in bounded time, and close all connections."""
        opened = [one for one in (self._connections, self._for_ping) if one is not None]
        try:
            with suppress(TimeoutError):
                # At once: one that hangs takes no time from the other.
                async with asyncio.timeout(CLOSE_S_MAX), asyncio.TaskGroup() as closing:
                    for connections in opened:
                        closing.create_task(connections.close())
        finally:
            # Nothing, unless the closing was broken off.
            for connections in opened:
                connections.terminate()

    async def fetch(self, name: str, *arguments: object) -> list[Record]:
        """Run the statement of this name and return its rows."""
        return await self._fetch_from(self._connections, name, *arguments)

    async def _fetch_from(
        self, lender: Connections | None, name: str, *arguments: object
    ) -> list[Record]:
        statement = self._statements[name]
        with map_errors(), self._observed(statement):
            connections = _open(lender)
            connection = await connections.acquire()
            sound = False
            try:
                rows = await self._run(connection, statement, arguments)
                sound = True
            finally:
                await connections.release(connection, sound=sound)
            return rows

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """Yield a transaction on one connection; commit when the block ends.

        If the block raises or is cancelled, nothing is written. A `Unavailable`
        out of the commit itself leaves open whether it was: read again before trying again.
        READ COMMITTED: each statement sees what was committed before that statement began, so read
        what you waited for in a statement after the one that locked it.
        """
        with map_errors():
            connections = _open(self._connections)
            connection = await connections.acquire()
        sound = False
        try:
            transaction = Transaction(partial(self._fetch_on, connection))
            await transaction.fetch("transaction_begin")
            yield transaction
            await self._commit(connection)
            sound = True
        except BaseException:
            await self._roll_back(connection)
            raise
        finally:
            await connections.release(connection, sound=sound)

    async def ping(self) -> None:
        """Ask whether the database answers, within 2 s. Callers at once share one question."""
        if self._ping is None or self._ping.done():
            self._ping = asyncio.create_task(self._ask())
            # If all callers have left, nobody else hears of the failure, and that is well.
            self._ping.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        # Shielded: a caller that leaves does not take the question from the others.
        await asyncio.shield(self._ping)

    async def _ask(self) -> None:
        with map_errors():
            async with asyncio.timeout(PING_S_MAX):
                await self._fetch_from(self._for_ping, "database_ping")

    async def _connect_both(self) -> "tuple[Pool[Record], Pool[Record]]":
        await check_sessions(self._connection, self._statements["database_session"].text)
        with ExitStack() as undoing:
            pool = await self._connect(self.size)
            undoing.callback(pool.terminate)
            other = await self._connect(1)
            undoing.callback(other.terminate)
            undoing.pop_all()
        return pool, other

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Yield a connection that leaves no trace in the session that serves it."""
        connection = await asyncpg.connect(
            self._address.asyncpg,
            timeout=self._acquire_s_max,
            command_timeout=self._statement_s_max,
            # A statement with a name would stay in a pooler's session, for whoever comes next.
            statement_cache_size=0,
            server_settings=NAMED,
        )
        try:
            yield connection
        except BaseException:
            connection.terminate()
            raise
        await connection.close(timeout=CANCEL_S_MAX)

    async def _connect(self, size: int) -> "Pool[Record]":
        return await asyncpg.create_pool(
            self._address.asyncpg,
            min_size=size,
            max_size=size,
            max_inactive_connection_lifetime=0,
            timeout=self._acquire_s_max,
            command_timeout=self._statement_s_max,
            init=self._begin_session,
            reset=_keep_session,
            server_settings=NAMED,
        )

    async def _begin_session(self, connection: asyncpg.Connection) -> None:
        await connection.execute(
            settings_sql(
                statement_ms_max=int(self._statement_s_max * 1000) + SERVER_MARGIN_MS,
                idle_ms_max=int(self._statement_s_max * 1000),
                lock_ms_max=int(self._lock_s_max * 1000),
            )
        )

    async def _fetch_on(
        self, connection: "PoolConnectionProxy[Record]", name: str, *arguments: object
    ) -> list[Record]:
        statement = self._statements[name]
        with map_errors(), self._observed(statement), _noticing_loss(connection):
            return await self._run(connection, statement, arguments)

    async def _run(
        self,
        connection: "PoolConnectionProxy[Record]",
        statement: Statement,
        arguments: Iterable[object],
    ) -> list[Record]:
        try:
            return await connection.fetch(statement.text, *arguments, timeout=self._statement_s_max)
        except asyncpg.InternalClientError:
            # The driver lost track of this connection; nobody else may get it.
            connection.terminate()
            raise

    async def _commit(self, connection: "PoolConnectionProxy[Record]") -> None:
        statement = self._statements["transaction_commit"]
        with map_errors(), self._observed(statement), _noticing_loss(connection):
            done = await connection.execute(statement.text, timeout=self._statement_s_max)
        # PostgreSQL answers the commit of a failed transaction with a rollback, and no error.
        if done != "COMMIT":
            raise RuntimeError("a statement of this transaction failed, and the failure was hidden")

    async def _roll_back(self, connection: "PoolConnectionProxy[Record]") -> None:
        """Leave the connection without a transaction, or end it: the server then rolls back."""
        if is_lost(connection):
            return
        statement = self._statements["transaction_rollback"]
        try:
            async with asyncio.timeout(CANCEL_S_MAX):
                await connection.execute(statement.text)
        except BaseException as failure:
            if not is_lost(connection):
                connection.terminate()
            if not isinstance(failure, Exception):
                raise

    @contextmanager
    def _observed(self, statement: Statement) -> Iterator[None]:
        started_s = perf_counter()
        try:
            if not trace.get_current_span().is_recording():
                yield
                return
            with self._tracer.start_as_current_span(
                statement.name, kind=trace.SpanKind.CLIENT, attributes=statement.attributes
            ):
                yield
        finally:
            self._on_statement(statement.name, perf_counter() - started_s)

    def _unreachable(self, failure: Exception) -> DatabaseUnreachable:
        said = " ".join(str(failure).split())
        reason = self._address.redact(said) or type(failure).__name__
        needed = self.size + 1
        if isinstance(failure, asyncpg.TooManyConnectionsError):
            reason += (
                f"; {needed} are needed: lower DATABASE_POOL_SIZE, or let the server and"
                " this role have more"
            )
        elif isinstance(failure, TimeoutError):
            reason = (
                f"no answer within {self._acquire_s_max:g} s; if a pooler is in between, it has to"
                f" lend {needed} connections (DATABASE_POOL_SIZE and one)"
            )
        elif advice := pooler_s_advice(reason):
            reason += f"; {advice}"
        reason += what_to_grant(reason)
        return DatabaseUnreachable(f"no database at {self._address.label}: {reason}")


class Transaction:
    """Statements that become lasting together, on one connection. One at a time."""

    def __init__(self, fetch: Callable[..., Awaitable[list[Record]]]) -> None:
        self._fetch = fetch

    async def fetch(self, name: str, *arguments: object) -> list[Record]:
        """Run the statement of this name and return its rows.

        After a failure the transaction can only end: let the failure out of the block.
        """
        return await self._fetch(name, *arguments)


def _open(connections: Connections | None) -> Connections:
    if connections is None:
        raise ConnectionError("the pool is not open")
    return connections


@contextmanager
def _noticing_loss(connection: "PoolConnectionProxy[Record]") -> Iterator[None]:
    """Tell a connection that went away between two statements from our own mistakes."""
    try:
        yield
    except asyncpg.InterfaceError as failure:
        if is_lost(connection):
            raise ConnectionError("the connection was lost inside a transaction") from failure
        raise


async def _keep_session(_connection: object) -> None:
    """Leave a returned connection as it is, since no statement sets any state of the session.

    The pool's own reset is a round trip after each statement.
    """


def _retry_s_max(failure: Exception) -> float:
    """Return for how long it may be of use to try again after this failure at start."""
    if isinstance(failure, asyncpg.TooManyConnectionsError):
        return FULL_S_MAX
    if isinstance(failure, FOR_GOOD) or not isinstance(failure, AWAY):
        return 0
    said = str(failure)
    return 0 if REFUSES_TLS in said or pooler_s_advice(said) else math.inf


def _ignore(_name: str, _seconds: float) -> None:
    pass
