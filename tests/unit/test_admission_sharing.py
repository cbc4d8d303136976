"""How the places are shared: between kinds of work, and between clients."""

from dataclasses import replace

import pytest

from middleware.admission import (
    AdmissionCore,
    AdmissionReason,
    Bound,
    Class,
    Outcome,
    Place,
    Rate,
    Share,
)
from tests.admission import MS, SETTINGS, S, admit, fill, refuse, wait
from tests.backlog import expect_fair_shares, expect_fair_shares_beside_slow

WIDE = replace(SETTINGS, limit=10)


def fill_with_events(core: AdmissionCore, now_ns: int = 0) -> list[Place]:
    return [admit(core, now_ns, cls=Class.EVENTS) for _ in range(core.snapshot(0).limit - 1)]


# ── the shares ────────────────────


def test_one_place_is_lent_to_nobody_but_gameplay() -> None:
    core = AdmissionCore(WIDE)
    fill_with_events(core)
    wait(core, cls=Class.EVENTS)
    wait(core, cls=Class.INITIALIZE)
    admit(core, cls=Class.GAMEPLAY)
    wait(core, cls=Class.GAMEPLAY)


def test_a_limit_of_one_is_lent_to_everybody() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=1))
    running = admit(core, cls=Class.EVENTS)
    gameplay = wait(core, cls=Class.GAMEPLAY)
    assert core.leave(running, Outcome.SUCCESS, MS).granted == (gameplay,)
    initialize = wait(core, MS, cls=Class.INITIALIZE)
    assert core.leave(gameplay, Outcome.SUCCESS, 2 * MS).granted == (initialize,)


def test_gameplay_may_have_every_place_that_the_others_do_not_use() -> None:
    core = AdmissionCore(WIDE)
    assert len(fill(core)) == 10


def test_who_has_had_less_for_its_weight_goes_first() -> None:
    """24 senders keep all places busy; the first login that comes gets the next place."""
    core = AdmissionCore(WIDE)
    running = fill_with_events(core)
    for _ in range(15):
        wait(core, cls=Class.EVENTS)
    login = wait(core, MS, cls=Class.INITIALIZE)
    assert core.leave(running[0], Outcome.SUCCESS, 20 * MS).granted == (login,)


def test_three_shares_that_wait_get_the_time_that_their_weights_say() -> None:
    """All sets of shares and limits are tried in tests/property/test_admission_shares.py."""
    expect_fair_shares(tuple(Share), limit=4, seed=1)


def test_nobody_gathers_credit_while_idle() -> None:
    """An hour without logins does not entitle them to an hour of all places."""
    core = AdmissionCore(replace(SETTINGS, limit=1))
    now_ns = 0
    running = admit(core, cls=Class.GAMEPLAY)
    for _ in range(500):
        waiting = wait(core, now_ns, cls=Class.GAMEPLAY)
        now_ns += 20 * MS
        assert core.leave(running, Outcome.SUCCESS, now_ns).granted == (waiting,)
        running = waiting
    logins = [wait(core, now_ns, cls=Class.INITIALIZE) for _ in range(4)]
    gameplay = [wait(core, now_ns, cls=Class.GAMEPLAY) for _ in range(4)]
    order = []
    for _ in range(5):
        now_ns += 20 * MS
        [running] = core.leave(running, Outcome.SUCCESS, now_ns).granted
        order.append(running)
    assert set(order) & set(logins)
    assert set(order) & set(gameplay)


def test_who_waits_for_a_token_gathers_no_credit_either() -> None:
    """Logins wait for one token a minute; when the rate is lifted they do not take all places."""
    rated = replace(SETTINGS, limit=1, wait_ns_max=600 * S, initialize_rate=Rate(60 * S, 1))
    core = AdmissionCore(rated)
    core.leave(admit(core, cls=Class.INITIALIZE), Outcome.SUCCESS, MS)
    for _ in range(8):
        wait(core, MS, cls=Class.INITIALIZE, wait_ns_max=599 * S)
    running, now_ns = admit(core, MS), MS
    for _ in range(200):
        wait(core, now_ns)
        now_ns += 20 * MS
        [running] = core.leave(running, Outcome.SUCCESS, now_ns).granted
    for _ in range(7):
        wait(core, now_ns)
    core.reconfigure(replace(rated, initialize_rate=None), now_ns)
    served = []
    for _ in range(7):
        now_ns += 20 * MS
        [running] = core.leave(running, Outcome.SUCCESS, now_ns).granted
        served.append(running.cls)
    assert 2 <= served.count(Class.GAMEPLAY) <= 5


def test_new_weights_hold_from_now_on() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=1))
    running = admit(core, cls=Class.GAMEPLAY)
    for _ in range(30):
        wait(core, cls=Class.EVENTS)
        wait(core, cls=Class.INITIALIZE)
    heavy = {Share.EVENTS: 100, Share.GAMEPLAY: 1, Share.LOGINS: 1}
    core.reconfigure(replace(SETTINGS, limit=1, weights=heavy), 0)
    served = []
    for turn in range(1, 20):
        [running] = core.leave(running, Outcome.SUCCESS, turn * MS).granted
        served.append(running.cls)
    assert served.count(Class.INITIALIZE) <= 2


def test_a_standstill_is_soon_forgotten() -> None:
    """Logins held the place for 7 s. Gameplay makes up for a second of that, and no more."""
    core = AdmissionCore(replace(SETTINGS, limit=1, wait_ns_max=60 * S))
    running = admit(core, cls=Class.INITIALIZE)
    for _ in range(100):
        wait(core, cls=Class.INITIALIZE, wait_ns_max=60 * S)
        wait(core, cls=Class.GAMEPLAY, wait_ns_max=60 * S)
    served = []
    for turn in range(100):
        [running] = core.leave(running, Outcome.SUCCESS, 7 * S + turn * 20 * MS).granted
        served.append(running.cls)
    # A second for a weight of 6 is 1.33 s for one of 8.
    assert 66 <= served.index(Class.INITIALIZE) <= 68


def test_a_share_whose_places_time_out_gets_no_more_of_them_for_it() -> None:
    """Event pieces wait 5 s for a lock; gameplay and logins wait for places, too."""
    expect_fair_shares_beside_slow(Share.EVENTS, limit=3, seconds=20)


# ── what one client may take ────────────────────


def test_one_client_runs_a_quarter_of_the_places_at_most() -> None:
    core = AdmissionCore(WIDE)
    for _ in range(2):
        admit(core, key="hog")
    waiting = wait(core, key="hog")
    for _ in range(8):
        admit(core)
    assert core.snapshot(0).waiting[Class.GAMEPLAY] == 1
    assert waiting.started_at_ns == 0


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_one_client_may_always_run_one(limit: int) -> None:
    core = AdmissionCore(replace(SETTINGS, limit=limit))
    running = admit(core, key="hog")
    waiting = wait(core, key="hog")
    assert core.leave(running, Outcome.SUCCESS, MS).granted == (waiting,)


def test_who_is_at_its_cap_is_passed_over_and_keeps_its_position() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=4))
    mine = admit(core, key="hog")
    others = [admit(core) for _ in range(3)]
    capped, behind, last = wait(core, key="hog"), wait(core), wait(core)
    assert core.leave(others[0], Outcome.SUCCESS, MS).granted == (behind,)
    assert core.leave(mine, Outcome.SUCCESS, 2 * MS).granted == (capped,)
    assert core.leave(others[1], Outcome.SUCCESS, 3 * MS).granted == (last,)


def test_a_newcomer_passes_those_who_wait_for_their_own_requests_only() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=4))
    admit(core, key="hog")
    wait(core, key="hog")
    assert core.snapshot(0).binds[Share.GAMEPLAY] is Bound.KEY
    admit(core)


def test_who_would_wait_too_long_for_its_own_requests_is_told_so() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=4))
    admit(core, S, key="hog")
    # A place is held for 20 ms, and gameplay waits 150 ms: seven turns and no eighth.
    for _ in range(7):
        wait(core, S, key="hog")
    assert refuse(core, S, key="hog").reason is AdmissionReason.LINE_PER_KEY
    admit(core, S)


def test_all_servers_under_one_key_are_bounded_by_their_share_alone() -> None:
    core = AdmissionCore(WIDE)
    for _ in range(9):
        admit(core, cls=Class.EVENTS, key="servers")


# ── what an operator sees ────────────────────


def test_the_snapshot_says_how_fast_logins_go_and_how_far_promises_reach() -> None:
    core = AdmissionCore(replace(WIDE, initialize_rate=Rate(interval_ns=100 * MS, burst=1)))
    snapshot = core.snapshot(0)
    assert snapshot.drain_interval_ns == 100 * MS
    assert snapshot.horizon_ns == 120 * S
    assert snapshot.kept == 1.0
    unrated = AdmissionCore(WIDE)
    assert unrated.snapshot(0).drain_interval_ns == 20 * MS // 9


def test_what_binds_is_said_of_the_places_that_those_who_wait_may_use() -> None:
    core = AdmissionCore(WIDE)
    fill_with_events(core)
    wait(core, cls=Class.INITIALIZE)
    # One place is free, and not for it.
    assert core.snapshot(0).binds[Share.LOGINS] is Bound.PLACES
    narrow = AdmissionCore(replace(SETTINGS, initialize_rate=Rate(100 * MS, burst=1)))
    narrow.leave(admit(narrow, cls=Class.INITIALIZE), Outcome.SUCCESS, 0)
    wait(narrow, cls=Class.INITIALIZE)
    assert narrow.snapshot(0).binds[Share.LOGINS] is Bound.RATE


def test_the_snapshot_says_what_binds_each_share() -> None:
    rated = replace(WIDE, initialize_rate=Rate(interval_ns=100 * MS, burst=1))
    core = AdmissionCore(rated)
    assert set(core.snapshot(0).binds.values()) == {Bound.NOTHING}
    admit(core, cls=Class.INITIALIZE)
    wait(core, cls=Class.INITIALIZE)
    assert core.snapshot(0).binds[Share.LOGINS] is Bound.RATE
    for _ in range(9):
        admit(core)
    assert core.snapshot(0).binds[Share.LOGINS] is Bound.PLACES
    wait(core)
    assert core.snapshot(0).places == {Share.GAMEPLAY: 9, Share.LOGINS: 1, Share.EVENTS: 0}
    assert core.snapshot(300 * MS).binds[Share.GAMEPLAY] is Bound.STANDSTILL
    assert core.snapshot(300 * MS).binds[Share.EVENTS] is Bound.NOTHING


# ── a clock that steps ────────────────────


def test_a_clock_that_steps_by_an_hour_ahead_ends_waits_and_stops_nothing() -> None:
    core = AdmissionCore(WIDE)
    running = fill(core)
    waiting = wait(core, cls=Class.GAMEPLAY)
    hour_ns = 3600 * S
    turn = core.leave(running[0], Outcome.SUCCESS, hour_ns)
    assert [place for place, _ in turn.refused] == [waiting]
    for place in running[1:]:
        core.leave(place, Outcome.SUCCESS, hour_ns)
    assert core.snapshot(hour_ns).held_ns[Share.GAMEPLAY] < 40 * MS
    assert len(fill(core, hour_ns)) == 10


def test_a_clock_that_steps_back_stands_until_it_has_caught_up() -> None:
    core = AdmissionCore(WIDE)
    hour_ns = 3600 * S
    running = fill(core, hour_ns)
    first, second = wait(core, hour_ns), wait(core, 0)
    assert core.leave(running[0], Outcome.SUCCESS, 0).granted == (first,)
    assert first.started_at_ns == hour_ns
    assert core.snapshot(0).held_ns[Share.GAMEPLAY] == 20 * MS - 20 * MS // 16
    assert core.wake(hour_ns + 150 * MS - 1).refused == ()
    assert [place for place, _ in core.wake(hour_ns + 150 * MS).refused] == [second]
