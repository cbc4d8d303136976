"""The services as the application opens them, without a server: for what is measured below HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from app.domain.catalogue_state import CatalogueState
from app.domain.clock import Clock
from app.domain.goal import Catalogue
from db.events import PgEvents
from db.players import PgPlayers
from db.pool import Database
from db.revisions import PgRevisions


class Served(NamedTuple):
    """The ports to a database, and the catalogue that is served from it."""

    players: PgPlayers
    revisions: PgRevisions
    events: PgEvents
    state: CatalogueState


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
        yield Served(
            PgPlayers(database, clock),
            revisions,
            PgEvents(database, clock),
            CatalogueState(catalogue, revision),
        )
    finally:
        await database.close()
