"""How many promises are counted on: who never returns, who is late, and what is forgotten."""

from middleware.admission.kept import Kept

S = 1_000_000_000


def test_every_promise_is_counted_on_until_one_is_broken() -> None:
    assert Kept(60 * S).of(1000) == 1000


def test_of_the_last_256_moments_those_that_nobody_kept_are_not_counted_on() -> None:
    kept = Kept(60 * S)
    for _ in range(64):
        kept.missed(S)
    assert kept.of(1000) == 750
    for _ in range(256):
        kept.came(S)
    assert kept.of(1000) == 1000


def test_at_least_half_of_them_are_counted_on() -> None:
    kept = Kept(60 * S)
    for _ in range(256):
        kept.missed(S)
    assert kept.of(1000) == 500
    assert kept.of(1) == 0


def test_late_is_kept_as_soon_as_the_missing_come_at_such_a_rate() -> None:
    """Half are late by up to 50 s: long before the first grace is over all are counted on."""
    kept = Kept(60 * S)
    for second in range(10):
        for _ in range(64):
            kept.came(second * S)
            kept.missed(second * S)
        # Of those who are missing one in fifty comes in a second.
        for _ in range(64 * second // 50):
            kept.came_late(second * S)
    assert kept.of(1000) > 850


def test_few_who_come_late_do_not_speak_for_all_who_are_missing() -> None:
    kept = Kept(60 * S)
    for second in range(10):
        for _ in range(128):
            kept.came(second * S)
            kept.missed(second * S)
    kept.came_late(9 * S)
    assert kept.of(1000) < 520


def test_who_is_missing_no_longer_after_its_grace_makes_no_late_ones_likelier() -> None:
    kept = Kept(10 * S)
    for _ in range(128):
        kept.missed(0)
    for _ in range(4):
        kept.came_late(5 * S)
    for _ in range(124):
        kept.lapsed(10 * S)
    # 4 came of 128 who were missing for 10 s: about a thirtieth of those who are missing will.
    assert 510 <= kept.of(1000) <= 520
    settled = kept.of(1_000_000)
    kept.came(1_000 * S)
    assert abs(kept.of(1_000_000) - settled) < 10_000


def test_without_grace_nobody_who_is_missing_comes() -> None:
    kept = Kept(0)
    for _ in range(128):
        kept.missed(S)
    kept.came_late(2 * S)
    assert kept.of(1000) == 500


def test_what_was_learnt_long_ago_counts_less_and_less() -> None:
    kept = Kept(60 * S)
    for second in range(3_600):  # an hour in which all come, half a minute late
        kept.missed(second * S)
        if second >= 30:
            kept.came_late(second * S)
    assert kept.of(1000) == 1000
    for second in range(3_600, 9_000):  # an hour and a half in which nobody does
        kept.missed(second * S)
        kept.lapsed(second * S)
    assert kept.of(1000) < 600


def test_with_the_last_promise_all_is_forgotten() -> None:
    kept = Kept(60 * S)
    for _ in range(256):
        kept.missed(S)
    kept.forget()
    assert kept.of(1000) == 1000


def test_a_longer_grace_leaves_the_missing_more_time_to_come() -> None:
    kept = Kept(10 * S)
    for _ in range(256):
        kept.missed(0)
    for _ in range(20):
        kept.came_late(10 * S)
    before = kept.of(10_000)
    kept.reconfigure(600 * S)
    assert kept.of(10_000) > before


def test_what_is_learnt_of_a_steady_crowd_stays_the_same() -> None:
    """Half are missing at first, and three in ten of these come a minute later, for three hours."""
    kept = Kept(60 * S)
    for second in range(10_800):
        kept.came(second * S)
        kept.missed(second * S)
        if second >= 60:
            if second % 10 < 3:
                kept.came_late(second * S)
            else:
                kept.lapsed(second * S)
        if second > 600:
            assert 640 <= kept.of(1000) <= 660, second


def test_each_of_the_last_256_moments_counts_once() -> None:
    kept = Kept(60 * S)
    for number in range(1_025):
        if number % 4:
            kept.came(number)
        else:
            kept.missed(number)
    assert kept.of(1_000_000) == 750_000
