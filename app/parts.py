"""What the request's path is made of, built from the settings."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import aiohttp
import structlog
from starlette.middleware import Middleware

from app.serving.loop_lag import LoopLag
from app.setting_types import AdmissionMode, Environment
from app.settings import Settings
from app.shared_clock import SharedClock
from app.telemetry import Metrics
from app.tokens.fetching import KEY_SET_BYTES_MAX, REVOCATIONS_BYTES_MAX, fetch_from
from app.tokens.tokens import Tokens, TokenSources
from app.tokens.verification import TokenRules
from middleware.admission import AdmissionCore, AdmissionSettings, Rate, Share
from middleware.admission.settings import MILLISECOND_NS, SECOND_NS
from middleware.caller import Arrivals, verify
from middleware.gate import AdmissionGate
from middleware.ticket_office import TicketOffice
from middleware.tickets import TicketClock, Tickets

log = structlog.get_logger()

QUOTA_BURST_S: Final = 2
"""How many seconds' worth of a quota may be saved up."""


def create_tokens(settings: Settings, clock: SharedClock, metrics: Metrics) -> Tokens | None:
    """Return what looks at tokens, or None where nobody has to prove who they are."""
    if not settings.auth_enabled or settings.auth_keys is None:
        return None
    if settings.auth_keys.startswith("http://") and settings.environment is Environment.PRODUCTION:
        log.warning("auth_keys_unencrypted", why="whoever is in between can put in keys of its own")
    rules = TokenRules(
        algorithms=settings.token_algorithms,
        issuer=settings.auth_issuer,
        audience=settings.auth_audience,
        namespace_claim=settings.auth_namespace_claim,
        namespace=settings.namespace,
        leeway_s=settings.auth_leeway_s,
        life_s_max=settings.auth_life_s_max,
    )
    sources = partial(_token_sources, settings.auth_keys, settings.auth_revocations)
    return Tokens(rules, sources, clock.now_s, lambda looked: metrics.tokens.labels(looked).inc())


def _token_sources(
    keys: str, revocations: str | None, session: aiohttp.ClientSession
) -> TokenSources:
    return TokenSources(
        fetch_from(keys, KEY_SET_BYTES_MAX, session),
        None if revocations is None else fetch_from(revocations, REVOCATIONS_BYTES_MAX, session),
    )


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


def create_gate(
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
