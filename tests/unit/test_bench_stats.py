"""Every attempt and every arrival is counted once, and where it belongs."""

from collections.abc import Sequence

from benchmarks.answers import Outcome
from benchmarks.schedule import NS_PER_MS, Attempt, Plan
from benchmarks.stats import Summary, percentile, spread_ms, summarise

PLAN = Plan(port=1, rate_per_s=2, seconds=2)


def attempt(
    arrival: int,
    number: int,
    intended_ms: int,
    ended_ms: int,
    outcome: Outcome,
    *,
    slip_ms: int = 1,
    reason: str = "",
) -> Attempt:
    made = Attempt(arrival, number, intended_ms * NS_PER_MS)
    made.started_ns = (intended_ms + slip_ms) * NS_PER_MS
    made.end(outcome, ended_ms * NS_PER_MS, reason)
    return made


def summary(
    attempts: Sequence[Attempt], player_of: Sequence[str] = ("a", "b", "c", "d")
) -> Summary:
    return summarise(
        PLAN,
        attempts,
        player_of=player_of,
        start_ns=0,
        generator_cpu_ns=400_000,
        in_flight_max=2,
        full_checks=1,
    )


BURST = [
    attempt(0, 1, 0, 10, Outcome.OK),
    attempt(1, 1, 500, 503, Outcome.REFUSED_503, reason="line_full"),
    attempt(2, 1, 1000, 11_000, Outcome.TIMEOUT),
    attempt(3, 1, 1500, 1504, Outcome.REFUSED_503, reason="line_full"),
    attempt(1, 2, 2503, 2523, Outcome.OK),
]


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile(range(1, 101), 95) == 95
    assert percentile(range(1, 101), 99) == 99
    assert percentile([1, 2, 3], 50) == 2
    assert percentile([7], 99) == 7
    assert percentile([], 99) == 0


def test_a_percentile_is_never_below_the_share_it_stands_for() -> None:
    for count in range(1, 300):
        for percent in (50, 95, 99):
            at_most = percentile(range(1, count + 1), percent)
            assert at_most * 100 >= percent * count
            assert (at_most - 1) * 100 < percent * count


def test_a_spread_is_in_milliseconds() -> None:
    spread = spread_ms([3_000_000, 1_500_000])
    assert (spread.count, spread.p50, spread.p99, spread.max) == (2, 1.5, 3.0, 3.0)


def test_every_attempt_and_every_arrival_is_accounted_for() -> None:
    made = summary(BURST)
    assert made.conserved
    assert made.outcomes == {"ok": 2, "refused_503": 2, "timeout": 1}
    assert (made.offered, made.started, made.attempts) == (4, 4, 5)
    assert (made.arrived_in, made.told_last, made.never_answered) == (2, 1, 1)
    assert made.reasons == {"line_full": 2}


def test_the_admitted_and_the_refused_are_never_mixed() -> None:
    made = summary(BURST)
    assert (made.admitted_ms.count, made.admitted_ms.p99) == (2, 20.0)
    assert (made.refused_ms.count, made.refused_ms.p50, made.refused_ms.p99) == (2, 3.0, 4.0)


def test_latency_counts_from_the_intended_start_not_from_the_sending() -> None:
    made = summary([attempt(0, 1, 0, 3000, Outcome.OK, slip_ms=2990)])
    assert made.admitted_ms.max == 3000


def test_attempts_are_counted_per_arrival_and_per_refused_arrival() -> None:
    made = summary(BURST)
    assert made.attempts_per_arrival == 1.25
    assert made.refused_once == 2
    assert made.attempts_per_refused == 1.5
    assert made.in_after_attempts == {1: 1, 2: 1}


def test_the_time_to_get_in_counts_from_the_first_attempt() -> None:
    made = summary(BURST)
    assert made.time_to_in_ms.max == 2023
    assert made.last_in_s == 2.52


def test_goodput_counts_only_what_was_done_while_the_burst_lasted() -> None:
    assert summary(BURST).goodput_per_s == 0.5


def test_each_second_shows_what_ended_in_it() -> None:
    seconds = summary(BURST).seconds
    assert len(seconds) == 12
    assert (seconds[0].ok, seconds[0].refused, seconds[0].failed) == (1, 1, 0)
    assert (seconds[11].ok, seconds[11].refused, seconds[11].failed) == (0, 0, 1)


def test_a_player_who_came_twice_is_one_player() -> None:
    twice = [attempt(0, 1, 0, 10, Outcome.OK), attempt(1, 1, 500, 510, Outcome.OK)]
    assert summary(twice, player_of=("a", "a", "b", "c")).players_in == 1


def test_a_run_is_void_when_its_schedule_slips() -> None:
    late = [attempt(i, 1, 500 * i, 500 * i + 30, Outcome.OK, slip_ms=21) for i in range(4)]
    assert "slip" in summary(late).void
    assert not summary(BURST).void


def test_a_run_is_void_when_an_arrival_was_never_sent() -> None:
    assert "3 of 4" in summary(BURST[:3]).void


def test_a_run_is_void_when_an_attempt_has_no_outcome() -> None:
    endless = Attempt(3, 1, 1500 * NS_PER_MS)
    endless.started_ns = endless.intended_ns
    made = summary([*BURST[:3], endless])
    assert not made.conserved
    assert made.void == "not conserved: 4 attempts have 3 outcomes"


def test_a_run_without_any_answer_has_figures_too() -> None:
    made = summary([])
    assert (made.arrived_in, made.last_in_s, made.seconds) == (0, 0, [])
