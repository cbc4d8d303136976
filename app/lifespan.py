"""Opens what every request uses, in order, and closes it in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from opentelemetry.sdk.trace import TracerProvider
from starlette.applications import Starlette

from app.domain.answer import Fragments
from app.domain.catalogue_state import CatalogueState
from app.domain.goal import Catalogue
from app.settings import Environment, Settings
from app.state import Services
from app.telemetry import FLUSH_MS_MAX, Metrics
from db.migrate import migrate, schema_is_current
from db.players import PgPlayers
from db.pool import Database
from db.revisions import PgRevisions
from middleware.loop_lag import LoopLag

log = structlog.get_logger()


class SchemaBehind(Exception):
    """The database lacks migrations that this release needs."""


@asynccontextmanager
async def lifespan(
    _: Starlette,
    *,
    settings: Settings,
    database_url: str,
    catalogue: Catalogue,
    metrics: Metrics,
    loop_lag: LoopLag,
    tracer_provider: TracerProvider,
) -> AsyncIterator[Services]:
    """Yield the services.

    Raises `DatabaseUnreachable`, `SchemaBehind`, `MigrationFailed` or `IdentityChanged`.
    """
    database = Database(
        database_url,
        size=settings.database_pool_size,
        on_statement=lambda name, s: metrics.database_operations.labels(name).observe(s),
    )
    await database.open()
    try:
        await _ready_schema(database, database_url, settings.environment)
        metrics.watch_database(lambda: database.in_use, database.size)
        loop_lag.start()
        metrics.loop_lag.set_function(lambda: loop_lag.read_ns() / 1e9)
        revisions = PgRevisions(database)
        revision = await revisions.register(catalogue)
        log.info("catalogue_loaded", revision=revision, goals=len(catalogue.goals))
        yield Services(
            players=PgPlayers(database),
            revisions=revisions,
            catalogue=CatalogueState(catalogue, revision, Fragments(catalogue)),
            database=database,
        )
    finally:
        loop_lag.stop()
        await database.close()
        await asyncio.to_thread(tracer_provider.force_flush, FLUSH_MS_MAX)


async def _ready_schema(database: Database, database_url: str, environment: Environment) -> None:
    """Migrate, but in production: there a job does it before the roll-out."""
    if await schema_is_current(database):
        return
    if environment is Environment.PRODUCTION:
        raise SchemaBehind("the schema is behind this release; run `python -m app migrate` first")
    await asyncio.to_thread(migrate, database_url)
