"""A target is met by figures that are there and valid, and by nothing else."""

import pytest

from benchmarks.conditions import Conditions
from benchmarks.manifest import Manifest
from benchmarks.rules.figures import Part, Target, ratios

MANIFEST = Manifest("2026-11-25", "bench", "CPU", 2, "Linux", "CPython", {"msgspec": "1"})
CONDITIONS = Conditions(MANIFEST, 4.0, "abc", "18.6", {})


def target(*values: float, always: bool = False, at_least: bool = False) -> Target:
    return Target(
        name="CPU", unit="µs", bound=10, values=list(values), always=always, at_least=at_least
    )


def part(*targets: Target, void: str = "") -> Part:
    return Part(
        key="p", title="P", conditions=CONDITIONS, targets=list(targets), tables=[], void=void
    )


def test_the_median_of_the_rounds_is_set_against_the_bound() -> None:
    assert target(1, 10, 99).met
    assert not target(1, 10.1, 11).met


def test_a_target_that_must_always_be_met_is_judged_by_its_worst_round() -> None:
    assert not target(1, 10, 10.1, always=True).met
    assert not target(9.9, 10, 99, always=True, at_least=True).met
    assert target(10, 99, always=True, at_least=True).met


def test_a_figure_that_is_not_there_meets_nothing() -> None:
    assert target().figure is None
    assert not target().met


def test_a_void_part_meets_nothing() -> None:
    assert part(target(1)).all_met
    assert not part(target(1), void="the core was asleep").all_met
    assert not part(void="nothing was measured").all_met


def test_one_missed_target_is_a_missed_part() -> None:
    assert not part(target(1), target(11)).all_met


def test_a_ratio_is_taken_within_a_round() -> None:
    assert ratios([4, 9], [2, 3]) == [2, 3]


def test_rounds_without_a_base_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([4, 9], [2])
