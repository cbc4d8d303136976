"""Who is refused, and when each is told to return."""

from dataclasses import replace

import pytest

from middleware.admission import (
    AdmissionCore,
    AdmissionReason,
    Class,
    Outcome,
    Rate,
    Refused,
    Waiting,
)
from tests.admission import MS, SETTINGS, S, admit, arrive, refuse, wait

RATED = replace(SETTINGS, limit=10, initialize_rate=Rate(interval_ns=100 * MS, burst=1))
FULL = replace(RATED, wait_ns_max=320 * MS)


def overfull(core: AdmissionCore) -> None:
    """One initialize runs, and three wait: ten a second, and nobody waits longer than 320 ms."""
    admit(core, cls=Class.INITIALIZE, key="running")
    for client in range(3):
        wait(core, cls=Class.INITIALIZE, key=f"waiting {client}")


def test_refused_clients_get_moments_one_drain_interval_apart_behind_the_line() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    first = refuse(core, cls=Class.INITIALIZE, key="a")
    second = refuse(core, cls=Class.INITIALIZE, key="b")
    assert first.reason is AdmissionReason.LINE_FULL
    assert first.reserved
    interval_ns = 100 * MS * 100 // 99 + 1
    assert first.retry_after_ns == 400 * MS + interval_ns
    assert second.retry_after_ns == first.retry_after_ns + interval_ns


def test_who_comes_early_gets_the_same_moment_again() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a")
    again = refuse(core, 100 * MS, cls=Class.INITIALIZE, key="a")
    assert (again.cls, again.reason) == (Class.INITIALIZE, AdmissionReason.SLOT_EARLY)
    assert again.reserved
    assert again.retry_after_ns == told.retry_after_ns - 100 * MS


def test_who_returns_when_told_goes_before_fresh_arrivals() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a").retry_after_ns
    core.wake(100 * MS)
    core.wake(200 * MS)
    core.wake(300 * MS)
    admit(core, 450 * MS, cls=Class.INITIALIZE, key="b")
    fresh = wait(core, 460 * MS, cls=Class.INITIALIZE, key="c")
    returner = wait(core, told, cls=Class.INITIALIZE, key="a")
    assert returner.cls is Class.RETURNING
    assert core.wake(told).wake_at_ns == 550 * MS
    assert core.wake(550 * MS).granted == (returner,)
    assert core.wake(650 * MS).granted == (fresh,)


def test_who_is_late_by_less_than_the_grace_still_goes_before_fresh_arrivals() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a").retry_after_ns
    core.wake(told)
    assert admit(core, told + 62 * S, cls=Class.INITIALIZE, key="a").cls is Class.RETURNING


def test_who_is_later_than_that_counts_as_a_fresh_arrival() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a").retry_after_ns
    core.wake(told)
    assert admit(core, told + 62 * S + 1, cls=Class.INITIALIZE, key="a").cls is Class.INITIALIZE


def test_without_grace_late_is_fresh() -> None:
    core = AdmissionCore(replace(FULL, slot_grace_ns=0))
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a").retry_after_ns
    core.wake(told)
    assert admit(core, told + 3 * S, cls=Class.INITIALIZE, key="a").cls is Class.INITIALIZE


def test_with_a_grace_of_an_hour_somebody_who_comes_fifty_minutes_late_is_not_fresh() -> None:
    core = AdmissionCore(replace(FULL, slot_grace_ns=3600 * S))
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a").retry_after_ns
    core.wake(told)
    assert admit(core, told + 3000 * S, cls=Class.INITIALIZE, key="a").cls is Class.RETURNING


def test_who_was_served_is_returning_within_its_window_and_fresh_after_it() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a").retry_after_ns
    core.wake(told)
    core.leave(admit(core, told, cls=Class.INITIALIZE, key="a"), Outcome.SUCCESS, told + MS)
    assert admit(core, told + 2 * S, cls=Class.INITIALIZE, key="a").cls is Class.RETURNING
    assert admit(core, told + 3 * S, cls=Class.INITIALIZE, key="a").cls is Class.INITIALIZE


def test_who_comes_early_is_served_if_nobody_is_kept_waiting_by_it() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    refuse(core, cls=Class.INITIALIZE, key="a")
    core.wake(100 * MS)
    core.wake(200 * MS)
    core.wake(300 * MS)
    early = admit(core, 400 * MS, cls=Class.INITIALIZE, key="a")
    assert early.cls is Class.RETURNING
    assert core.snapshot(400 * MS).promised == 1
    core.leave(early, Outcome.SUCCESS, 401 * MS)
    assert core.snapshot(401 * MS).promised == 0


def test_who_comes_early_is_not_served_while_somebody_waits() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a").retry_after_ns
    core.wake(100 * MS)
    again = refuse(core, 200 * MS, cls=Class.INITIALIZE, key="a")
    assert again.reason is AdmissionReason.SLOT_EARLY
    assert again.retry_after_ns <= told - 200 * MS


def test_who_comes_early_is_told_an_earlier_moment_when_it_goes_faster_now() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    for client in range(50):
        far = refuse(core, cls=Class.INITIALIZE, key=f"client {client}")
    assert far.retry_after_ns > 5 * S
    faster = replace(FULL, initialize_rate=Rate(interval_ns=10 * MS, burst=1))
    core.reconfigure(faster, 0)
    told = refuse(core, MS, cls=Class.INITIALIZE, key="client 49")
    assert told.reason is AdmissionReason.SLOT_EARLY
    # A token of the old rate, three in line, and fifty moments, itself among them.
    assert told.retry_after_ns < 650 * MS
    assert core.snapshot(MS).promised == 50
    assert admit(core, MS + 650 * MS, cls=Class.INITIALIZE, key="client 49").cls is Class.RETURNING


def test_when_half_of_the_moments_are_not_kept_they_lie_half_as_far_apart() -> None:
    core = AdmissionCore(replace(FULL, slot_grace_ns=0))
    overfull(core)
    for client in range(300):
        refuse(core, cls=Class.INITIALIZE, key=f"never seen again {client}")
    now_ns = 40 * S  # by then 256 windows are over, and the other moments are still ahead
    for turn in range(200):
        core.wake(now_ns + turn)
        arrive(core, now_ns + turn, cls=Class.INITIALIZE, key="client", wait_ns_max=0)
    assert core.snapshot(now_ns).kept == 0.5
    admit(core, 41 * S, cls=Class.INITIALIZE, key="b")
    first, second = (
        refuse(core, 41 * S, cls=Class.INITIALIZE, key=key, wait_ns_max=0) for key in "cd"
    )
    assert second.retry_after_ns - first.retry_after_ns == (100 * MS * 100 // 99 + 1) // 2


def test_one_client_whose_requests_all_expire_is_given_one_moment() -> None:
    core = AdmissionCore(replace(FULL, wait_ns_max=2 * S))
    admit(core, cls=Class.INITIALIZE, key="running")
    for _ in range(10):
        wait(core, 1, cls=Class.INITIALIZE, key="one")
    slow = replace(FULL, initialize_rate=Rate(interval_ns=3600 * S, burst=1))
    core.reconfigure(slow, 1)
    core.reconfigure(FULL, 2 * S + 1)
    refused = core.wake(2 * S + 1).refused
    assert len({told.retry_after_ns for _, told in refused}) <= 1


def test_who_was_admitted_in_vain_without_proof_of_who_it_is_is_not_remembered() -> None:
    core = AdmissionCore(SETTINGS)
    running = admit(core, cls=Class.INITIALIZE, verified=False)
    core.leave(running, Outcome.OVERLOAD, 5 * S)
    core.leave(admit(core, 5 * S), Outcome.OVERLOAD, 6 * S)
    assert repr(core) == "<AdmissionCore 0/2 running, 0 waiting, 0 slots>"


def test_who_was_admitted_in_vain_comes_back_before_those_with_a_first_moment() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=2))
    running = admit(core, cls=Class.INITIALIZE, key="timed out")
    core.leave(running, Outcome.OVERLOAD, 5 * S)
    admit(core, 6 * S, cls=Class.INITIALIZE, key="another")
    back = wait(core, 6 * S, cls=Class.INITIALIZE, key="timed out")
    assert back.cls is Class.RETURNING


@pytest.mark.parametrize("refused_again", [True, False])
def test_first_returners_count_those_who_were_refused_again_as_before_them(
    refused_again: bool,
) -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    for key in ("late", "again", "again too", "on time", "later"):
        refuse(core, cls=Class.INITIALIZE, key=key)
    for token in range(1, 4):
        core.wake(token * 100 * MS)
    core.reconfigure(replace(FULL, wait_ns_max=0), 710 * MS)
    admit(core, 710 * MS, cls=Class.INITIALIZE, key="fresh 1")
    if refused_again:
        for key in ("again", "again too"):
            again = refuse(core, 710 * MS, cls=Class.INITIALIZE, key=key)
            assert again.cls is Class.RETURNING
    core.reconfigure(FULL, 710 * MS)
    admit(core, 810 * MS, cls=Class.INITIALIZE, key="fresh 2")
    wait(core, 810 * MS, cls=Class.INITIALIZE, key="on time")
    # The second token comes in 200 ms and the third in 300.
    decision = arrive(core, 810 * MS, cls=Class.INITIALIZE, key="late", wait_ns_max=250 * MS)
    assert isinstance(decision, Refused if refused_again else Waiting)
    # Who was refused again counts only those who stand before it.
    if refused_again:
        wait(core, 915 * MS, cls=Class.INITIALIZE, key="again", wait_ns_max=150 * MS)


def test_a_fresh_arrival_counts_the_promised_but_one_may_always_wait() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    for client in range(20):
        refuse(core, cls=Class.INITIALIZE, key=f"promised {client}")
    for token in range(1, 4):
        core.wake(token * 100 * MS)
    admit(core, 400 * MS, cls=Class.INITIALIZE, key="filler 1")
    # The next token comes in 50 ms, and 52 ms from now the first of the promised may.
    wait(core, 450 * MS, cls=Class.INITIALIZE, key="filler 2", wait_ns_max=100 * MS)
    refused = refuse(core, 450 * MS, cls=Class.INITIALIZE, key="one too many")
    assert refused.reason is AdmissionReason.LINE_FULL


def test_without_a_rate_too_the_promised_stand_before_the_fresh() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=1, wait_ns_max=100 * MS))
    admit(core, cls=Class.INITIALIZE, key="running")
    for client in range(4):
        wait(core, cls=Class.INITIALIZE, key=f"waiting {client}")
    for client in range(50):
        refuse(core, cls=Class.INITIALIZE, key=f"promised {client}")
    # A place lasts 20 ms and the moments lie 20.4 ms apart, the first of them at 120.4 ms.
    core.wake(100 * MS)
    wait(core, 100 * MS, cls=Class.INITIALIZE, key="filler")
    assert refuse(core, 100 * MS, cls=Class.INITIALIZE, key="one too many").cls is Class.INITIALIZE


def test_a_returner_that_is_refused_again_does_not_start_over_at_the_far_end() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a").retry_after_ns
    for client in range(200):
        refuse(core, cls=Class.INITIALIZE, key=f"later {client}")
    far_ns = refuse(core, cls=Class.INITIALIZE, key="last").retry_after_ns
    core.reconfigure(replace(FULL, wait_ns_max=0), told)
    admit(core, told, cls=Class.INITIALIZE, key="a")
    again = refuse(core, told, cls=Class.INITIALIZE, key="a")
    assert again.cls is Class.RETURNING
    assert again.reason is AdmissionReason.LINE_FULL
    assert again.reserved
    assert again.retry_after_ns < S < far_ns


def test_the_new_moment_lies_behind_the_other_returners_and_before_the_fresh() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    for client in range(4):
        refuse(core, cls=Class.INITIALIZE, key=f"returner {client}")
    for token in range(1, 4):
        core.wake(token * 100 * MS)
    admit(core, S, cls=Class.INITIALIZE, key="fresh 1")
    wait(core, S, cls=Class.INITIALIZE, key="fresh 2")
    for client in range(3):
        wait(core, S, cls=Class.INITIALIZE, key=f"returner {client}")
    again = refuse(core, S, cls=Class.INITIALIZE, key="returner 3")
    assert again.retry_after_ns == 400 * MS + 100 * MS * 100 // 99 + 1


def test_an_unverified_client_reserves_nothing_and_is_spread_behind_the_promised() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    stranger = refuse(core, cls=Class.INITIALIZE, key="x", verified=False, jitter=0.0)
    assert not stranger.reserved
    verified = refuse(core, cls=Class.INITIALIZE, key="a")
    assert stranger.retry_after_ns == verified.retry_after_ns
    later = refuse(core, cls=Class.INITIALIZE, key="y", verified=False, jitter=0.5)
    assert later.retry_after_ns == verified.retry_after_ns + 100 * MS * 100 // 99 + 1 + S // 2
    assert core.snapshot(0).promised == 1


def test_beyond_the_horizon_a_client_is_spread_there_and_not_promised_anything() -> None:
    core = AdmissionCore(replace(FULL, slot_horizon_ns=500 * MS))
    overfull(core)
    refused = refuse(core, cls=Class.INITIALIZE, key="a", jitter=0.25)
    assert not refused.reserved
    assert refused.cls is Class.INITIALIZE
    assert refused.reason is AdmissionReason.LINE_FULL
    assert refused.retry_after_ns == 500 * MS + S // 4
    assert core.snapshot(0).promised == 0


def test_the_repr_tells_all_at_a_glance() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    refuse(core, cls=Class.INITIALIZE, key="a")
    assert repr(core) == "<AdmissionCore 1/10 running, 3 waiting, 1 slots>"
