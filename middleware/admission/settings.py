"""What an operator can pin, and the class table."""

from dataclasses import dataclass

from middleware.admission.decision import Class

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


@dataclass(frozen=True, slots=True)
class AdmissionSettings:
    """Everything the core is told. `initialize_rate` None: no bucket, the limit alone decides."""

    limit: int
    initialize_rate: Rate | None
    quota: Rate
    wait_ns_max: int = 2 * SECOND_NS
    slot_horizon_ns: int = 120 * SECOND_NS
    line_per_key: int = 10

    def __post_init__(self) -> None:
        assert self.limit >= 1
        assert self.line_per_key >= 1


@dataclass(frozen=True, slots=True)
class ClassPolicy:
    """One row of the class table.

    `rated`: takes from the initialize bucket, and gets slots. `one_client`: a key is one client, so
    it has a quota and a cap in the line. All of a studio's servers send events under one key.
    """

    wait_ns: int
    rated: bool = False
    one_client: bool = True


CLASS_TABLE: dict[Class, ClassPolicy] = {
    Class.CONTROL: ClassPolicy(wait_ns=0),
    Class.EVENTS: ClassPolicy(wait_ns=1 * SECOND_NS, one_client=False),
    Class.GAMEPLAY: ClassPolicy(wait_ns=150 * MILLISECOND_NS),
    Class.RETURNING: ClassPolicy(wait_ns=2 * SECOND_NS, rated=True),
    Class.INITIALIZE: ClassPolicy(wait_ns=2 * SECOND_NS, rated=True),
}

CONTROL_RATE = Rate.per_second(20, burst=20)
"""Control runs outside the limit, so it has a small bucket of its own."""
