"""Goals are drawn by dice that nobody can foresee."""

from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from app.handlers import goals


def fresh_copy() -> Any:
    """Load the module as another process does."""
    spec = spec_from_file_location("copy_of_goals", goals.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_processes_do_not_draw_the_same() -> None:
    many = range(1_000_000)
    assert fresh_copy().FAIR_SAMPLE(many, 20) != fresh_copy().FAIR_SAMPLE(many, 20)


def test_each_goal_is_drawn_as_often_as_the_others() -> None:
    counts = [0] * 5
    for _ in range(4000):
        for number in goals.FAIR_SAMPLE(range(5), 2):
            counts[number] += 1
    # 1600 each; a deviation of 31 is usual, one of 250 happens in one of 1e15 runs.
    assert all(1350 < count < 1850 for count in counts)
