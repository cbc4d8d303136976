"""What lives as long as the process: the phase of its life, and what handlers may use."""

from enum import StrEnum
from typing import Protocol, TypedDict

from app.domain.catalogue_state import CatalogueState
from app.domain.clock import Clock
from app.domain.intake import EventStore
from app.domain.player import Players, Revisions
from app.domain.reward import Claims, Deliveries


class Phase(StrEnum):
    """starting → ready → draining → closed."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    CLOSED = "closed"


class Lifecycle:
    """The phase that readiness and the server agree on. One owner, the server, moves it forward."""

    def __init__(self) -> None:
        self.phase = Phase.STARTING

    @property
    def ready(self) -> bool:
        """Whether new work should be routed here."""
        return self.phase is Phase.READY


class Pingable(Protocol):
    """Something that can be asked whether it answers."""

    async def ping(self) -> None:
        """Return if it does. Raise Problem(database_unavailable) if not, in bounded time."""


class Services(TypedDict):
    """What the lifespan opens and every request may use."""

    players: Players
    revisions: Revisions
    catalogue: CatalogueState
    events: EventStore
    clock: Clock
    claims: Claims
    deliveries: Deliveries
    namespace: str
    database: Pingable


class State(Services):
    """What a handler finds in `request.state`: the services, and who is asking."""

    player: str
