"""Under which days an event is remembered: whenever it comes again, one of them knows it."""

from hypothesis import given
from hypothesis import strategies as st

from app.domain.clock import Clock
from app.domain.intake import (
    HORIZON_DAYS,
    SKEW_MS,
    days_kept,
    days_to_remember,
    digest_of,
    is_too_old,
)
from app.domain.period import DAY_MS

NOON_MS = 20_000 * DAY_MS + DAY_MS // 2
HOUR_MS = 3_600_000
NOW = st.integers(NOON_MS - 40 * DAY_MS, NOON_MS + 40 * DAY_MS)
BACK = st.integers(0, HORIZON_DAYS * DAY_MS)


@given(now_ms=NOW, ago_ms=BACK, again=st.integers(0, 9 * DAY_MS))
def test_a_past_event_is_known_for_as_long_as_it_is_taken(
    now_ms: int, ago_ms: int, again: int
) -> None:
    at_ms, again_ms = now_ms - ago_ms, now_ms + again
    assert days_to_remember(at_ms, now_ms) == (at_ms // DAY_MS,)
    assert is_too_old(at_ms, again_ms) or days_to_remember(at_ms, again_ms) == (at_ms // DAY_MS,)


@given(now_ms=NOW, again=st.integers(0, DAY_MS))
def test_an_event_without_a_time_is_known_for_a_day(now_ms: int, again: int) -> None:
    first, second = days_to_remember(None, now_ms), days_to_remember(None, now_ms + again)
    assert set(first) & set(second)


@given(
    now_ms=NOW, ahead_ms=st.integers(-DAY_MS, 4 * DAY_MS), again=st.integers(0, DAY_MS - SKEW_MS)
)
def test_an_event_from_the_future_is_known_for_almost_a_day_wherever_its_time_has_come(
    now_ms: int, ahead_ms: int, again: int
) -> None:
    at_ms = now_ms + ahead_ms
    assert set(days_to_remember(at_ms, now_ms)) & set(days_to_remember(at_ms, now_ms + again))


@given(now_ms=NOW, ahead_ms=st.integers(-HORIZON_DAYS * DAY_MS, 9000 * DAY_MS))
def test_every_day_that_is_asked_for_is_made_and_not_yet_dropped(
    now_ms: int, ahead_ms: int
) -> None:
    kept = days_kept(now_ms)
    for days in (days_to_remember(now_ms + ahead_ms, now_ms), days_to_remember(None, now_ms)):
        assert kept.first < days[0] <= days[-1] < kept.last


def test_a_clock_that_is_a_little_ahead_costs_nothing() -> None:
    assert days_to_remember(NOON_MS + HOUR_MS, NOON_MS) == (20_000,)
    assert days_to_remember(NOON_MS + HOUR_MS + 1, NOON_MS) == [19_999, 20_000]
    assert days_to_remember(NOON_MS + 13 * HOUR_MS, NOON_MS) == [19_999, 20_000, 20_001]
    assert days_to_remember(NOON_MS + 24 * HOUR_MS + 1, NOON_MS) == (19_999, 20_000)


def test_eight_days_are_not_too_old_and_a_millisecond_more_is() -> None:
    assert not is_too_old(NOON_MS - 8 * DAY_MS, NOON_MS)
    assert is_too_old(NOON_MS - 8 * DAY_MS - 1, NOON_MS)
    assert not is_too_old(None, NOON_MS)
    assert is_too_old(-(10**17), NOON_MS)


@given(
    first=st.tuples(st.text(max_size=3), st.text(max_size=3)),
    second=st.tuples(st.text(max_size=3), st.text(max_size=3)),
)
def test_another_source_or_id_is_another_event(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    assert (digest_of(*first) == digest_of(*second)) == (first == second)


def test_what_a_source_ends_with_is_not_what_an_id_begins_with() -> None:
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of("1:a", "") != digest_of("1", "a")
    assert len(digest_of("a", "b")) == 16


def test_a_moment_that_is_set_runs_on_until_it_is_released() -> None:
    clock = Clock()
    assert (clock.moment_ms(7), clock.is_set) == (7, False)
    clock.set(1_000, 7)
    assert [clock.moment_ms(now_ms) for now_ms in (7, 8)] == [1_000, 1_001]
    assert clock.is_set
    clock.release()
    assert (clock.moment_ms(9), clock.is_set) == (9, False)
