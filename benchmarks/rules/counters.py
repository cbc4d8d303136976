"""What PostgreSQL itself counts: rows written, and bytes kept."""

import asyncio
import time
from collections.abc import Collection, Mapping

import asyncpg
import msgspec

# A backend tells its counters when it ends; until then they are not complete.
ENDED_S_MAX = 10.0
POLL_S = 0.02

_OTHERS = """
select count(*) from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid()
"""
# The tables of days count as the one that they are parts of.
_WRITTEN = r"""
select regexp_replace(relname, '_\d{8}$', '') as relation, sum(n_tup_ins)::bigint as inserted,
       sum(n_tup_upd)::bigint as updated, sum(n_tup_hot_upd)::bigint as updated_in_place,
       sum(n_tup_del)::bigint as deleted
from pg_stat_user_tables group by 1
"""
_BYTES = """
select pg_relation_size($1::text::regclass) as heap, pg_indexes_size($1::text::regclass) as indexes,
       pg_total_relation_size($1::text::regclass) as total
"""


class Written(msgspec.Struct, frozen=True):
    """Rows written in one table. `updated_in_place` of the updates touched no index."""

    inserted: int = 0
    updated: int = 0
    updated_in_place: int = 0
    deleted: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.inserted + self.updated + self.deleted

    def since(self, earlier: "Written") -> "Written":
        """Return what was written since an earlier reading."""
        return Written(
            self.inserted - earlier.inserted,
            self.updated - earlier.updated,
            self.updated_in_place - earlier.updated_in_place,
            self.deleted - earlier.deleted,
        )


class Bytes(msgspec.Struct, frozen=True):
    """What a table takes; `total` has its indexes, what is stored out of line, and its maps."""

    heap: int
    indexes: int
    total: int


class StillConnected(Exception):
    """Somebody is connected who was expected to be gone."""


async def read_written(database_url: str, tables: Collection[str]) -> Mapping[str, Written]:
    """Return what was ever written, by table, once nobody else is connected."""
    connection = await asyncpg.connect(database_url)
    try:
        end_s = time.monotonic() + ENDED_S_MAX
        while await connection.fetchval(_OTHERS):
            if time.monotonic() > end_s:
                raise StillConnected("other connections are open; their counts are not complete")
            await asyncio.sleep(POLL_S)
        rows = await connection.fetch(_WRITTEN)
    finally:
        await connection.close()
    counted = {
        row["relation"]: Written(
            row["inserted"], row["updated"], row["updated_in_place"], row["deleted"]
        )
        for row in rows
    }
    return {table: counted.get(table, Written()) for table in tables}


async def read_bytes(database_url: str, table: str) -> Bytes:
    """Return how large a table is."""
    connection = await asyncpg.connect(database_url)
    try:
        row = await connection.fetchrow(_BYTES, table)
    finally:
        await connection.close()
    assert row is not None
    return Bytes(row["heap"], row["indexes"], row["total"])
