"""What a run of the generator amounts to: pure functions from attempts to figures.

Latency is counted from the intended start, so a stalled server or a late generator shows in it.
Admitted and refused are never mixed. The denominator of success is what was offered.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from benchmarks.answers import REFUSED, UNANSWERED, Outcome
from benchmarks.returning import Clients
from benchmarks.schedule import NS_PER_MS, NS_PER_S, Attempt, Plan

SLIP_P99_MS_MAX = 20.0


class Spread(msgspec.Struct, frozen=True):
    """A distribution in ms; percentiles are values that occurred (nearest rank). Zeros if empty."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float


class Second(msgspec.Struct, frozen=True):
    """What ended within one second of the run, counted from the first arrival."""

    ok: int = 0
    refused: int = 0
    failed: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One run, from the generator's side."""

    # Arrivals.
    offered: int
    started: int
    arrived_in: int
    players_in: int
    told_last: int
    never_answered: int
    refused_once: int
    attempts_per_arrival: float
    attempts_per_refused: float
    in_after_attempts: dict[int, int]
    attempts_max: int = 0
    time_to_in_ms: Spread
    # Of the clients that do as they are told, and of the wilful ones.
    mean_to_in_ms: float = 0.0
    wilful_mean_to_in_ms: float = 0.0
    last_in_s: float
    # Attempts.
    attempts: int
    outcomes: dict[str, int]
    reasons: dict[str, int]
    admitted_ms: Spread
    refused_ms: Spread
    goodput_per_s: float
    seconds: list[Second]
    # The generator itself.
    slip_ms: Spread
    generator_cpu_s: float
    generator_cpu_us_per_attempt: float
    in_flight_max: int
    full_checks: int
    void: str

    @property
    def conserved(self) -> bool:
        """Return whether each attempt has exactly one outcome."""
        return self.attempts == sum(self.outcomes.values())

    def count(self, *outcomes: Outcome) -> int:
        """Return how many attempts ended in one of `outcomes`."""
        return sum(self.outcomes.get(outcome, 0) for outcome in outcomes)


def percentile(ordered: Sequence[int], percent: float) -> int:
    """Return the smallest of the `ordered` values that `percent` of them do not exceed."""
    if not ordered:
        return 0
    # Ceiling division on thousandths, since 0.95 * 100 is not exactly 95 in floating point.
    rank = -(-len(ordered) * round(percent * 1000) // 100_000)
    return ordered[max(rank, 1) - 1]


def spread_ms(values_ns: Iterable[int]) -> Spread:
    """Return the distribution of `values_ns` in ms."""
    ordered = sorted(values_ns)

    def ms(value_ns: int) -> float:
        return round(value_ns / NS_PER_MS, 2)

    return Spread(
        count=len(ordered),
        p50=ms(percentile(ordered, 50)),
        p95=ms(percentile(ordered, 95)),
        p99=ms(percentile(ordered, 99)),
        max=ms(ordered[-1] if ordered else 0),
    )


def summarise(
    plan: Plan,
    attempts: Sequence[Attempt],
    *,
    player_of: Sequence[str],
    start_ns: int,
    generator_cpu_ns: int,
    in_flight_max: int,
    full_checks: int,
) -> Summary:
    """Return the figures of a run; `attempts` are all that were started, each one ended.

    `player_of` names the player of each arrival.
    """
    by_arrival: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        by_arrival.setdefault(attempt.arrival, []).append(attempt)
    fates = list(by_arrival.values())
    got_in = [fate for fate in fates if fate[-1].outcome is Outcome.OK]
    turned_away = [fate for fate in fates if any(a.outcome in REFUSED for a in fate)]
    admitted = [a for a in attempts if a.outcome is Outcome.OK]
    ended = Counter(a.outcome for a in attempts if a.outcome is not None)
    slip_ms = spread_ms(a.started_ns - a.intended_ns for a in attempts)
    burst_end_ns = start_ns + plan.seconds * NS_PER_S
    is_wilful = Clients(plan.returning, plan.arrivals, plan.seed).is_wilful
    return Summary(
        offered=plan.arrivals,
        started=len(fates),
        arrived_in=len(got_in),
        players_in=len({player_of[fate[0].arrival] for fate in got_in}),
        told_last=sum(fate[-1].outcome in REFUSED for fate in fates),
        never_answered=sum(all(a.outcome in UNANSWERED for a in fate) for fate in fates),
        refused_once=len(turned_away),
        attempts_per_arrival=_mean(len(fate) for fate in fates),
        attempts_per_refused=_mean(len(fate) for fate in turned_away),
        in_after_attempts=dict(sorted(Counter(len(fate) for fate in got_in).items())),
        attempts_max=max(map(len, fates), default=0),
        time_to_in_ms=spread_ms(map(_to_in_ns, got_in)),
        mean_to_in_ms=_mean_ms(fate for fate in got_in if not is_wilful(fate[0].arrival)),
        wilful_mean_to_in_ms=_mean_ms(fate for fate in got_in if is_wilful(fate[0].arrival)),
        last_in_s=round(max((a.ended_ns - start_ns for a in admitted), default=0) / NS_PER_S, 2),
        attempts=len(attempts),
        outcomes={str(outcome): count for outcome, count in ended.items()},
        reasons=dict(Counter(a.reason for a in attempts if a.reason)),
        admitted_ms=spread_ms(a.ended_ns - a.intended_ns for a in admitted),
        refused_ms=spread_ms(a.ended_ns - a.intended_ns for a in attempts if a.outcome in REFUSED),
        goodput_per_s=round(sum(a.ended_ns <= burst_end_ns for a in admitted) / plan.seconds, 1),
        seconds=_by_second(attempts, start_ns),
        slip_ms=slip_ms,
        generator_cpu_s=round(generator_cpu_ns / NS_PER_S, 2),
        generator_cpu_us_per_attempt=round(generator_cpu_ns / 1000 / max(len(attempts), 1), 1),
        in_flight_max=in_flight_max,
        full_checks=full_checks,
        void=_why_void(
            plan,
            slip_ms,
            started=len(fates),
            attempts=len(attempts),
            outcomes=ended.total(),
        ),
    )


def _mean(values: Iterable[int]) -> float:
    listed = list(values)
    return round(sum(listed) / len(listed), 3) if listed else 0.0


def _to_in_ns(fate: Sequence[Attempt]) -> int:
    return fate[-1].ended_ns - fate[0].intended_ns


def _mean_ms(fates: Iterable[Sequence[Attempt]]) -> float:
    return round(_mean(map(_to_in_ns, fates)) / NS_PER_MS, 2)


def _by_second(attempts: Sequence[Attempt], start_ns: int) -> list[Second]:
    ok: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    failed: Counter[int] = Counter()
    last = -1
    for attempt in attempts:
        second = (attempt.ended_ns - start_ns) // NS_PER_S
        last = max(last, second)
        if attempt.outcome is Outcome.OK:
            ok[second] += 1
        elif attempt.outcome in REFUSED:
            refused[second] += 1
        else:
            failed[second] += 1
    return [Second(ok[s], refused[s], failed[s]) for s in range(last + 1)]


def _why_void(plan: Plan, slip_ms: Spread, *, started: int, attempts: int, outcomes: int) -> str:
    """Return why the run says nothing about the service; empty when it does."""
    reasons = []
    if slip_ms.p99 > SLIP_P99_MS_MAX:
        reasons.append(f"schedule slip p99 {slip_ms.p99} ms is over {SLIP_P99_MS_MAX:g} ms")
    if started < plan.arrivals:
        reasons.append(f"only {started} of {plan.arrivals} arrivals were sent")
    if outcomes != attempts:
        reasons.append(f"not conserved: {attempts} attempts have {outcomes} outcomes")
    return ", ".join(reasons)
