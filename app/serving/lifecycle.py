"""The phase of the process's life."""

from enum import StrEnum


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
