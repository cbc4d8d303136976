"""The request's path, on one screen.

tracing ─► route ─► who calls ─► body ─► gate ─► verification ─► endpoint ─► service ─► repository
└────► endpoint                                      of routes outside the gate, visibly
"""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.api_document import api_document
from app.callers import MockPlayers, PlayerTokens, ServiceRights, ServiceTokens
from app.errors import EXCEPTION_HANDLERS, ServiceReason
from app.parts import create_gate
from app.routes import ROUTES, Body, Row, Who
from app.routing import OneMethodRoute
from app.serving.loop_lag import LoopLag
from app.settings import Settings
from app.telemetry import Metrics
from app.tokens.tokens import Tokens
from middleware.admission import AdmissionCore
from middleware.body_limits import BodyLimits
from middleware.caller import Authenticator, Identify, Verify
from middleware.tickets import TicketClock
from middleware.tracing import TracingMiddleware

EVENTS_BYTES_MAX: Final = 262_144
"""Largest body of events: 500 take about 340 bytes each."""


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
    gate = [] if core is None else create_gate(settings, core, clock, metrics, loop_lag)

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
