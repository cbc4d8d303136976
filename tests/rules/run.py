"""Runs the state machine for a number of histories."""

from collections import Counter

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.rules.machine import RulesMachine

STEPS = 50
"""Rules of the machine per history; one is several steps that are compared."""


def run_histories(
    counted_here: Counter[str],
    histories: int,
    *,
    seed_of_run: int | None = None,
    shrink: bool = True,
) -> None:
    """Run histories, the same in every run unless a seed is given, and count what they met.

    Raise what the first difference between rules and model raises, with the history as notes.
    """

    class Counting(RulesMachine):
        counted = counted_here

    run_state_machine_as_test(
        Counting if seed_of_run is None else seed(seed_of_run)(Counting),
        settings=settings(
            max_examples=histories,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=seed_of_run is None,
            database=None,
            phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
