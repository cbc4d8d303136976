"""The operations listener: probes, metrics, the clock. No player's load reaches it."""

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from app.errors import EXCEPTION_HANDLERS
from app.handlers import health
from app.operations.clock import clock_route
from app.routing import OneMethodRoute
from app.state import Services


async def show_metrics(request: Request[Services]) -> Response:
    """Show every metric in the text form of Prometheus."""
    return Response(
        generate_latest(request.state["metrics"].registry), media_type=CONTENT_TYPE_LATEST
    )


def create_operations_app(*, clock_may_be_set: bool = False, token: str | None = None) -> Starlette:
    """Return the application for the operations port; `token` is what changes ask for."""
    return Starlette(
        routes=[
            OneMethodRoute("GET", "/healthz", health.live),
            OneMethodRoute("GET", "/readyz", health.ready),
            OneMethodRoute("GET", "/metrics", show_metrics),
            *([clock_route(token)] if clock_may_be_set else []),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
