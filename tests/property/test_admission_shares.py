"""Whoever is backlogged gets its share of the time that places are held, over any second."""

from itertools import combinations

import pytest

from middleware.admission import Share
from tests.backlog import expect_fair_shares

SETS = [shares for size in (1, 2, 3) for shares in combinations(Share, size)]


@pytest.mark.parametrize("limit", [1, 2, 4, 10])
@pytest.mark.parametrize("shares", SETS, ids="+".join)
def test_each_gets_its_share_of_place_time_over_any_second(
    shares: tuple[Share, ...], limit: int
) -> None:
    for seed in range(2):
        expect_fair_shares(shares, limit, seed)
