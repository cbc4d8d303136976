"""The promise, in simulated weather: stalls, floods, late clients, pollers. No time passes."""

from dataclasses import replace

import pytest

from benchmarks.promise.server import S, Server
from benchmarks.promise.simulation import Simulation, obedient
from benchmarks.promise.stories import STORIES, pollers
from benchmarks.promise.telling import HELD_MS, Story, settings
from middleware.admission import AdmissionSettings, Class

SEED = 4
"""Not one of those that `make simulate-promise` tells."""


LONG = {"burst-stall-30", "pollers"}
"""Told by `make simulate-promise` only; the second in short below."""


@pytest.mark.parametrize(
    "story",
    [story for story in STORIES if story.key not in LONG],
    ids=lambda story: story.key,
)
def test_the_promise_is_kept(story: Story) -> None:
    broken = [figure for figure in story.tell(SEED) if not figure.met]
    assert not broken


def test_who_knocks_every_second_gains_little_and_costs_the_others_nothing() -> None:
    broken = [figure for figure in pollers(SEED, seconds=15) if not figure.met]
    assert not broken


def burst(rules: AdmissionSettings, *, seconds: int = 20, held: int = 300) -> Simulation:
    world = Simulation(rules, Server(HELD_MS, held_per_s=held))
    for number in range(600 * seconds):
        world.arrive(Class.INITIALIZE, number * S // 600, obedient)
    return world.run()


def test_no_moment_is_told_twice_and_nobody_waits_longer_than_the_line_allows() -> None:
    clients = burst(settings(rate=300)).clients
    moments = [told for client in clients for told in client.told_ns]
    assert len(moments) > 1_000
    assert len(set(moments)) == len(moments)
    assert max(client.waited_ns for client in clients) <= 2 * S


def test_when_the_database_does_half_of_what_was_set_everybody_still_gets_in_within_three() -> None:
    clients = burst(settings(rate=300), held=150).clients
    assert all(client.in_ns is not None for client in clients)
    assert max(client.attempts for client in clients) <= 3
    assert max(client.in_ns or 0 for client in clients) <= 1.05 * len(clients) * S / 150


def test_a_gate_without_slots_sends_them_away_again_and_again() -> None:
    """The negative control: the same world, where nobody has a moment of its own."""
    clients = burst(replace(settings(rate=300), slot_horizon_ns=1), seconds=15).clients
    assert max(client.attempts for client in clients) > 4
