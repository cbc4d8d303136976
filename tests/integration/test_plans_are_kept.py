"""What is asked for each player is planned a few times and then no more."""

from datetime import timedelta

import asyncpg
import pytest

from db.sql import load_statements

CALLS = 20

ARGUMENTS: dict[str, list[object]] = {
    "players_read": [],
    "players_begin": [timedelta(0), 1, 0, b"\x90"],
    "events_lock": [],
}


@pytest.mark.parametrize("name", ARGUMENTS)
async def test_what_one_player_asks_for_is_not_planned_anew_for_each_call(
    database_url: str, name: str
) -> None:
    """PostgreSQL plans five calls, and goes on if a plan for one player looks so much cheaper."""
    session = await asyncpg.connect(database_url)
    try:
        await session.execute("set enable_seqscan = off")  # as every connection of the service
        await session.execute(
            "insert into player select 'player-' || number, now(), now(), 1, 1, 0, '\\x90'"
            " from generate_series(1, 30_000) as number"
        )
        await session.execute("vacuum analyze player")
        statement = await session.prepare(load_statements()[name].text)
        for number in range(CALLS):
            await statement.fetch([f"player-{number}"], *ARGUMENTS[name])
        planned = await session.fetchval(
            "select custom_plans from pg_prepared_statements where name = $1",
            statement.get_name(),
        )
        assert planned == 5
    finally:
        await session.close()
