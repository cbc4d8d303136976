"""PostgreSQL's own counters tell what was written, once they are complete."""

import asyncpg
import pytest

from benchmarks.rules import counters
from benchmarks.rules.counters import StillConnected, Written, read_bytes, read_written

TABLES = ("one", "day")


async def run(database_url: str, *statements: str) -> None:
    connection = await asyncpg.connect(database_url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_rows_are_counted_by_table_and_by_what_was_done(database_url: str) -> None:
    await run(database_url, "create table one (a integer)", "insert into one values (1), (2), (3)")
    before = await read_written(database_url, TABLES)
    await run(
        database_url,
        "insert into one values (4)",
        "update one set a = a + 10 where a <= 2",
        "delete from one where a = 3",
    )
    written = (await read_written(database_url, TABLES))["one"].since(before["one"])
    assert (written.inserted, written.updated, written.deleted) == (1, 2, 1)
    assert written.rows == 4


async def test_the_tables_of_days_count_as_one(database_url: str) -> None:
    await run(
        database_url,
        "create table day (d date) partition by list (d)",
        "create table day_20260301 partition of day for values in ('2026-03-01')",
        "create table day_20260302 partition of day for values in ('2026-03-02')",
        "insert into day values ('2026-03-01'), ('2026-03-02'), ('2026-03-02')",
    )
    assert (await read_written(database_url, TABLES))["day"] == Written(inserted=3)


async def test_a_table_that_nobody_wrote_has_no_rows(database_url: str) -> None:
    assert (await read_written(database_url, ["player"]))["player"] == Written()


async def test_counts_are_not_taken_while_somebody_is_connected(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "ENDED_S_MAX", 0.1)
    connection = await asyncpg.connect(database_url)
    with pytest.raises(StillConnected):
        await read_written(database_url, TABLES)
    await connection.close()


async def test_indexes_are_part_of_what_a_table_takes(database_url: str) -> None:
    await run(
        database_url,
        "create table one (a integer primary key)",
        "insert into one select generate_series(1, 1000)",
    )
    size = await read_bytes(database_url, "one")
    assert size.heap > 0
    assert size.indexes > 0
    assert size.total >= size.heap + size.indexes
