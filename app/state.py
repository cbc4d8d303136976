"""What lives as long as the process, and what endpoints may use of it."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypedDict

from app.domain.clock import Clock
from app.domain.intake import EventStore
from app.services.challenges import ChallengeService
from app.services.claims import ClaimService
from app.services.events import EventService
from app.services.initialize import InitializeService
from app.services.selections import SelectionService
from app.serving.lifecycle import Lifecycle
from app.telemetry import Metrics


class Pingable(Protocol):
    """Something that can be asked whether it answers."""

    async def ping(self) -> None:
        """Return if it does. Raise `Unavailable` if not, in bounded time."""


class Services(TypedDict):
    """What the lifespan opens and every request may use."""

    challenges: ChallengeService
    initialize: InitializeService
    selections: SelectionService
    claims: ClaimService
    events: EventService
    event_store: EventStore
    clock: Clock
    database: Pingable
    lifecycle: Lifecycle
    metrics: Metrics
    release_place: Callable[[], None]
    hand_on_place: Callable[[], Awaitable[None]]


class State(Services):
    """What an endpoint finds in `request.state`: the services, and who is asking.

    The gate puts its own `release_place` and `hand_on_place` there; without one they do nothing.
    """

    player_id: str
