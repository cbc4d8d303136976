"""`serve`: one service, from its settings to its end."""

import argparse
import asyncio
import shlex
import signal
import sys
import time
from collections.abc import Coroutine
from functools import partial

import structlog
import uvloop
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from app.background import beside
from app.commands.common import (
    RunningDatabase,
    data_dir_of,
    load_catalogue,
    naming_catalogue,
    read_settings,
    running_database,
)
from app.domain.goal import Catalogue
from app.failures import SchemaBehind
from app.lifespan import lifespan
from app.logs import logging_apart
from app.main import create_app
from app.opentelemetry_check import opentelemetry_checked
from app.operations.main import create_operations_app
from app.output import print_apart
from app.parts import create_core, create_tokens
from app.serving.lifecycle import Lifecycle
from app.serving.loop_lag import LoopLag
from app.serving.server import Addresses, Sockets, bound_sockets, joined, run
from app.setting_types import Environment
from app.settings import Settings
from app.shared_clock import SharedClock
from app.telemetry import Metrics, create_tracer_provider
from db.embedded import EmbeddedPostgres
from db.embedded_watch import keep_running
from db.migrate import migrate
from middleware.tickets import TicketClock

log = structlog.get_logger()


def serve(_: argparse.Namespace) -> int:
    """Serve players until told to stop; return 10 if requests had to be cut, else 0."""
    settings = read_settings().settings
    with logging_apart(settings.log_level):
        return _serve(settings)


def _serve(settings: Settings) -> int:
    loaded = load_catalogue(settings)
    provider = _tracer_provider(settings)
    trace.set_tracer_provider(provider)
    # A port that is not free is told before a database is made or started.
    with (
        bound_sockets(settings) as sockets,
        naming_catalogue(settings),
        running_database(settings) as database,
    ):
        if database.embedded is not None:
            log.info("embedded_database", data_dir=str(data_dir_of(settings)))
        serve_once = partial(_serve_once, settings, sockets, loaded.catalogue, provider, database)
        try:
            return serve_once()
        except SchemaBehind:
            if settings.environment is Environment.PRODUCTION:
                raise  # there a job migrates, before the roll-out
        # Between two loops, in the main thread: a signal then ends this process at once.
        migrate(database.url)
        return serve_once()


def _tracer_provider(settings: Settings) -> TracerProvider:
    """Return what traces go through. Raises `SettingsInvalid` for what OpenTelemetry cannot read.

    Its SDK reads variables of its own, besides those that are settings here.
    """
    with opentelemetry_checked():
        return create_tracer_provider(
            settings.otel_service_name,
            settings.otel_exporter_otlp_endpoint,
            settings.otel_traces_sampler_arg,
        )


def _serve_once(
    settings: Settings,
    sockets: Sockets,
    catalogue: Catalogue,
    provider: TracerProvider,
    database: RunningDatabase,
) -> int:
    lifecycle, metrics, loop_lag = Lifecycle(), Metrics(), LoopLag()
    shared_clock, core = SharedClock(), create_core(settings)
    clock = TicketClock(time.monotonic_ns, shared_clock.now_ms)
    tokens = create_tokens(settings, shared_clock, metrics)
    serving = run(
        create_app(
            settings,
            core=core,
            clock=clock,
            tokens=tokens,
            metrics=metrics,
            loop_lag=loop_lag,
        ),
        create_operations_app(
            clock_may_be_set=settings.clock_may_be_set, token=settings.operations_token
        ),
        settings,
        sockets,
        lifespan=lifespan(
            settings=settings,
            database_url=database.url,
            catalogue=catalogue,
            lifecycle=lifecycle,
            metrics=metrics,
            loop_lag=loop_lag,
            tracer_provider=provider,
            shared_clock=shared_clock,
            core=core,
            clock=clock,
            tokens=tokens,
        ),
        lifecycle=lifecycle,
        metrics=metrics,
        on_ready=partial(_greet, settings),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if database.embedded is None:
            return runner.run(serving)
        return runner.run(_while_running(database.embedded, serving))


async def _while_running(server: EmbeddedPostgres, serving: Coroutine[None, None, int]) -> int:
    """Serve, and keep the embedded database running. If that cannot be done, end as when told to.

    Raises `EmbeddedPostgresError` then.
    """
    async with beside(keep_running(server)) as watching:
        watching.add_done_callback(_end_unless_cancelled)
        try:
            return await serving
        finally:
            watching.remove_done_callback(_end_unless_cancelled)


def _end_unless_cancelled(watching: "asyncio.Task[None]") -> None:
    if not watching.cancelled():
        signal.raise_signal(signal.SIGTERM)


def _greet(settings: Settings, addresses: Addresses) -> None:
    """Tell a person at a local machine what to try; the log is for operators."""
    if settings.environment is Environment.LOCAL:
        print_apart(_greeting(settings, addresses))


def _greeting(settings: Settings, addresses: Addresses) -> str:
    players, operations = (f"http://{joined(*address)}" for address in addresses)
    who = "Authorization: Bearer TOKEN" if settings.auth_enabled else "x-mock-user-id: alice"
    # Another Python has not what this one has.
    python = shlex.quote(sys.executable)
    return f"""
Headrace is ready.

  players     {players}/challenge/v1/challenges
  operations  {operations}/metrics
  data        {_whereabouts(settings, python)}

  curl -X POST -H '{who}' {players}/challenge/v1/challenges/initialize
  curl -H '{who}' '{players}/challenge/v1/challenges?active_only=true'
  curl {operations}/readyz
  {python} -m app demo --url {players} --operations-url {operations}

"""


def _whereabouts(settings: Settings, python: str) -> str:
    """Return where the data are, and how to be rid of those that this service made."""
    if settings.database_url is not None:
        return "in the database of DATABASE_URL"
    folder = data_dir_of(settings)
    given = "" if settings.data_dir is None else f"DATA_DIR={shlex.quote(str(folder))} "
    return f"{folder}, kept; to remove them: {given}{python} -m app clean-data"
