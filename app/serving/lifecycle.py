"""The phase of the process's life."""

from enum import StrEnum


class Phase(StrEnum):
    """starting → ready → draining → closed."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    CLOSED = "closed"


class Lifecycle:
    """The phase that readiness and the server agree on. One owner, the server, moves it forward.

    `has_begun` says whether what serving needs has been there once; without it a started process
    still counts as starting.
    """

    def __init__(self) -> None:
        self.phase = Phase.STARTING
        self.has_begun = _always
        self._began = False

    @property
    def ready(self) -> bool:
        """Whether new work should be routed here."""
        return self.shown is Phase.READY

    @property
    def shown(self) -> Phase:
        """The phase as others are told. What has begun is not taken back by a blip."""
        if self.phase is Phase.READY and not self._began:
            self._began = self.has_begun()
            return Phase.READY if self._began else Phase.STARTING
        return self.phase


def _always() -> bool:
    return True
