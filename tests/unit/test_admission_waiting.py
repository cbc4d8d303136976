"""Who may join the line: only who can be served in time, as far as anybody can know."""

from dataclasses import replace

import pytest

from middleware.admission import AdmissionCore, AdmissionReason, Class, Outcome, Rate, Share
from tests.admission import (
    MS,
    SETTINGS,
    S,
    admit,
    fill,
    refuse,
    teach_service_time,
    wait,
)


def test_who_cannot_be_served_in_time_is_refused_on_arrival() -> None:
    core = AdmissionCore(SETTINGS)
    now_ns = teach_service_time(core, 50 * MS)
    fill(core, now_ns)
    # Two places of 50 ms each: one ends every 25 ms, and gameplay waits 150 ms. Five expect to wait
    # 125 ms at the most; the sixth would have nothing left for a surprise.
    for _ in range(5):
        wait(core, now_ns)
    assert refuse(core, now_ns).reason is AdmissionReason.LINE_FULL


def test_free_places_serve_the_first_in_line_without_a_wait() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=4, initialize_rate=Rate(100 * MS, burst=1)))
    now_ns = 0
    for _ in range(200):
        place = admit(core, now_ns)
        now_ns += 1_000 * MS
        core.leave(place, Outcome.SUCCESS, now_ns)
    admit(core, now_ns, cls=Class.INITIALIZE, key="a")
    # Each place lasts a second, but three are free: only the token is waited for.
    wait(core, now_ns, cls=Class.INITIALIZE, key="b", wait_ns_max=150 * MS)


def test_an_idle_hour_is_no_standstill() -> None:
    core = AdmissionCore(SETTINGS)
    now_ns = teach_service_time(core, MS)
    hour_ns = now_ns + 3600 * S
    fill(core, hour_ns)
    for client in range(20):
        wait(core, hour_ns + 100 * MS, key=f"client {client}")


def test_only_what_was_served_is_a_sign_of_life() -> None:
    for outcome in Outcome:
        core = AdmissionCore(SETTINGS)
        running = fill(core)
        for _ in range(7):
            wait(core)
        core.leave(running[0], outcome, 140 * MS)
        for _ in range(3):
            wait(core, 140 * MS)
        core.wake(300 * MS)
        told = refuse(core, 300 * MS, cls=Class.INITIALIZE, wait_ns_max=0)
        assert (told.retry_after_ns < S) is (outcome is Outcome.SUCCESS), outcome


def test_a_line_of_four_limits_is_long_and_a_shorter_one_is_not() -> None:
    patient = replace(SETTINGS, limit=1, waits_ns=dict.fromkeys(Share, 60 * S), wait_ns_max=60 * S)
    core = AdmissionCore(patient)
    admit(core)
    for _ in range(4):
        wait(core, S)
    assert refuse(core, S).reason is AdmissionReason.LINE_FULL
    wait(core, S, cls=Class.EVENTS)


def test_free_places_are_reckoned_with_before_ends() -> None:
    """Nine of ten places are free; only the token is waited for, however long places are held."""
    core = AdmissionCore(replace(SETTINGS, limit=10, initialize_rate=Rate(MS, burst=1)))
    now_ns = teach_service_time(core, 100 * MS, Class.INITIALIZE)
    admit(core, now_ns, cls=Class.INITIALIZE, key="a")
    for number in range(8):
        wait(core, now_ns, cls=Class.INITIALIZE, key=f"b{number}", wait_ns_max=10 * MS)


def test_where_a_place_is_free_nothing_stands_still() -> None:
    """One initialize has run for 10 s, and the next token comes in half a second."""
    rate = Rate(interval_ns=10_500 * MS, burst=1)
    core = AdmissionCore(replace(SETTINGS, limit=3, initialize_rate=rate))
    admit(core, cls=Class.INITIALIZE)
    told = refuse(core, 10 * S, cls=Class.INITIALIZE, wait_ns_max=0)
    assert told.retry_after_ns < 12 * S


def test_promises_to_initialize_do_not_delay_gameplay() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=1, wait_ns_max=150 * MS))
    admit(core)
    for client in range(7):
        wait(core, cls=Class.INITIALIZE, key=f"waiting {client}")
    for client in range(50):
        refuse(core, cls=Class.INITIALIZE, key=f"promised {client}")
    # A place lasts 20 ms, and the first of the promised comes in 10.
    wait(core, 170 * MS, cls=Class.GAMEPLAY, key="player", wait_ns_max=30 * MS)


def test_a_late_event_loop_counts_as_waiting() -> None:
    core = AdmissionCore(SETTINGS)
    now_ns = teach_service_time(core, 50 * MS)
    fill(core, now_ns)
    assert refuse(core, now_ns, lag_ns=130 * MS).reason is AdmissionReason.LINE_FULL
    wait(core, now_ns, lag_ns=115 * MS)


@pytest.mark.parametrize("outcome", [Outcome.IGNORE, Outcome.OVERLOAD])
@pytest.mark.parametrize("held_ns", [0, 5 * S])
def test_only_what_was_served_teaches_how_long_a_place_is_held(
    outcome: Outcome, held_ns: int
) -> None:
    """A time-out lasts as long as its bound, and a refusal by a handler no time at all."""
    core = AdmissionCore(SETTINGS)
    now_ns = teach_service_time(core, 50 * MS)
    before = core.snapshot(now_ns).held_ns
    core.leave(admit(core, now_ns), outcome, now_ns + held_ns)
    assert core.snapshot(now_ns).held_ns == before
