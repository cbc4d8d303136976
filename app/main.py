"""The request's path, on one screen.

tracing ─► /healthz /readyz /challenge/healthz /challenge/apidocs     outside the gate, visibly
    └────► /challenge/v1 ─► body ─► gate ─► auth ─► handler ─► service ─► repository
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Router
from starlette.types import Scope

from app.callers import MockAuthenticator, ServiceAuthenticator
from app.errors import EXCEPTION_HANDLERS, ServiceReason
from app.events.http import receive_events
from app.handlers import apidocs, challenges, claims, goals, health, player_data
from app.routing import OneMethodRoute, behind
from app.settings import AdmissionMode, Settings
from app.state import Lifecycle
from app.telemetry import Metrics
from middleware.admission import AdmissionCore, AdmissionSettings, Class, Rate, Share
from middleware.admission.settings import MILLISECOND_NS, SECOND_NS
from middleware.auth import AuthMiddleware
from middleware.body_limits import BodyLimits
from middleware.classifier import Classifier
from middleware.gate import AdmissionGate
from middleware.loop_lag import LoopLag
from middleware.tracing import TracingMiddleware

V1 = "/challenge/v1"
ALL = "/challenges"
ONE = f"{ALL}/{{challenge_id}}"
GOAL = f"{ONE}/goals/{{goal_id}}"
EVENTS = ("POST", f"{V1}/events")
CLASSES = {("POST", f"{V1}/challenges/initialize"): Class.INITIALIZE, EVENTS: Class.EVENTS}

EVENTS_BYTES_MAX = 262_144
"""Largest body of events: 500 take about 340 bytes each."""

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
    authenticator, service = MockAuthenticator(), ServiceAuthenticator(settings.events_token)
    body = Middleware(
        BodyLimits,
        bytes_max=settings.body_bytes_max,
        seconds_max=settings.body_s_max,
        bytes_max_of=partial(_events_bytes_max, settings, service),
    )
    classify = Classifier(CLASSES, authenticator, {Class.EVENTS: service})
    gate = _gate(settings, classify, metrics, loop_lag)
    auth = Middleware(AuthMiddleware, authenticator=authenticator)
    service_auth = Middleware(AuthMiddleware, authenticator=service)
    events = [OneMethodRoute("POST", "/events", receive_events(metrics), prefix=V1)]
    v1 = [
        OneMethodRoute("GET", ALL, challenges.list_all, prefix=V1),
        OneMethodRoute(
            "POST", f"{ALL}/initialize", challenges.initialize, prefix=V1, reserved=True
        ),
        OneMethodRoute("GET", ONE, challenges.show_one, prefix=V1),
        OneMethodRoute("GET", f"{ONE}/rotation", challenges.show_rotation, prefix=V1),
        OneMethodRoute("POST", f"{ONE}/goals/batch-select", goals.select_batch, prefix=V1),
        OneMethodRoute("POST", f"{ONE}/goals/random-select", goals.select_random, prefix=V1),
        OneMethodRoute("PUT", f"{GOAL}/active", goals.set_active, prefix=V1),
        OneMethodRoute("POST", f"{GOAL}/claim", claims.claim, prefix=V1),
        OneMethodRoute("DELETE", "/users/me/data", player_data.delete, prefix=V1),
    ]
    app = Starlette(
        lifespan=lifespan,
        middleware=[
            Middleware(
                TracingMiddleware,
                watcher=metrics,
                failures=[ServiceReason.DATABASE_UNAVAILABLE],
            )
        ],
        routes=[
            # The first route is found fastest.
            Mount(
                V1,
                Router([*behind(auth, v1), *behind(service_auth, events)], redirect_slashes=False),
                middleware=[body, *gate],
            ),
            OneMethodRoute("GET", "/healthz", health.live),
            OneMethodRoute("GET", "/readyz", health.readiness(lifecycle)),
            OneMethodRoute("GET", "/challenge/healthz", health.challenge_healthz),
            OneMethodRoute("GET", "/challenge/apidocs/api.json", apidocs.api_document()),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.router.redirect_slashes = False
    return app


def _events_bytes_max(
    settings: Settings, service: ServiceAuthenticator, scope: Scope
) -> int | None:
    """Return the bound of a body of events, for who may send any.

    Raises `Problem`: others could fill the memory with bodies that nobody would read.
    """
    if (scope["method"], scope["path"]) != EVENTS:
        return None
    service.check(service.credential(scope))
    return max(EVENTS_BYTES_MAX, settings.body_bytes_max)


def _gate(
    settings: Settings, classify: Classifier, metrics: Metrics, loop_lag: LoopLag
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
            classify=classify,
            hooks=[metrics.on_admission],
            loop_lag_ns=loop_lag.read_ns,
        )
    ]


def admission_settings(settings: Settings) -> AdmissionSettings:
    """Translate the operator's units into the core's nanoseconds."""
    rate, quota = settings.admission_initialize_rate, settings.admission_quota
    burst = settings.admission_initialize_burst
    return AdmissionSettings(
        limit=settings.limit,
        initialize_rate=None if rate is None else _rate(rate, INITIALIZE_BURST_S, burst),
        quota=_rate(quota, QUOTA_BURST_S),
        weights=settings.weights,
        waits_ns={
            Share.EVENTS: settings.admission_events_wait_ms * MILLISECOND_NS,
            Share.GAMEPLAY: settings.admission_gameplay_wait_ms * MILLISECOND_NS,
            Share.LOGINS: settings.admission_logins_wait_ms * MILLISECOND_NS,
        },
        wait_ns_max=settings.admission_wait_ms_max * MILLISECOND_NS,
        slot_horizon_ns=settings.admission_slot_horizon_s * SECOND_NS,
        slot_grace_ns=settings.admission_slot_grace_s * SECOND_NS,
        line_per_key=settings.admission_line_per_key,
    )


def _rate(per_second: float, burst_s: float, burst: int | None = None) -> Rate:
    return Rate.per_second(per_second, burst or max(1, round(per_second * burst_s)))
