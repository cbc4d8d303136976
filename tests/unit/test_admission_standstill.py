"""Who joins the line, and what the others are told, while nobody is served."""

from dataclasses import replace

import pytest

from middleware.admission import AdmissionCore, AdmissionReason, Bound, Class, Outcome, Share
from tests.admission import MS, SETTINGS, S, admit, refuse, wait


def pass_seconds(core: AdmissionCore, until_s: int) -> None:
    """Let time pass in steps of half a second, as a process sees it that runs."""
    for half in range(2 * until_s + 1):
        core.wake(half * S // 2)


def test_while_it_stands_still_nobody_joins_a_long_line_or_is_told_to_come_soon() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=2))
    admit(core, cls=Class.INITIALIZE, key="running")
    for client in range(8):
        wait(core, cls=Class.INITIALIZE, key=f"waiting {client}")
    wait(core, 249 * MS, cls=Class.INITIALIZE, key="nobody knows yet")
    still = refuse(core, 250 * MS, cls=Class.INITIALIZE, key="a")
    assert still.reason is AdmissionReason.LINE_FULL
    assert still.reserved
    assert 3_500 * MS < still.retry_after_ns < 3_600 * MS
    assert core.snapshot(250 * MS).binds[Share.LOGINS] is Bound.STANDSTILL


def test_the_longer_it_stands_still_the_later_is_too_early() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=2))
    admit(core, cls=Class.INITIALIZE, key="running")
    for second, told_s in ((20, 10), (119, 59.5), (200, 60), (3600, 60)):
        pass_seconds(core, second)
        key = f"client {second}"
        told = refuse(core, second * S, cls=Class.INITIALIZE, key=key, wait_ns_max=0)
        assert told.reserved
        assert told_s * S < told.retry_after_ns < (told_s + 0.1) * S


def test_a_short_horizon_still_has_moments_while_it_stands_still() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=2, slot_horizon_ns=3 * S))
    admit(core, cls=Class.INITIALIZE, key="running")
    told = refuse(core, S, cls=Class.INITIALIZE, key="a", wait_ns_max=0)
    assert told.reserved
    assert 1.5 * S < told.retry_after_ns < 1.6 * S


def test_a_process_that_was_stopped_for_an_hour_has_seen_no_hour_of_standstill() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=2))
    admit(core, cls=Class.INITIALIZE, key="running")
    waiting = [wait(core, cls=Class.INITIALIZE) for _ in range(20)]
    refused = core.wake(3600 * S).refused
    assert [place for place, _ in refused] == waiting
    assert all(told.reserved and told.retry_after_ns < 5 * S for _, told in refused)


def test_who_comes_early_in_a_standstill_is_not_told_to_come_sooner() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=2))
    admit(core, cls=Class.INITIALIZE, key="running")
    wait(core, cls=Class.INITIALIZE)
    pass_seconds(core, 1)
    told = refuse(core, S, cls=Class.INITIALIZE, key="a", wait_ns_max=0)
    again = refuse(core, S + 1, cls=Class.INITIALIZE, key="a", wait_ns_max=0)
    assert again.reason is AdmissionReason.SLOT_EARLY
    assert again.retry_after_ns == told.retry_after_ns - 1


@pytest.mark.parametrize("limit", [1, 2])
def test_where_one_place_after_the_other_times_out_it_stands_still_all_the_same(limit: int) -> None:
    core = AdmissionCore(replace(SETTINGS, limit=limit))
    running = admit(core, cls=Class.INITIALIZE)
    for _ in range(4 * limit):
        wait(core, cls=Class.INITIALIZE)
    [running] = core.leave(running, Outcome.OVERLOAD, S).granted
    wait(core, S, cls=Class.INITIALIZE)
    refuse(core, S, cls=Class.INITIALIZE)
    core.leave(running, Outcome.SUCCESS, S + MS)
    wait(core, S + MS, cls=Class.INITIALIZE)
    wait(core, S + MS, cls=Class.INITIALIZE)


def test_others_that_are_served_do_not_hide_that_logins_stand_still() -> None:
    """Nor do answers that serve nobody: not found, bad requests, clients that left."""
    for cls, outcome in (
        (Class.GAMEPLAY, Outcome.SUCCESS),
        (Class.GAMEPLAY, Outcome.IGNORE),
        (Class.INITIALIZE, Outcome.IGNORE),
    ):
        core = AdmissionCore(replace(SETTINGS, limit=10))
        running = [admit(core, cls=Class.INITIALIZE) for _ in range(9)]
        for _ in range(40):
            wait(core, cls=Class.INITIALIZE)
        if cls is Class.GAMEPLAY:
            core.leave(admit(core, 249 * MS), outcome, 249 * MS)
            admit(core, 249 * MS)
        else:
            core.leave(running[0], outcome, 249 * MS)
            wait(core, 249 * MS, cls=Class.INITIALIZE)
        refuse(core, 250 * MS, cls=Class.INITIALIZE)


def test_while_others_hold_all_places_logins_wait_as_long_as_those_end() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=10))
    events = [admit(core, cls=Class.EVENTS) for _ in range(9)]
    for _ in range(45):
        wait(core, 200 * MS, cls=Class.INITIALIZE)
    for _ in range(9):
        wait(core, 200 * MS, cls=Class.EVENTS)
    core.leave(admit(core, 240 * MS), Outcome.SUCCESS, 240 * MS)
    refuse(core, 250 * MS, cls=Class.INITIALIZE)
    core.hand_on(events[0], 251 * MS)
    core.leave(events[0], Outcome.SUCCESS, 252 * MS)


def test_while_it_stands_still_a_short_line_still_takes_who_can_wait() -> None:
    core = AdmissionCore(SETTINGS)
    admit(core, cls=Class.INITIALIZE)
    for _ in range(7):
        wait(core, cls=Class.INITIALIZE)
    wait(core, 300 * MS, cls=Class.INITIALIZE)
    refuse(core, 300 * MS, cls=Class.INITIALIZE)
