"""How fast places end: what teaches it, what does not, and when nothing ends at all."""

from dataclasses import replace

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


def test_a_share_that_waits_is_taken_to_get_half_of_what_its_weight_gives_it_at_least() -> None:
    drain = Drain(SETTINGS)
    drain.pass_time(0, [])
    for millisecond in range(1, 3_000):
        drain.pass_time(millisecond * MS, [(PLAY, 1), (LOGINS, 0), (EVENTS, 0)])
    # Of 2 places gameplay has one half, and of the other logins have 6 parts of 8, and events 2.
    assert drain.interval_ns(PLAY) == pytest.approx(20 * MS, rel=0.01)
    assert drain.interval_ns(LOGINS) == 20 * MS * 2 * 16 // 12
    assert drain.interval_ns(EVENTS) == 20 * MS * 2 * 16 // 4


@pytest.mark.parametrize(
    ("limit", "weights", "places"),
    [
        (1, (2, 8, 6), (2 / 16, 8 / 16, 6 / 16)),
        (2, (2, 8, 6), (4 / 16, 1, 12 / 16)),
        (10, (2, 8, 6), (20 / 16, 5, 60 / 16)),
        (2, (1, 1, 1000), (1 / 1001, 1, 1000 / 1001)),
        (4, (8, 1, 8), (1.5, 1, 1.5)),
    ],
)
def test_what_weights_give_a_share_while_all_wait(
    limit: int, weights: tuple[int, int, int], places: tuple[float, float, float]
) -> None:
    events, gameplay, logins = weights
    of = {EVENTS: events, PLAY: gameplay, LOGINS: logins}
    settings = replace(SETTINGS, limit=limit, weights=of)
    for share, expected in zip((EVENTS, PLAY, LOGINS), places, strict=True):
        part, parts = settings.places_min(share)
        assert part / parts == pytest.approx(expected)


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
    for held_ms in (100, 1):
        drain = learnt(held_ms * MS)
        longest_ns = 250 * MS if held_ms == 1 else 8 * drain.held_ns(PLAY)
        drain.pass_time(10 * S, [])
        drain.start_from_rest(PLAY)
        assert drain.silence_ns(PLAY, 10 * S + longest_ns - 1) == 0
        assert drain.silence_ns(PLAY, 10 * S + longest_ns) == longest_ns


def test_a_share_whose_only_place_is_handed_on_was_not_at_rest() -> None:
    drain = learnt(MS)
    drain.pass_time(S // 2, [])
    drain.rest(PLAY)
    drain.start_from_rest(PLAY)
    assert drain.silence_ns(PLAY, S // 2) == S // 2
    drain.pass_time(S // 2 + 1, [])
    drain.start_from_rest(PLAY)
    assert drain.silence_ns(PLAY, S) == S // 2 - 1


def test_each_share_stands_still_for_itself() -> None:
    drain = learnt(MS)
    drain.pass_time(S // 2, [])
    drain.end(LOGINS, MS)
    assert drain.silence_ns(PLAY, S // 2) == S // 2
    assert drain.silence_ns(LOGINS, S // 2) == 0


def test_a_step_of_the_clock_is_a_second_of_silence_at_most() -> None:
    drain = learnt(MS)
    drain.pass_time(3600 * S, [])
    assert drain.silence_ns(PLAY, 3600 * S) == S
    drain.pass_time(3600 * S + S // 2, [])
    assert drain.silence_ns(PLAY, 3600 * S + S // 2) == S + S // 2
