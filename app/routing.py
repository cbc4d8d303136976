"""A route that answers exactly one method, and leaves its template for metrics and spans."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

Endpoint = Callable[[Request[Any]], Awaitable[Response]]


class OneMethodRoute(Route):
    """Starlette's route answers HEAD wherever it answers GET; the contract answers 405."""

    def __init__(
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        *,
        prefix: str = "",
    ) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.methods = {method}
        self._template = prefix + path

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as Starlette does, and name the route's template."""
        match, child_scope = super().matches(scope)
        if match is not Match.NONE:
            child_scope["http_route"] = self._template
        return match, child_scope
