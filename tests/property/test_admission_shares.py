"""Whoever is backlogged gets its share of the time that places are held, over any second."""

from itertools import combinations

import pytest

from middleware.admission import Share
from middleware.admission.settings import WEIGHTS
from tests.backlog import expect_fair_shares, expect_fair_shares_beside_slow

EVENTS, PLAY, LOGINS = Share.EVENTS, Share.GAMEPLAY, Share.LOGINS

WEIGHTS_OF = (
    WEIGHTS,
    dict.fromkeys(Share, 1),
    {EVENTS: 8, PLAY: 1, LOGINS: 8},
    {EVENTS: 1, PLAY: 3, LOGINS: 20},
)
SETS = [shares for size in (1, 2, 3) for shares in combinations(Share, size)]


@pytest.mark.parametrize("limit", [1, 2, 4, 10])
@pytest.mark.parametrize("shares", SETS, ids="+".join)
def test_each_gets_its_share_of_place_time_over_any_second(
    shares: tuple[Share, ...], limit: int
) -> None:
    for seed, weights in enumerate(WEIGHTS_OF):
        expect_fair_shares(shares, limit, seed, weights)


@pytest.mark.parametrize("limit", [4, 10])
@pytest.mark.parametrize("slow", list(Share))
def test_a_share_whose_places_are_slow_takes_no_more_of_them(slow: Share, limit: int) -> None:
    expect_fair_shares_beside_slow(slow, limit, seconds=30)
