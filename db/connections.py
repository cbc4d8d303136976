"""Connections on lease from asyncpg's pool.

The pool connects, replaces what was lost and counts. Giving a connection back to it costs as much
as a statement (a task, two time-outs), so one that has just served well waits here for the next
statement instead, unless somebody is in the pool's own line.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg

from db.errors import AWAY

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

# How long a cancelled statement may take to end. A server that is silent for longer loses the
# connection: waiting for its word would double every bound.
CANCEL_S_MAX = 0.25


class Connections:
    """Lends the pool's connections; no more than the pool has."""

    def __init__(self, pool: "Pool[Record]", *, acquire_s_max: float) -> None:
        self._pool = pool
        self._acquire_s_max = acquire_s_max
        self._idle: list[PoolConnectionProxy[Record]] = []
        self._in_line = 0
        self._closing = False

    @property
    def in_use(self) -> int:
        """How many connections run a statement now."""
        idle = sum(not is_lost(connection) for connection in self._idle)
        return self._pool.get_size() - self._pool.get_idle_size() - idle

    async def acquire(self) -> "PoolConnectionProxy[Record]":
        """Return a connection; wait for one no longer than `acquire_s_max`."""
        while self._idle:
            connection = self._idle.pop()
            if not is_lost(connection):
                return connection
        self._in_line += 1
        try:
            # Cheaper than the pool's own time-out, which makes a task of each call on Python 3.11.
            async with asyncio.timeout(self._acquire_s_max):
                return await self._pool.acquire()
        except asyncpg.InterfaceError as failure:
            raise ConnectionError("the pool is closing") from failure
        finally:
            self._in_line -= 1

    async def release(self, connection: "PoolConnectionProxy[Record]", *, sound: bool) -> None:
        """Take a connection back. `sound`: its last statement ended well, outside a transaction."""
        if sound and not self._in_line and not self._closing:
            self._idle.append(connection)
            return
        # The rows are here already, or the statement's own error is on its way: what goes wrong
        # now costs the pool this connection, and nobody else anything.
        with suppress(*AWAY, asyncpg.InterfaceError):
            await self._pool.release(connection, timeout=CANCEL_S_MAX)

    async def close(self) -> None:
        """Let running statements end, and close all connections."""
        self._closing = True
        while self._idle:
            await self.release(self._idle.pop(), sound=False)
        await self._pool.close()

    def terminate(self) -> None:
        """End at once what is not closed yet."""
        self._pool.terminate()


def is_lost(connection: "PoolConnectionProxy[Record]") -> bool:
    """Return whether the connection has ended."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool has taken back what is no connection any more.
        return True
