"""The operations listener: probes and metrics. No player's load reaches it."""

from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from app.errors import EXCEPTION_HANDLERS
from app.routing import Endpoint, OneMethodRoute
from app.telemetry import Metrics


def create_operations_app(metrics: Metrics, *, live: Endpoint, ready: Endpoint) -> Starlette:
    """Return the application for the operations port."""

    async def show_metrics(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            OneMethodRoute("GET", "/healthz", live),
            OneMethodRoute("GET", "/readyz", ready),
            OneMethodRoute("GET", "/metrics", show_metrics),
        ],
        exception_handlers=EXCEPTION_HANDLERS,
    )
