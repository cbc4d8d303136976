"""Capacity that is held in the database, so that a burst above it is the same on every machine.

A returning initialize reads its player: the policy on select takes one moment. A first one is the
same statement, but reads nothing and inserts: `returning` asks the same policy, once for each new
row. So both take one moment for each player, alone or batched. The service must connect as an
ordinary role: owners and superusers pass row security. `benchmarks.probe` confirms all of this
before a run may count.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import msgspec

from benchmarks.processes import parent_of

ROLE = "headrace_bench"
LAG_US_MAX = 20_000

_HELD_SQL = (Path(__file__).parent / "held.sql").read_text()
_TAKEN = "select case when is_called then last_value else 0 end from held.taken"


class Counts(msgspec.Struct, frozen=True):
    """Rows in `player`, and how many moments were taken since `empty` (0 when nothing is held)."""

    rows: int
    taken: int


def as_ordinary_role(owner_url: str) -> str:
    """Return the database's URL for the role that row security applies to."""
    parts = urlsplit(owner_url)
    return parts._replace(netloc=f"{ROLE}@{parts.netloc.rpartition('@')[2]}").geturl()


class Held:
    """The database as its owner sees it: prepares the role, holds and releases capacity, counts."""

    def __init__(self, owner_url: str) -> None:
        self._owner_url = owner_url

    async def prepare(self) -> None:
        """Make the ordinary role, allowed to read and write every table."""
        async with self._connection() as connection:
            await connection.execute(
                # Roles belong to the whole server, so another database may have made it.
                f"do $$ begin create role {ROLE} login;"
                "exception when duplicate_object then null; end $$;"
                f"grant select, insert, update, delete on all tables in schema public to {ROLE};"
                f"grant usage, select, update on all sequences in schema public to {ROLE};"
            )

    async def hold(self, rate_per_s: int) -> None:
        """Hold reads and inserts of players at `rate_per_s`, however they are batched."""
        await self.release()
        step_us = round(1_000_000 / rate_per_s)
        async with self._connection() as connection:
            await connection.execute(
                f"{_HELD_SQL};create policy held_select on player for select"
                f" using (held.take({step_us}, {LAG_US_MAX}))"
            )

    async def release(self) -> None:
        """Let the database do what it can."""
        async with self._connection() as connection:
            await connection.execute(
                "set client_min_messages = warning;"
                "alter table player disable row level security;"
                "drop schema if exists held cascade;"
                "drop policy if exists held_insert on player;"
                "drop policy if exists held_update on player;"
                "drop policy if exists held_delete on player;"
            )

    async def empty(self) -> None:
        """Forget every player and what was taken."""
        async with self._connection() as connection:
            await connection.execute("truncate player")
            await connection.execute("checkpoint")
            if await _is_held(connection):
                await connection.execute("select setval('held.taken', 1, false)")

    async def count(self) -> Counts:
        """Return what is stored and what was taken."""
        async with self._connection() as connection:
            rows = await connection.fetchval("select count(*) from player")
            taken = await connection.fetchval(_TAKEN) if await _is_held(connection) else 0
            return Counts(rows=rows, taken=taken)

    async def version(self) -> str:
        """Return the server's version."""
        async with self._connection() as connection:
            return str(await connection.fetchval("show server_version"))

    async def server_pid(self) -> int:
        """Return the process id of the server on this machine: the parent of every backend."""
        async with self._connection() as connection:
            return parent_of(await connection.fetchval("select pg_backend_pid()"))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self._owner_url)
        try:
            yield connection
        finally:
            await connection.close()


async def _is_held(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("select to_regnamespace('held') is not null"))
