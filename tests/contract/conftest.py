"""Each suite here runs twice: against the fakes of tests/fakes.py and against PostgreSQL."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from app.domain.player import Players, Revisions
from db.players import PgPlayers
from db.pool import Database
from db.revisions import PgRevisions
from tests.fakes import FakePlayers, FakeRevisions


class Store(NamedTuple):
    """The ports, with nothing behind them yet."""

    players: Players
    revisions: Revisions


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "fake":
        yield Store(FakePlayers(), FakeRevisions())
        return
    database = Database(request.getfixturevalue("database_url"), size=2)
    await database.open()
    yield Store(PgPlayers(database), PgRevisions(database))
    await database.close()
