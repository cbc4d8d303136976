"""Who calls when: an open loop that never waits for answers, and clients that come back when told.

Arrivals are evenly spaced and fixed before the run. An attempt's *intended* start is its moment in
this schedule: for a first attempt the arrival's, for a later one the moment the client was told.
"""

import heapq
import random

import msgspec

from benchmarks.answers import Call, Outcome
from benchmarks.returning import Returning

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
SEED_PLAYERS = 10_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the generator. `population` is `unique` (each arrival a player) or `seed`.

    `start_ns` is the moment of the first arrival on this machine's monotonic clock, so that several
    generators can begin together; 0 for as soon as the generator is ready. `tokens` is a file of
    tokens for all attempts; without one the player's id is sent as it is.
    """

    port: int
    rate_per_s: int
    seconds: int
    call: Call = Call.INITIALIZE
    population: str = "unique"
    name: str = "user"
    returning: Returning = Returning.NEVER
    kept: bool = False
    seed: int = 1
    timeout_s: int = 10
    seconds_max: int = 300
    start_ns: int = 0
    tokens: str = ""

    @property
    def arrivals(self) -> int:
        """How many arrivals the run offers."""
        return self.rate_per_s * self.seconds


class Attempt:
    """One request of one arrival. Times are in ns of one monotonic clock; 0 means not yet."""

    __slots__ = (
        "arrival",
        "ended_ns",
        "intended_ns",
        "number",
        "outcome",
        "reason",
        "started_ns",
    )

    def __init__(self, arrival: int, number: int, intended_ns: int) -> None:
        self.arrival = arrival
        self.number = number
        self.intended_ns = intended_ns
        self.started_ns = 0
        self.ended_ns = 0
        self.outcome: Outcome | None = None
        self.reason = ""

    def end(self, outcome: Outcome, now_ns: int, reason: str = "") -> None:
        """Record how the attempt ended; an attempt ends once."""
        assert self.outcome is None
        self.outcome = outcome
        self.ended_ns = now_ns
        self.reason = reason

    def __lt__(self, other: "Attempt") -> bool:
        """Order attempts by intended start, so that the heap yields them in that order."""
        return self.intended_ns < other.intended_ns


class Schedule:
    """Attempts in the order of their intended start."""

    def __init__(self, plan: Plan, start_ns: int) -> None:
        self._rate_per_s = plan.rate_per_s
        self._arrivals = plan.arrivals
        self._start_ns = start_ns
        self._fresh_next = 0
        self._returning: list[Attempt] = []

    def next_ns(self) -> int | None:
        """Return the intended start of the next attempt, None when nobody is left to come."""
        fresh_ns = self._fresh_ns()
        if not self._returning:
            return fresh_ns
        returning_ns = self._returning[0].intended_ns
        return returning_ns if fresh_ns is None else min(fresh_ns, returning_ns)

    def pop(self) -> Attempt:
        """Return the next attempt and move on."""
        fresh_ns = self._fresh_ns()
        if self._returning and (fresh_ns is None or self._returning[0].intended_ns < fresh_ns):
            return heapq.heappop(self._returning)
        assert fresh_ns is not None
        attempt = Attempt(self._fresh_next, 1, fresh_ns)
        self._fresh_next += 1
        return attempt

    def come_back(self, refused: Attempt, retry_after_ms: int) -> None:
        """Let the client of `refused` try again `retry_after_ms` after it was told so."""
        moment_ns = refused.ended_ns + retry_after_ms * NS_PER_MS
        heapq.heappush(self._returning, Attempt(refused.arrival, refused.number + 1, moment_ns))

    def _fresh_ns(self) -> int | None:
        if self._fresh_next == self._arrivals:
            return None
        return self._start_ns + self._fresh_next * NS_PER_S // self._rate_per_s


def players(plan: Plan) -> list[str]:
    """Return the player of each arrival: each its own, or the seed's 10,000 with replacement."""
    if plan.population == "unique":
        return [f"{plan.name}-{number:06d}" for number in range(1, plan.arrivals + 1)]
    if plan.population != "seed":
        raise ValueError(f"population must be unique or seed, not {plan.population!r}")
    dice = random.Random(plan.seed)
    return [f"{plan.name}-{dice.randint(1, SEED_PLAYERS):06d}" for _ in range(plan.arrivals)]
