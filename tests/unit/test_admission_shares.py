"""Whose turn it is: what shares are charged, paid back and forgiven."""

import pytest

from middleware.admission import Share
from middleware.admission.settings import WEIGHTS
from middleware.admission.shares import Shares
from tests.admission import MS, S

PLAY, EVENTS = Share.GAMEPLAY, Share.EVENTS
EQUAL = dict.fromkeys(Share, 1)


def contending() -> Shares:
    """Return equal shares of which each waits for a place."""
    shares = Shares(EQUAL, 10)
    shares.contend(list(Share))
    return shares


def hold(shares: Shares, share: Share, place_ns: int, *, still: bool = False) -> None:
    shares.charge(share, shares.use(share, place_ns), still=still)


def test_a_class_that_was_alone_has_no_debts_when_others_come() -> None:
    shares = Shares(WEIGHTS, 10)
    for _ in range(1000):
        shares.start(Share.LOGINS, 20 * MS)
    shares.contend([Share.LOGINS, Share.EVENTS])
    shares.start(Share.EVENTS, 20 * MS)
    assert shares.first([Share.LOGINS, Share.EVENTS]) is Share.LOGINS


def test_what_is_not_used_of_a_charge_is_paid_back() -> None:
    shares = contending()
    shares.start(PLAY, 10 * MS)
    shares.start(EVENTS, 10 * MS)
    hold(shares, EVENTS, 4 * MS)
    assert shares.first([PLAY, EVENTS]) is PLAY
    shares.end(EVENTS, 6 * MS)
    assert shares.first([PLAY, EVENTS]) is EVENTS
    shares.start(EVENTS, 5 * MS)
    assert shares.first([PLAY, EVENTS]) is EVENTS
    shares.start(EVENTS, 5 * MS)
    assert shares.first([PLAY, EVENTS]) is PLAY


def test_a_place_is_charged_while_it_is_held_longer_than_expected() -> None:
    shares = contending()
    shares.start(EVENTS, 10 * MS)
    shares.start(PLAY, 11 * MS)
    hold(shares, EVENTS, 10 * MS)
    assert shares.first([PLAY, EVENTS]) is EVENTS
    hold(shares, EVENTS, 2 * MS)
    assert shares.first([PLAY, EVENTS]) is PLAY


def test_nothing_is_paid_back_that_another_place_of_the_share_has_used_up() -> None:
    shares = contending()
    shares.start(EVENTS, 10 * MS)
    shares.start(EVENTS, 10 * MS)
    shares.start(PLAY, 19 * MS)
    hold(shares, EVENTS, 20 * MS)  # one of them for 16 ms, the other for 4
    shares.end(EVENTS, 6 * MS)
    assert shares.first([PLAY, EVENTS]) is PLAY


def test_new_weights_forget_what_was_charged_in_advance() -> None:
    shares = contending()
    shares.start(EVENTS, 10 * MS)
    shares.reconfigure(EQUAL, 10)
    shares.end(EVENTS, 10 * MS)
    assert shares.first([PLAY, EVENTS]) is PLAY


@pytest.mark.parametrize(("still", "all_places_s"), [(True, 1), (False, 5)])
def test_what_a_share_held_too_long_is_made_up_for_up_to_a_bound(
    still: bool, all_places_s: int
) -> None:
    shares = Shares(EQUAL, 10)
    shares.contend([PLAY, Share.LOGINS])
    shares.start(Share.LOGINS, 20 * MS)
    hold(shares, Share.LOGINS, 9 * 7 * S, still=still)
    served = 0
    while shares.first([PLAY, Share.LOGINS]) is PLAY:
        shares.start(PLAY, 20 * MS)
        hold(shares, PLAY, 20 * MS)
        served += 1
    assert served == all_places_s * 10 * S // (20 * MS) + 1


def test_gameplay_in_its_own_place_does_not_push_newcomers_behind_the_others() -> None:
    """Where its weight gives it less than its own place, it runs ahead without end."""
    weights = {Share.EVENTS: 10, Share.GAMEPLAY: 1, Share.LOGINS: 10}
    shares = Shares(weights, 1)
    shares.contend([Share.GAMEPLAY, Share.LOGINS])
    for _ in range(1000):
        shares.start(Share.GAMEPLAY, 20 * MS)
        shares.start(Share.LOGINS, 20 * MS)
    shares.contend(list(Share))
    order = [Share.LOGINS, Share.EVENTS]
    won = []
    for _ in range(10):
        won.append(shares.first(order))
        shares.start(won[-1], 20 * MS)
    assert 4 <= won.count(Share.EVENTS) <= 6
    # And it is not starved for all that time when it must share again.
    ahead = 0
    while shares.first(list(Share)) is not Share.GAMEPLAY:
        shares.start(shares.first(list(Share)), 20 * MS)
        ahead += 1
    assert 2 * 2 * 10 * S // (20 * MS) <= ahead <= 5 * 2 * 10 * S // (20 * MS)


def test_a_place_that_was_free_is_charged_like_any_other() -> None:
    shares = Shares(WEIGHTS, 10)
    for _ in range(1000):
        shares.start(Share.GAMEPLAY, 20 * MS)
    shares.start(Share.EVENTS, 20 * MS)
    shares.contend([Share.EVENTS, Share.GAMEPLAY])
    assert shares.first([Share.EVENTS, Share.GAMEPLAY]) is Share.GAMEPLAY


def test_a_place_of_its_own_does_not_move_the_clock_past_those_who_wait() -> None:
    shares = Shares(WEIGHTS, 10)
    shares.contend([Share.GAMEPLAY, Share.LOGINS])
    for _ in range(100):
        shares.start(Share.GAMEPLAY, 20 * MS)
    shares.contend(list(Share))
    assert shares.first([Share.EVENTS, Share.LOGINS]) is Share.EVENTS
