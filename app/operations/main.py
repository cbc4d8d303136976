"""The operations listener: probes, metrics, the clock. No player's load reaches it."""

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from app.errors import EXCEPTION_HANDLERS
from app.operations.clock import clock_route
from app.routing import Endpoint, OneMethodRoute
from app.telemetry import Metrics


def create_operations_app(
    metrics: Metrics, *, live: Endpoint, ready: Endpoint, clock_may_be_set: bool = False
) -> Starlette:
    """Return the application for the operations port."""

    async def show_metrics(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            OneMethodRoute("GET", "/healthz", live),
            OneMethodRoute("GET", "/readyz", ready),
            OneMethodRoute("GET", "/metrics", show_metrics),
            *([clock_route()] if clock_may_be_set else []),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
