"""A pooler between the service and PostgreSQL: as good as PostgreSQL, or refused at the start."""

import asyncio
from pathlib import Path

import pytest

from db.errors import DatabaseUnreachable
from db.migrate import check_lock_is_ours
from db.pool import Database
from tests.eventually import PATIENCE_S
from tests.integration.test_pool import with_statements
from tests.pooler import pooler


async def test_a_pooler_of_sessions_serves_with_all_settings_kept(
    database_url: str, tmp_path: Path
) -> None:
    async with pooler(database_url, tmp_path) as url:
        database = with_statements(Database(url, size=1, statement_s_max=1.0))
        await database.open(wait_s_max=0)
        for _ in range(2):
            async with database.transaction() as transaction:
                await transaction.fetch("transaction_wait_longer")
            values = [
                (await database.fetch("setting", name))[0][0]
                for name in ("lock_timeout", "statement_timeout", "TimeZone", "enable_seqscan")
            ]
            assert values == ["1s", "1250ms", "UTC", "off"]
        await database.close()


@pytest.mark.parametrize(
    ("says", "advice"),
    [
        (None, "pool_mode = session"),
        ("transaction blocks not allowed in statement pooling mode", "pool_mode = session"),
        ("unsupported startup parameter: options", "ignore_startup_parameters"),
        ("no such database: headrace", r"\[databases\]"),
        ("bouncer config error", r"\[databases\]"),
        ("no such user: headrace", "auth_file"),
    ],
)
async def test_what_a_pooler_cannot_do_is_told_at_once_with_what_to_do(
    database_url: str, tmp_path: Path, says: str | None, advice: str
) -> None:
    """None: it lends its one session to each transaction, as PgBouncer's transaction mode does."""
    async with pooler(database_url, tmp_path, transactions=True, says=says) as url:
        with pytest.raises(DatabaseUnreachable, match=f"a pooler is in between.*{advice}") as told:
            async with asyncio.timeout(PATIENCE_S):
                await Database(url, size=2).open(wait_s_max=3600)
        if says is None:
            with pytest.raises(DatabaseUnreachable, match=advice):
                await check_lock_is_ours(url)
    assert "\n" not in str(told.value)
