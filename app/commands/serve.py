"""`serve`: one service, from its settings to its end."""

import argparse
import asyncio
import shlex
import sys
from functools import partial

import uvloop
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from app.commands.common import drop_output, load_catalogue, read_settings, running_database
from app.domain.goal import Catalogue
from app.handlers import health
from app.lifespan import SchemaBehind, lifespan
from app.logs import logging_apart
from app.main import create_app
from app.operations.main import create_operations_app
from app.server import Addresses, joined, run
from app.settings import Environment, Settings
from app.state import Lifecycle
from app.telemetry import Metrics, create_tracer_provider
from db.migrate import migrate
from middleware.loop_lag import LoopLag


def serve(_: argparse.Namespace) -> int:
    """Serve players until told to stop; return 10 if requests had to be cut, else 0."""
    settings = read_settings().settings
    with logging_apart(settings.log_level):
        return _serve(settings)


def _serve(settings: Settings) -> int:
    loaded = load_catalogue(settings)
    provider = create_tracer_provider(
        settings.otel_service_name,
        settings.otel_exporter_otlp_endpoint,
        settings.otel_traces_sampler_arg,
    )
    trace.set_tracer_provider(provider)
    with running_database(settings) as database_url:
        serve_once = partial(_serve_once, settings, loaded.catalogue, provider, database_url)
        try:
            return serve_once()
        except SchemaBehind:
            if settings.environment is Environment.PRODUCTION:
                raise  # there a job migrates, before the roll-out
        # Between two loops, in the main thread: a signal then ends this process at once.
        migrate(database_url)
        return serve_once()


def _serve_once(
    settings: Settings, catalogue: Catalogue, provider: TracerProvider, database_url: str
) -> int:
    lifecycle, metrics, loop_lag = Lifecycle(), Metrics(), LoopLag()
    app = create_app(
        settings,
        lifecycle=lifecycle,
        metrics=metrics,
        loop_lag=loop_lag,
        lifespan=partial(
            lifespan,
            settings=settings,
            database_url=database_url,
            catalogue=catalogue,
            metrics=metrics,
            loop_lag=loop_lag,
            tracer_provider=provider,
        ),
    )
    operations_app = create_operations_app(
        metrics,
        live=health.live,
        ready=health.readiness(lifecycle),
        clock_may_be_set=settings.environment is not Environment.PRODUCTION,
    )
    serving = run(
        app,
        operations_app,
        settings,
        lifecycle=lifecycle,
        metrics=metrics,
        on_ready=partial(_greet, settings),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serving)


def _greet(settings: Settings, addresses: Addresses) -> None:
    """Tell a person at a local machine what to try; the log is for operators."""
    if settings.environment is not Environment.LOCAL:
        return
    players, operations = (f"http://{joined(*address)}" for address in addresses)
    # Another Python has not what this one has.
    python = shlex.quote(sys.executable)
    greeting = f"""
Headrace is ready.

  players     {players}/challenge/v1/challenges
  operations  {operations}/metrics

  curl -X POST -H 'x-mock-user-id: alice' {players}/challenge/v1/challenges/initialize
  curl -H 'x-mock-user-id: alice' '{players}/challenge/v1/challenges?active_only=true'
  curl {operations}/readyz
  {python} -m app demo --url {players} --operations-url {operations}

"""
    try:
        sys.stdout.write(greeting)
        sys.stdout.flush()
    except OSError:
        drop_output()  # nobody reads it, or there is no room: players can be served all the same
