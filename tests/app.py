"""The application in this process: on a real database, or on fakes."""

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

from opentelemetry.sdk.trace import TracerProvider

from app.catalogue.parse import parse_catalogue
from app.catalogue.served import ServedCatalogue
from app.domain.goal import Catalogue
from app.lifespan import lifespan
from app.main import create_app
from app.parts import create_core, create_tokens
from app.services.challenges import ChallengeService
from app.services.initialize import InitializeService
from app.services.selections import SelectionService
from app.serving.lifecycle import Lifecycle
from app.serving.loop_lag import LoopLag
from app.settings import Settings
from app.settings_loading import load_settings
from app.shared_clock import SharedClock
from app.telemetry import Metrics
from app.tokens.tokens import Tokens
from db.players import PgPlayers
from middleware.admission import AdmissionCore
from middleware.tickets import TicketClock
from tests.asgi_client import Exchange, http_scope
from tests.fakes import FakePlayers, FakeRevisions

V1 = "/challenge/v1"
SAMPLE = Path(__file__).parents[1] / "app" / "sample_catalogue.json"
HERE = TicketClock(time.monotonic_ns, lambda: time.monotonic_ns() // 1_000_000)


def sample_catalogue() -> Catalogue:
    return parse_catalogue(SAMPLE.read_bytes()).catalogue


def settings_for(**environ: str) -> Settings:
    return load_settings({"ENVIRONMENT": "test", "DATABASE_POOL_SIZE": "2", **environ}).settings


class Running:
    """An application that answers. `state` is its services."""

    def __init__(
        self,
        settings: Settings,
        *,
        metrics: Metrics,
        loop_lag: LoopLag,
        core: AdmissionCore | None = None,
        clock: TicketClock = HERE,
        tokens: Tokens | None = None,
    ) -> None:
        self.metrics = metrics
        self.state: dict[str, Any] = {}
        self.asgi = create_app(
            settings,
            metrics=metrics,
            loop_lag=loop_lag,
            core=core,
            clock=clock,
            tokens=tokens,
        )

    @property
    def served(self) -> ServedCatalogue:
        """The catalogue that is served, with its cohorts."""
        challenges: ChallengeService = self.state["challenges"]
        return challenges.served

    async def request(
        self,
        method: str,
        path: str,
        *,
        player: str | None = "alice",
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Exchange:
        path, _, query = path.partition("?")
        sent = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        if body:
            sent.append((b"content-length", str(len(body)).encode()))
        if player is not None:
            sent.append((b"x-mock-user-id", player.encode()))
        scope = http_scope(method, path, sent)
        scope["query_string"] = query.encode()
        scope["state"] = dict(self.state)
        exchange = Exchange(self.asgi, scope, body)
        await exchange.task
        return exchange


class App(Running):
    """The application on a database; as a context manager it starts and ends."""

    def __init__(
        self, settings: Settings, database_url: str, catalogue: Catalogue | None = None
    ) -> None:
        metrics, loop_lag, shared_clock = Metrics(), LoopLag(), SharedClock()
        tokens = create_tokens(settings, shared_clock, metrics)
        core, clock = create_core(settings), TicketClock(time.monotonic_ns, shared_clock.now_ms)
        self.lifecycle = Lifecycle()
        self._lifespan = partial(
            lifespan,
            settings=settings,
            database_url=database_url,
            catalogue=catalogue or sample_catalogue(),
            lifecycle=self.lifecycle,
            metrics=metrics,
            loop_lag=loop_lag,
            tracer_provider=TracerProvider(shutdown_on_exit=False),
            shared_clock=shared_clock,
            core=core,
            clock=clock,
            tokens=tokens,
        )
        super().__init__(
            settings,
            metrics=metrics,
            loop_lag=loop_lag,
            core=core,
            clock=clock,
            tokens=tokens,
        )

    async def __aenter__(self) -> Self:
        self._running = self._lifespan()
        self.state = dict(await self._running.__aenter__())
        self.players = PgPlayers(self.state["database"], self.state["clock"])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.__aexit__(None, None, None)


class FakeApp(Running):
    """The application on fakes: the clock stands until `players.clock_ms` is moved."""

    def __init__(self, clock_ms: int) -> None:
        super().__init__(
            settings_for(), metrics=Metrics(), loop_lag=LoopLag(), core=create_core(settings_for())
        )
        self.players, self.revisions = FakePlayers(clock_ms), FakeRevisions()

    async def publish(self, catalogue: Catalogue) -> None:
        """Serve a catalogue, as a pod of the next release would."""
        revision = await self.revisions.register(catalogue)
        served = ServedCatalogue(catalogue, revision, self.revisions)
        challenges = ChallengeService(self.players, served)
        self.state = {
            "challenges": challenges,
            "initialize": InitializeService(self.players, served),
            "selections": SelectionService(self.players, challenges),
        }
