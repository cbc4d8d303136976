"""The request's path, on one screen.

tracing ─► route ─► who calls ─► body ─► gate ─► verification ─► endpoint ─► service ─► repository
└────► endpoint                                      of routes outside the gate, visibly
"""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.api_document import api_document
from app.callers import MockPlayers, PlayerTokens, ServiceRights, ServiceTokens
from app.errors import EXCEPTION_HANDLERS, ServiceReason
from app.routes import ROUTES, Body, Row, Who
from app.routing import OneMethodRoute
from app.serving.loop_lag import LoopLag
from app.setting_types import AdmissionMode
from app.settings import Settings
from app.shared_clock import SharedClock
from app.telemetry import Metrics
from app.tokens.fetching import KEY_SET_BYTES_MAX, fetch_from
from app.tokens.tokens import Tokens
from app.tokens.verification import TokenRules
from middleware.admission import AdmissionCore, AdmissionSettings, Rate, Share
from middleware.admission.settings import MILLISECOND_NS, SECOND_NS
from middleware.body_limits import BodyLimits
from middleware.caller import Arrivals, Authenticator, Identify, Verify, verify
from middleware.gate import AdmissionGate
from middleware.ticket_office import TicketOffice
from middleware.tickets import TicketClock, Tickets
from middleware.tracing import TracingMiddleware

EVENTS_BYTES_MAX: Final = 262_144
"""Largest body of events: 500 take about 340 bytes each."""

QUOTA_BURST_S: Final = 2
"""How many seconds' worth of a quota may be saved up."""


def create_app(
    settings: Settings,
    *,
    core: AdmissionCore | None,
    clock: TicketClock,
    tokens: Tokens | None,
    metrics: Metrics,
    loop_lag: LoopLag,
) -> Starlette:
    """Return the application for the player port.

    Without a `core` there is no gate; without `tokens` a header is believed.
    """
    rights = ServiceRights(settings.service_client_ids, settings.events_permission)
    authenticators: Mapping[Who, Authenticator] = {
        Who.PLAYER: MockPlayers() if tokens is None else PlayerTokens(tokens),
        Who.SERVICE: ServiceTokens(settings.events_token, tokens, rights),
    }
    bytes_max = {
        Body.SMALL: settings.body_bytes_max,
        Body.EVENTS: max(EVENTS_BYTES_MAX, settings.body_bytes_max),
    }
    gate = [] if core is None else _gate(settings, core, clock, metrics, loop_lag)

    def layers(row: Row) -> Sequence[Middleware]:
        if row.admission is None:
            return []
        return [
            Middleware(Identify, admission=row.admission, authenticator=authenticators[row.who]),
            Middleware(BodyLimits, bytes_max=bytes_max[row.body], seconds_max=settings.body_s_max),
            *gate,
            Middleware(Verify),
        ]

    app = Starlette(
        middleware=[
            Middleware(
                TracingMiddleware, watcher=metrics, failures=[ServiceReason.DATABASE_UNAVAILABLE]
            )
        ],
        routes=[
            OneMethodRoute(
                row.method,
                row.path,
                row.endpoint,
                middleware=layers(row),
                reserved=row.reserved,
            )
            for row in ROUTES
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
    app.router.redirect_slashes = False
    app.state.api_document = api_document()
    return app


def create_tokens(settings: Settings, clock: SharedClock, metrics: Metrics) -> Tokens | None:
    """Return what looks at tokens, or None where nobody has to prove who they are."""
    if not settings.auth_enabled or settings.auth_keys is None:
        return None
    rules = TokenRules(
        algorithms=settings.token_algorithms,
        issuer=settings.auth_issuer,
        audience=settings.auth_audience,
        namespace_claim=settings.auth_namespace_claim,
        namespace=settings.namespace,
        leeway_s=settings.auth_leeway_s,
        life_s_max=settings.auth_life_s_max,
    )
    fetching = partial(fetch_from, settings.auth_keys, KEY_SET_BYTES_MAX)
    return Tokens(rules, fetching, clock.now_s, lambda looked: metrics.tokens.labels(looked).inc())


def create_core(settings: Settings) -> AdmissionCore | None:
    """Return what decides about admission, or None where nothing does."""
    if settings.admission_mode is AdmissionMode.OFF:
        return None
    return AdmissionCore(admission_settings(settings))


def _ticket_office(settings: Settings, clock: TicketClock, metrics: Metrics) -> TicketOffice | None:
    """Return what reads and issues tickets, or None without a secret to sign them with."""
    if not settings.ticket_secrets:
        return None
    return TicketOffice(
        Tickets(settings.ticket_secrets),
        clock,
        grace_ms=settings.admission_slot_grace_s * 1_000,
        on_read=lambda result: metrics.tickets_of(result).inc(),
    )


def _gate(
    settings: Settings,
    core: AdmissionCore,
    clock: TicketClock,
    metrics: Metrics,
    loop_lag: LoopLag,
) -> Sequence[Middleware]:
    """Return the one gate that all routes behind it share."""
    arrivals = Arrivals(_ticket_office(settings, clock, metrics))
    metrics.watch_admission(lambda: core.snapshot(time.monotonic_ns()))
    gate = AdmissionGate(
        core=core,
        classify=arrivals,
        tell=arrivals.told,
        verify=verify,
        verify_share_ppm=round(settings.auth_verify_share * 1_000_000),
        hooks=[metrics.on_admission],
        loop_lag_ns=loop_lag.read_ns,
    )
    return [Middleware(gate.around)]


def admission_settings(settings: Settings) -> AdmissionSettings:
    """Translate the operator's units into the core's nanoseconds."""
    rate, quota = settings.admission_initialize_rate, settings.admission_quota
    burst = settings.initialize_burst
    return AdmissionSettings(
        limit=settings.limit,
        initialize_rate=None if rate is None or burst is None else Rate.per_second(rate, burst),
        quota=Rate.per_second(quota, max(1, round(quota * QUOTA_BURST_S))),
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
