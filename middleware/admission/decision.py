"""The vocabulary of admission: what comes in, what is decided, and why.

Moments and spans are integer nanoseconds of one monotonic clock that the caller owns.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum


class Class(IntEnum):
    """Who is asking, in the order in which places are given: a lower number goes first."""

    CONTROL = 0
    EVENTS = 1
    GAMEPLAY = 2
    RETURNING = 3
    INITIALIZE = 4

    @property
    def label(self) -> str:
        """The class's name in metrics, logs and the runbook."""
        return self.name.lower()


class Reason(StrEnum):
    """Why an arrival was refused: metric label, log field, problem type and runbook heading."""

    OVER_QUOTA = "over_quota"
    LINE_PER_KEY = "line_per_key"
    LINE_FULL = "line_full"
    WAIT_EXPIRED = "wait_expired"
    SLOT_EARLY = "slot_early"


class Outcome(Enum):
    """How a place ended, as a lesson about capacity."""

    SUCCESS = "success"
    """Its service time is a sample."""
    OVERLOAD = "overload"
    """Something behind the gate was too slow; the time it took is a sample."""
    IGNORE = "ignore"
    """It says nothing about load: refused by a handler, cancelled, never run."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request at the gate.

    `key` names the client (a keyed hash of its credential); only a `verified` key may reserve a
    slot. `wait_ns_max` is the client's own bound on waiting, or None. `jitter` is a random number
    in [0, 1) that the caller drew: the core has no dice.
    """

    cls: Class
    key: Hashable
    verified: bool
    jitter: float
    wait_ns_max: int | None = None


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the process feels right now. The event loop's lag delays every hand-off."""

    loop_lag_ns: int = 0


class Standing(Enum):
    """Where a place stands: waiting → running → gone, or waiting → gone."""

    WAITING = "waiting"
    RUNNING = "running"
    GONE = "gone"


@dataclass(slots=True, eq=False)
class Place:
    """The core's handle of one arrival, from acceptance to end. The shell only carries it."""

    arrival: Arrival
    cls: Class
    arrived_at_ns: int
    deadline_ns: int
    standing: Standing = Standing.WAITING
    started_at_ns: int = 0


@dataclass(frozen=True, slots=True)
class Admitted:
    """Run now, and `leave` when done."""

    place: Place


@dataclass(frozen=True, slots=True)
class Waiting:
    """Wait for the place to be granted or refused; call `wake` at `wake_at_ns`."""

    place: Place
    wake_at_ns: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Come back in `retry_after_ns`. `reserved` says that this moment is kept for the client."""

    cls: Class
    reason: Reason
    retry_after_ns: int
    reserved: bool = False


Decision = Admitted | Waiting | Refused


@dataclass(frozen=True, slots=True)
class Turn:
    """What the shell must do now: who runs, who is refused, and when to call `wake` again."""

    granted: tuple[Place, ...]
    refused: tuple[tuple[Place, Refused], ...]
    wake_at_ns: int | None


class Verdict(StrEnum):
    """How an arrival's time at the gate ended."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class AdmissionEvent:
    """One arrival's end at the gate, for hooks: metrics, spans, tests."""

    cls: Class
    verdict: Verdict
    reason: Reason | None
    waited_ns: int
    retry_after_ns: int
