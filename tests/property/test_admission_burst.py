"""The seed's burst, played against the core in simulated time: 600 a second against 300."""

import pytest

from middleware.admission import AdmissionSettings, Rate
from tests.simulation import SECOND_NS, Burst, Played, Simulation

ARRIVALS = 36_000
QUOTA = Rate.per_second(50, burst=100)


def play(*, rate: int | None, held: int, returning_share: float = 1.0) -> Played:
    settings = AdmissionSettings(
        limit=10,
        initialize_rate=Rate.per_second(rate, burst=30) if rate else None,
        quota=QUOTA,
    )
    return Simulation(Burst(settings, 600, 60, held, returning_share)).run()


@pytest.mark.parametrize("rate", [300, None])
def test_everybody_gets_in_and_is_turned_away_at_most_once(rate: int | None) -> None:
    played = play(rate=rate, held=300)
    assert len(played.in_at_ns) == ARRIVALS
    assert max(played.attempts.values()) == 2
    assert played.last_in_s <= 1.05 * ARRIVALS / 300


def test_whoever_does_not_return_keeps_no_place_empty() -> None:
    played = play(rate=300, held=300, returning_share=0.0)
    in_time = sum(at_ns <= 60 * SECOND_NS for at_ns in played.in_at_ns.values())
    assert in_time >= 0.99 * 60 * 300


def test_no_moment_is_told_twice() -> None:
    played = play(rate=300, held=300)
    assert len(set(played.moments_ns)) == len(played.moments_ns)


def test_nobody_waits_longer_than_the_line_allows() -> None:
    played = play(rate=300, held=300)
    assert max(played.waited_ns) <= 2 * SECOND_NS
    assert max(played.refused_waited_ns) <= 2 * SECOND_NS


def test_when_the_database_does_half_of_what_was_set_everybody_still_gets_in_within_three() -> None:
    played = play(rate=300, held=150)
    assert len(played.in_at_ns) == ARRIVALS
    assert max(played.attempts.values()) <= 3
    assert played.last_in_s <= 1.05 * ARRIVALS / 150


def test_a_gate_without_slots_sends_them_away_again_and_again() -> None:
    """The negative control: the same test fails where nobody has a moment of its own."""
    settings = AdmissionSettings(
        limit=10, initialize_rate=Rate.per_second(300, burst=30), quota=QUOTA, slot_horizon_ns=1
    )
    played = Simulation(Burst(settings, 600, 15, 300)).run()
    assert max(played.attempts.values()) > 4
