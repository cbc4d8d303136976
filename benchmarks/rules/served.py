"""The services as the application opens them, without a server: for what is measured below HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from app.catalogue.served import ServedCatalogue
from app.domain.clock import Clock
from app.domain.goal import Catalogue
from app.services.challenges import ChallengeService
from app.services.initialize import InitializeService
from app.services.selections import SelectionService
from db.events import PgEvents
from db.players import PgPlayers
from db.pool import Database
from db.revisions import PgRevisions


class Served(NamedTuple):
    """The ports to a database, the catalogue that is served from it, and services upon both."""

    players: PgPlayers
    events: PgEvents
    served: ServedCatalogue
    initialize: InitializeService
    selections: SelectionService


@asynccontextmanager
async def served(
    database_url: str, catalogue: Catalogue, *, size: int = 1
) -> AsyncIterator[Served]:
    """Yield the services on `size` connections; the catalogue is registered."""
    database, clock = Database(database_url, size=size), Clock()
    await database.open()
    try:
        revisions = PgRevisions(database)
        revision = await revisions.register(catalogue)
        players, to_serve = (
            PgPlayers(database, clock),
            ServedCatalogue(catalogue, revision, revisions),
        )
        yield Served(
            players,
            PgEvents(database, clock),
            to_serve,
            InitializeService(players, to_serve),
            SelectionService(players, ChallengeService(players, to_serve)),
        )
    finally:
        await database.close()
