"""The vocabulary of admission: what comes in, what is decided, and why.

Moments and spans are integer nanoseconds of one monotonic clock that the caller owns.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum


class Share(StrEnum):
    """What the time that places are held is divided among, by weight. Equals go in this order."""

    GAMEPLAY = "gameplay"
    LOGINS = "logins"
    EVENTS = "events"

    # Enum's own is a Python function, and every account here is kept by share or class.
    __hash__ = str.__hash__


class Class(IntEnum):
    """Who is asking. Of two classes with one share the lower number goes first."""

    EVENTS = 1
    GAMEPLAY = 2
    RETURNING = 3
    INITIALIZE = 4

    __hash__ = int.__hash__

    @property
    def label(self) -> str:
        """The class's name in metrics, logs and the runbook."""
        return self.name.lower()


class AdmissionReason(StrEnum):
    """Why an arrival was refused: metric label, log field, problem type and runbook heading."""

    OVER_QUOTA = "over_quota"
    LINE_PER_KEY = "line_per_key"
    LINE_FULL = "line_full"
    WAIT_EXPIRED = "wait_expired"
    SLOT_EARLY = "slot_early"


class Outcome(Enum):
    """How a place ended, as a lesson about capacity."""

    SUCCESS = "success"
    """It was served. How long that took is a sample of the service time."""
    OVERLOAD = "overload"
    """Something behind the gate was too slow or away. A time-out lasts as long as its bound, not as
    the work: no sample, and no sign that anything is served."""
    IGNORE = "ignore"
    """It ended without being served: refused by a handler, cancelled, never run. No sample, and no
    sign that anything is served either."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A moment to return that is kept for one client, until its window ends.

    `first_ns` is when the client was refused for the first time; `again`: it came back in time once
    and was refused again.
    """

    at_ns: int
    until_ns: int
    first_ns: int
    again: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request at the gate.

    `key` names the client (a keyed hash of its credential); only a `verified` key may reserve a
    slot. `unknown`: its credential can be verified and was not yet, so it may not arrive: either
    it is verified first, or it is turned away. `vouched`: it came with a ticket, and tickets are
    made for verified ones only. `wait_ns_max` is the client's own bound on waiting, or None.
    `jitter` is a random number in [0, 1) that the caller drew: the core has no dice. `promise` is
    what another process promised this client, or this one before it forgot.
    """

    cls: Class
    key: Hashable
    verified: bool
    jitter: float
    wait_ns_max: int | None = None
    unknown: bool = False
    vouched: bool = False
    promise: Promise | None = None


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the process feels right now. The event loop's lag delays every hand-off."""

    loop_lag_ns: int = 0


class Standing(Enum):
    """Where a place stands: waiting → running → gone, or waiting → gone.

    Or it is handed on between two pieces of work: running → waiting.
    """

    WAITING = "waiting"
    RUNNING = "running"
    GONE = "gone"


@dataclass(slots=True, eq=False)
class Place:
    """The core's handle of one arrival, from acceptance to end. The shell only carries it.

    `number` counts arrivals, so it tells who came first. `deadline_ns` is until when it waits for a
    place, the first or, once it has run, another. `charged_ns` is the place-time that its share was
    charged in advance when it started, `held_ns` what it held places for before it handed them on.
    """

    arrival: Arrival
    cls: Class
    number: int
    arrived_at_ns: int
    deadline_ns: int
    standing: Standing = Standing.WAITING
    started_at_ns: int = 0
    charged_ns: int = 0
    held_ns: int = 0


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
    """Come back in `retry_after_ns`; with a `promise`, that moment is kept for the client."""

    cls: Class
    reason: AdmissionReason
    retry_after_ns: int
    promise: Promise | None = None

    @property
    def reserved(self) -> bool:
        """Whether the moment is kept for the client."""
        return self.promise is not None


Decision = Admitted | Waiting | Refused


@dataclass(frozen=True, slots=True)
class Turn:
    """What the shell must do now: who runs, who is refused, and when to call `wake` again."""

    granted: tuple[Place, ...]
    refused: tuple[tuple[Place, Refused], ...]
    wake_at_ns: int | None


class Bound(StrEnum):
    """What keeps those of a share who wait from running."""

    STANDSTILL = "standstill"
    """Every place that they may use is taken, and nothing ends well."""
    PLACES = "places"
    """Every place that they may use is taken."""
    RATE = "rate"
    """There is a place, but no token of the initialize rate."""
    KEY = "key"
    """There is a place, but their clients run as much as one client may."""
    NOTHING = "nothing"
    """Nobody waits."""


class Verdict(StrEnum):
    """How an arrival's time at the gate ended."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    LEFT = "left"
    RESUMED = "resumed"
    """It was admitted before, and got a place again for its next piece of work."""


@dataclass(frozen=True, slots=True)
class AdmissionEvent:
    """One arrival's end at the gate or its return to a place, for hooks: metrics, spans, tests."""

    cls: Class
    verdict: Verdict
    reason: AdmissionReason | None
    waited_ns: int
    retry_after_ns: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The core at a glance.

    `binds` is what those of each share who wait wait for. `held_ns` is what a place of each share
    is held for on average, `drain_interval_ns` the time between two logins while they have to wait.
    `booked_until_ns` is the latest moment that was promised to a newcomer.
    `horizon_ns` is how far away a moment may be today, `kept` which share of the promised moments
    is counted on.
    """

    limit: int
    running: int
    places: dict[Share, int]
    waiting: dict[Class, int]
    binds: dict[Share, Bound]
    held_ns: dict[Share, int]
    promised: int
    booked_until_ns: int
    drain_interval_ns: int
    horizon_ns: int
    kept: float
