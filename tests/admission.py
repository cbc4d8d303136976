"""Short words for the tests of the admission core. Time is an argument: nothing waits."""

from itertools import count

from middleware.admission import (
    AdmissionCore,
    AdmissionSettings,
    Admitted,
    Arrival,
    Class,
    Outcome,
    Place,
    Rate,
    Refused,
    Vitals,
    Waiting,
)

MS = 1_000_000
_numbers = count()
S = 1_000 * MS
GENEROUS = Rate.per_second(1_000_000, burst=1_000_000)
SETTINGS = AdmissionSettings(limit=2, initialize_rate=None, quota=GENEROUS)


def arrive(
    core: AdmissionCore,
    now_ns: int = 0,
    *,
    cls: Class = Class.GAMEPLAY,
    key: str | None = None,
    verified: bool = True,
    jitter: float = 0.5,
    wait_ns_max: int | None = None,
    lag_ns: int = 0,
) -> Admitted | Waiting | Refused:
    """Let somebody arrive; without a key it is a client of its own."""
    name = f"somebody {next(_numbers)}" if key is None else key
    arrival = Arrival(cls, name, verified, jitter, wait_ns_max)
    return core.arrive(arrival, Vitals(lag_ns), now_ns)


def admit(core: AdmissionCore, now_ns: int = 0, **how: object) -> Place:
    decision = arrive(core, now_ns, **how)  # type: ignore[arg-type]
    assert isinstance(decision, Admitted)
    return decision.place


def wait(core: AdmissionCore, now_ns: int = 0, **how: object) -> Place:
    decision = arrive(core, now_ns, **how)  # type: ignore[arg-type]
    assert isinstance(decision, Waiting)
    return decision.place


def refuse(core: AdmissionCore, now_ns: int = 0, **how: object) -> Refused:
    decision = arrive(core, now_ns, **how)  # type: ignore[arg-type]
    assert isinstance(decision, Refused)
    return decision


def fill(core: AdmissionCore, now_ns: int = 0) -> list[Place]:
    return [admit(core, now_ns) for _ in range(core.snapshot(0).limit)]


def teach_service_time(core: AdmissionCore, service_ns: int, cls: Class = Class.GAMEPLAY) -> int:
    """Let so many places last `service_ns` that the core believes it; return the moment after."""
    now_ns = 0
    for _ in range(200):
        place = admit(core, now_ns, cls=cls)
        now_ns += service_ns
        core.leave(place, Outcome.SUCCESS, now_ns)
    return now_ns
