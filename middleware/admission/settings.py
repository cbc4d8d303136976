"""What an operator can pin, and the class table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from middleware.admission.decision import Class, Share

SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`interval_ns` between two tokens, and how many tokens may be saved up."""

    interval_ns: int
    burst: int

    def __post_init__(self) -> None:
        assert self.interval_ns >= 1
        assert self.burst >= 1

    @classmethod
    def per_second(cls, rate: float, burst: int) -> "Rate":
        """Return the rate of `rate` tokens a second."""
        return cls(max(1, round(SECOND_NS / rate)), burst)


WEIGHTS = MappingProxyType({Share.EVENTS: 2, Share.GAMEPLAY: 8, Share.LOGINS: 6})
WAITS_NS = MappingProxyType(
    {
        Share.EVENTS: 1 * SECOND_NS,
        Share.GAMEPLAY: 150 * MILLISECOND_NS,
        Share.LOGINS: 2 * SECOND_NS,
    }
)


@dataclass(frozen=True, slots=True)
class AdmissionSettings:
    """Everything the core is told. `initialize_rate` None: no bucket, the limit alone decides.

    `waits_ns` is each share's budget in line, and `wait_ns_max` bounds them all, a client's own
    wish included. Who hands its place on gets it again until `finish_ns_max` after it first ran.
    """

    limit: int
    initialize_rate: Rate | None
    quota: Rate
    weights: Mapping[Share, int] = field(default_factory=lambda: WEIGHTS)
    waits_ns: Mapping[Share, int] = field(default_factory=lambda: WAITS_NS)
    wait_ns_max: int = 2 * SECOND_NS
    slot_horizon_ns: int = 120 * SECOND_NS
    slot_grace_ns: int = 60 * SECOND_NS
    line_per_key: int = 10
    finish_ns_max: int = 10 * SECOND_NS

    def __post_init__(self) -> None:
        assert self.limit >= 1
        assert self.line_per_key >= 1
        assert all(self.weights[share] >= 1 for share in Share)

    def places_max(self, share: Share) -> int:
        """Return how many places a share may hold: one is lent to nobody but gameplay."""
        return self.limit if share is Share.GAMEPLAY else max(1, self.limit - 1)

    def places_min(self, share: Share) -> tuple[int, int]:
        """Return how many places a share gets at least while it waits, as a fraction.

        That is its part by weight while all others wait, too: of what gameplay leaves where its
        own place is more than its part.
        """
        weight, weights = self.weights[share], sum(self.weights[each] for each in Share)
        gameplay = self.weights[Share.GAMEPLAY]
        if self.limit == 1 or self.limit * gameplay >= weights:
            return self.limit * weight, weights
        if share is Share.GAMEPLAY:
            return 1, 1
        return (self.limit - 1) * weight, weights - gameplay

    @property
    def running_per_key(self) -> int:
        """How many places one client may hold: no client takes more than a quarter of them."""
        return max(1, self.limit // 4)


@dataclass(frozen=True, slots=True)
class ClassPolicy:
    """One row of the class table.

    `rated`: takes from the initialize bucket, and gets slots. `one_client`: a key is one client, so
    it has a quota and its caps. All of a studio's servers send events under one key.
    """

    share: Share
    rated: bool = False
    one_client: bool = True


CLASS_TABLE: dict[Class, ClassPolicy] = {
    Class.EVENTS: ClassPolicy(Share.EVENTS, one_client=False),
    Class.GAMEPLAY: ClassPolicy(Share.GAMEPLAY),
    Class.RETURNING: ClassPolicy(Share.LOGINS, rated=True),
    Class.INITIALIZE: ClassPolicy(Share.LOGINS, rated=True),
}


def share_of(cls: Class) -> Share:
    """Return the share of a class."""
    return CLASS_TABLE[cls].share


SHARES = tuple(Share)
"""Many times quicker to go through than the enumeration."""

CLASSES_OF: dict[Share, tuple[Class, ...]] = {
    share: tuple(cls for cls in Class if CLASS_TABLE[cls].share is share) for share in Share
}
"""The classes of each share, in the order in which they go."""
