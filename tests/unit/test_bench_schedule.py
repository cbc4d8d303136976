"""When the generator sends what, and as whom."""

from typing import Any

import pytest

from benchmarks.answers import Outcome
from benchmarks.schedule import NS_PER_MS, Attempt, Plan, Schedule, players


def plan(**changes: Any) -> Plan:
    return Plan(**{"port": 1, "rate_per_s": 4, "seconds": 2, **changes})


def drain(schedule: Schedule) -> list[Attempt]:
    attempts = []
    while schedule.next_ns() is not None:
        attempts.append(schedule.pop())
    return attempts


def test_arrivals_are_evenly_spaced_from_the_first_moment() -> None:
    attempts = drain(Schedule(plan(), start_ns=1000 * NS_PER_MS))
    moments_ms = [attempt.intended_ns // NS_PER_MS for attempt in attempts]
    assert moments_ms == [1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750]
    assert [attempt.arrival for attempt in attempts] == list(range(8))


def test_a_refused_client_returns_at_the_moment_it_was_told_between_the_fresh_ones() -> None:
    schedule = Schedule(plan(), start_ns=0)
    refused = schedule.pop()
    refused.end(Outcome.REFUSED_503, now_ns=40 * NS_PER_MS)
    schedule.come_back(refused, retry_after_ms=600)
    order = [(attempt.arrival, attempt.number) for attempt in drain(schedule)]
    assert order[:4] == [(1, 1), (2, 1), (0, 2), (3, 1)]


def test_the_moment_of_a_return_counts_from_when_the_client_was_told() -> None:
    schedule = Schedule(plan(seconds=0), start_ns=0)
    refused = Schedule(plan(), start_ns=0).pop()
    refused.end(Outcome.REFUSED_503, now_ns=40 * NS_PER_MS)
    schedule.come_back(refused, retry_after_ms=600)
    assert schedule.next_ns() == 640 * NS_PER_MS


def test_each_arrival_of_the_unique_population_is_a_player_of_its_own() -> None:
    names = players(plan(rate_per_s=600, seconds=60))
    assert len(set(names)) == 36_000
    assert (names[0], names[-1]) == ("user-000001", "user-036000")


def test_the_seeds_population_is_10000_players_with_replacement_and_the_same_each_time() -> None:
    names = players(plan(rate_per_s=600, seconds=60, population="seed"))
    # 10,000 x (1 - e^-3.6) are expected.
    assert 9_650 < len(set(names)) < 9_800
    assert {"user-000000", "user-010001"}.isdisjoint(names)
    assert names == players(plan(rate_per_s=600, seconds=60, population="seed"))


def test_an_unknown_population_is_an_error() -> None:
    with pytest.raises(ValueError, match="unique or seed"):
        players(plan(population="all"))
