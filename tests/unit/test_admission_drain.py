"""How fast places end: what teaches it, what does not, and when nothing ends at all."""

import pytest

from middleware.admission import Share
from middleware.admission.drain import Drain
from tests.admission import MS, SETTINGS, S

PLAY, LOGINS, EVENTS = Share.GAMEPLAY, Share.LOGINS, Share.EVENTS


def learnt(held_ns: int, share: Share = PLAY) -> Drain:
    drain = Drain(SETTINGS)
    for _ in range(300):
        drain.end(share, held_ns)
    return drain


def test_each_share_learns_how_long_its_own_places_are_held() -> None:
    drain = learnt(5 * MS)
    assert drain.held_ns(PLAY) == pytest.approx(5 * MS, rel=0.01)
    assert drain.held_ns(LOGINS) == 20 * MS


def test_a_sample_counts_as_twice_the_average_at_most() -> None:
    drain = learnt(16 * MS)
    before_ns = drain.held_ns(PLAY)
    drain.end(PLAY, 7 * S)
    assert drain.held_ns(PLAY) == before_ns + before_ns // 16


def test_a_real_slow_down_of_four_times_is_learnt_within_23_samples() -> None:
    drain = learnt(16 * MS)
    for _ in range(23):
        drain.end(PLAY, 400 * MS)
    assert drain.held_ns(PLAY) >= 4 * 15.9 * MS


def test_places_that_are_held_for_no_time_do_not_make_the_average_nothing() -> None:
    assert learnt(0).held_ns(PLAY) >= 1


def test_a_share_that_waits_gets_what_it_is_seen_to_hold() -> None:
    drain = Drain(SETTINGS)
    drain.pass_time(0, [])
    for millisecond in range(1, 2_000):
        drain.pass_time(millisecond * MS, [(LOGINS, 1 + millisecond % 2)])
    assert drain.interval_ns(LOGINS) == pytest.approx(20 * MS / 1.5, rel=0.01)


def test_a_share_gets_at_least_what_its_weight_gives_it() -> None:
    drain = Drain(SETTINGS)
    drain.pass_time(0, [])
    for millisecond in range(1, 3_000):
        drain.pass_time(millisecond * MS, [(LOGINS, 0), (EVENTS, 0)])
    # Of 2 places 6 and 2 sixteenths.
    assert drain.interval_ns(LOGINS) == 20 * MS * 16 // 12
    assert drain.interval_ns(EVENTS) == 20 * MS * 16 // 4


def test_what_a_share_gets_follows_within_a_second() -> None:
    drain = Drain(SETTINGS)
    drain.pass_time(0, [])
    for millisecond in range(1, 10_000):
        drain.pass_time(millisecond * MS, [(PLAY, 1)])
    assert drain.interval_ns(PLAY) == pytest.approx(20 * MS, rel=0.01)
    for millisecond in range(10_000, 11_500):
        drain.pass_time(millisecond * MS, [(PLAY, 2)])
    assert drain.interval_ns(PLAY) == pytest.approx(10 * MS, rel=0.2)


def test_time_in_which_a_share_did_not_wait_teaches_nothing_about_it() -> None:
    drain = Drain(SETTINGS)
    for second in range(100):
        drain.pass_time(second * S, [])
    assert drain.interval_ns(PLAY) == 10 * MS


def test_nothing_has_ended_for_eight_times_held_and_a_quarter_of_a_second() -> None:
    drain = learnt(100 * MS)
    drain.live(10 * S)
    longest_ns = 8 * drain.held_ns(PLAY)
    assert drain.silence_ns(10 * S + longest_ns - 1, [PLAY]) == 0
    assert drain.silence_ns(10 * S + longest_ns, [PLAY]) == longest_ns
    quick = learnt(MS)
    quick.live(10 * S)
    assert quick.silence_ns(10 * S + 250 * MS - 1, [PLAY]) == 0
    assert quick.silence_ns(10 * S + 250 * MS, [PLAY]) == 250 * MS


def test_the_slowest_of_those_that_run_tells_how_long_silence_may_be() -> None:
    drain = learnt(100 * MS, EVENTS)
    drain.live(0)
    assert drain.silence_ns(500 * MS, [PLAY]) == 500 * MS
    assert drain.silence_ns(500 * MS, [PLAY, EVENTS]) == 0


def test_where_nothing_runs_nothing_can_end() -> None:
    drain = Drain(SETTINGS)
    assert drain.silence_ns(3600 * S, []) == 0
    drain.start_from_idle(3600 * S)
    assert drain.silence_ns(3600 * S + 200 * MS, [PLAY]) == 0
