"""The request's path, on one screen.

tracing ─► /healthz /readyz /challenge/healthz       outside the gate, visibly
    └────► /challenge/v1 ─► body ─► gate ─► auth ─► handler ─► service ─► repository
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Router

from app.errors import EXCEPTION_HANDLERS
from app.handlers import challenges, health
from app.routing import OneMethodRoute
from app.settings import AdmissionMode, Settings
from app.state import Lifecycle
from app.telemetry import Metrics
from middleware.admission import AdmissionCore, AdmissionSettings, Class, Rate
from middleware.auth import Authenticator, AuthMiddleware, MockAuthenticator
from middleware.body_limits import BodyLimits
from middleware.classifier import Classifier
from middleware.gate import AdmissionGate
from middleware.loop_lag import LoopLag
from middleware.tracing import TracingMiddleware

V1 = "/challenge/v1"
CLASSES = {("POST", f"{V1}/challenges/initialize"): Class.INITIALIZE}

INITIALIZE_BURST_S = 0.1
QUOTA_BURST_S = 2
"""How many seconds' worth of tokens may be saved up."""

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[Mapping[str, Any]]]


def create_app(
    settings: Settings,
    *,
    lifecycle: Lifecycle,
    metrics: Metrics,
    loop_lag: LoopLag,
    lifespan: Lifespan,
) -> Starlette:
    """Return the application for the player port."""
    authenticator = MockAuthenticator()
    body = Middleware(
        BodyLimits, bytes_max=settings.body_bytes_max, seconds_max=settings.body_s_max
    )
    gate = _gate(settings, authenticator, metrics, loop_lag)
    auth = Middleware(AuthMiddleware, authenticator=authenticator)
    v1 = [
        OneMethodRoute("GET", "/challenges", challenges.list_all, prefix=V1),
        OneMethodRoute("POST", "/challenges/initialize", challenges.initialize, prefix=V1),
    ]
    app = Starlette(
        lifespan=lifespan,
        middleware=[Middleware(TracingMiddleware, metrics=metrics)],
        routes=[
            OneMethodRoute("GET", "/healthz", health.live),
            OneMethodRoute("GET", "/readyz", health.readiness(lifecycle)),
            OneMethodRoute("GET", "/challenge/healthz", health.challenge_healthz),
            Mount(V1, Router(v1, redirect_slashes=False), middleware=[body, *gate, auth]),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.router.redirect_slashes = False
    return app


def _gate(
    settings: Settings, authenticator: Authenticator, metrics: Metrics, loop_lag: LoopLag
) -> Sequence[Middleware]:
    """Return the gate, or nothing where it is off."""
    if settings.admission_mode is AdmissionMode.OFF:
        return []
    core = AdmissionCore(admission_settings(settings))
    metrics.watch_admission(lambda: core.snapshot(time.monotonic_ns()))
    return [
        Middleware(
            AdmissionGate,
            core=core,
            classify=Classifier(CLASSES, authenticator),
            hooks=[metrics.on_admission],
            loop_lag_ns=loop_lag.read_ns,
        )
    ]


def admission_settings(settings: Settings) -> AdmissionSettings:
    """Translate the operator's units into the core's nanoseconds."""
    rate, quota = settings.admission_initialize_rate, settings.admission_quota
    return AdmissionSettings(
        limit=settings.limit,
        initialize_rate=None if rate is None else _rate(rate, INITIALIZE_BURST_S),
        quota=_rate(quota, QUOTA_BURST_S),
        wait_ns_max=settings.admission_wait_ms_max * 1_000_000,
        slot_horizon_ns=settings.admission_slot_horizon_s * 1_000_000_000,
        line_per_key=settings.admission_line_per_key,
    )


def _rate(per_second: float, burst_s: float) -> Rate:
    return Rate.per_second(per_second, max(1, round(per_second * burst_s)))
