"""Opens what every request uses, in order, and closes it in reverse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from opentelemetry.sdk.trace import TracerProvider
from starlette.applications import Starlette

from app.domain.catalogue_state import CatalogueState
from app.domain.clock import Clock
from app.domain.goal import Catalogue
from app.errors import Problem
from app.events.days import keeping_days
from app.failures import SchemaBehind
from app.rewards.service import open_rewards
from app.services.plans import find_shared
from app.settings import Settings
from app.state import Services
from app.telemetry import Metrics, flush_spans
from db.claims import PgClaims
from db.events import PgEvents
from db.migrate import schema_is_current
from db.outbox import PgOutbox
from db.players import PgPlayers
from db.pool import Database
from db.revisions import PgRevisions
from middleware.loop_lag import LoopLag

COUNTS_PLAYERS: Final = "python -m app catalogue check FILE --against-database"

log = structlog.get_logger()


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

    Raises `DatabaseUnreachable`, `SchemaBehind`, `IdentityChanged`, or `Problem` when the database
    goes away meanwhile.
    """
    database = Database(
        database_url,
        size=settings.database_pool_size,
        on_statement=lambda name, s: metrics.database_operations_of(name).observe(s),
    )
    await database.open()
    try:
        if not await schema_is_current(database):
            raise SchemaBehind("the schema is behind; run `python -m app migrate` first")
        metrics.watch_database(lambda: database.in_use, database.size)
        loop_lag.start()
        metrics.loop_lag.set_function(lambda: loop_lag.read_ns() / 1e9)
        revisions = PgRevisions(database)
        revision = await revisions.register(catalogue)
        state = CatalogueState(catalogue, revision)
        # Of those who come under this catalogue: most on launch day.
        await find_shared([(revision,)], state, revisions)
        log.info("catalogue_loaded", revision=revision, goals=len(catalogue.goals))
        clock = Clock()
        events = PgEvents(database, clock)
        outbox = PgOutbox(database)
        async with (
            _telling_what_is_lacking(revisions, catalogue),
            keeping_days(events),
            open_rewards(settings, outbox, metrics) as deliveries,
        ):
            yield Services(
                players=PgPlayers(database, clock),
                revisions=revisions,
                catalogue=state,
                events=events,
                clock=clock,
                claims=PgClaims(
                    database,
                    erasure_secret=settings.erasure_key,
                    on_conflict=metrics.claim_conflicts.inc,
                ),
                deliveries=deliveries,
                namespace=settings.namespace,
                database=database,
            )
    finally:
        loop_lag.stop()
        await database.close()
        await flush_spans(tracer_provider)


@asynccontextmanager
async def _telling_what_is_lacking(
    revisions: PgRevisions, catalogue: Catalogue
) -> AsyncIterator[None]:
    """Say beside the block how many goals the catalogue lacks that earlier ones had."""
    task = asyncio.create_task(_tell_what_is_lacking(revisions, catalogue))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _tell_what_is_lacking(revisions: PgRevisions, catalogue: Catalogue) -> None:
    """Log one line if there are any. Whoever has them is not counted: that reads every player."""
    try:
        goals, given = await revisions.lacking(catalogue)
    except Problem as problem:
        log.warning("catalogue_not_compared", cause=repr(problem.__cause__)[:200])
    except Exception:
        log.exception("catalogue_not_compared")
    else:
        if goals:
            log.info(
                "catalogue_lacks_goals",
                goals=goals,
                given_by_default=given,
                counts_players=COUNTS_PLAYERS,
            )
