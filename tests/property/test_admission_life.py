import pytest

from tests.admission_life import Life, expect_nothing_left


@pytest.mark.parametrize("seed", range(3))
def test_after_many_random_events_nothing_is_left(seed: int) -> None:
    life = Life(seed)
    life.live(30_000)
    expect_nothing_left(life.core)
