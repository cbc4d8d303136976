"""Opens what every request uses, in order, and closes it in reverse."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Final

import structlog
from opentelemetry.sdk.trace import TracerProvider

from app.background import beside
from app.bookings import shared_bookings
from app.catalogue.served import ServedCatalogue
from app.domain.clock import Clock
from app.domain.errors import Unavailable
from app.domain.goal import Catalogue
from app.domain.pieces import PieceSize
from app.events.days import keeping_days
from app.failures import SchemaBehind
from app.rewards.service import open_rewards
from app.services.challenges import ChallengeService
from app.services.claims import ClaimService
from app.services.events import EventService, IntakePolicy, keep_on
from app.services.initialize import InitializeService
from app.services.selections import SelectionService
from app.serving.lifecycle import Lifecycle
from app.serving.loop_lag import LoopLag
from app.settings import Settings
from app.shared_clock import SharedClock
from app.state import Services
from app.telemetry import Metrics, flush_spans
from app.tokens.tokens import Tokens
from db.bookings import PgBookings
from db.claims import PgClaims
from db.events import PgEvents
from db.migrate import schema_is_current
from db.outbox import PgOutbox
from db.players import PgPlayers
from db.pool import Database
from db.revisions import PgRevisions
from middleware.admission import AdmissionCore
from middleware.tickets import TicketClock

COUNTS_PLAYERS: Final = "python -m app catalogue check FILE --against-database"

log = structlog.get_logger()


@asynccontextmanager
async def lifespan(
    *,
    settings: Settings,
    database_url: str,
    catalogue: Catalogue,
    lifecycle: Lifecycle,
    metrics: Metrics,
    loop_lag: LoopLag,
    tracer_provider: TracerProvider,
    shared_clock: SharedClock,
    core: AdmissionCore | None,
    clock: TicketClock,
    tokens: Tokens | None,
) -> AsyncIterator[Services]:
    """Yield the services.

    Raises `DatabaseUnreachable`, `SchemaBehind`, `IdentityChanged`, or `Unavailable` when the
    database goes away meanwhile.
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
        served = ServedCatalogue(catalogue, revision, revisions)
        # The cohort of those who come under this catalogue: most on launch day.
        await served.cohort((revision,))
        log.info("catalogue_loaded", revision=revision, goals=len(catalogue.goals))
        moment = Clock()
        players, events = PgPlayers(database, moment), PgEvents(database, moment)
        await shared_clock.set_by(events.database_ms)
        claims = PgClaims(
            database,
            erasure_secret=settings.erasure_key,
            on_conflict=metrics.claim_conflicts.inc,
        )
        challenges = ChallengeService(players, served)
        policy = IntakePolicy(settings.namespace, settings.events_make_known, PieceSize())
        async with (
            beside(_tell_what_is_lacking(revisions, catalogue)),
            keeping_days(events),
            shared_bookings(PgBookings(database), core, clock),
            beside(shared_clock.keep_set(events.database_ms)),
            _refreshing(tokens, lifecycle),
            open_rewards(settings, PgOutbox(database), claims, metrics) as deliveries,
        ):
            yield Services(
                challenges=challenges,
                initialize=InitializeService(players, served),
                selections=SelectionService(players, challenges),
                claims=ClaimService(players, challenges, claims, deliveries, settings.namespace),
                events=EventService(events, served, policy),
                event_store=events,
                clock=moment,
                database=database,
                lifecycle=lifecycle,
                metrics=metrics,
                release_place=_nothing,
                hand_on_place=keep_on,
            )
    finally:
        loop_lag.stop()
        await database.close()
        await flush_spans(tracer_provider)


def _refreshing(tokens: Tokens | None, lifecycle: Lifecycle) -> AbstractAsyncContextManager[None]:
    """Keep keys fresh; until the first are there the process is not ready, but listens."""
    if tokens is None:
        return nullcontext()
    lifecycle.has_begun = lambda: tokens.have_sources
    return tokens.refreshing()


async def _tell_what_is_lacking(revisions: PgRevisions, catalogue: Catalogue) -> None:
    """Log one line if there are any. Whoever has them is not counted: that reads every player."""
    try:
        goals, assigned = await revisions.lacking(catalogue)
    except Unavailable as failure:
        log.warning("catalogue_not_compared", cause=repr(failure.__cause__ or failure)[:200])
    except Exception:
        log.exception("catalogue_not_compared")
    else:
        if goals:
            log.info(
                "catalogue_lacks_goals",
                goals=goals,
                assigned_by_default=assigned,
                counts_players=COUNTS_PLAYERS,
            )


def _nothing() -> None:
    """Stand in for what a gate would do."""
