"""Who is refused, and when each is told to return."""

from dataclasses import replace

from middleware.admission import AdmissionCore, Class, Rate, Reason
from tests.admission import MS, SETTINGS, S, admit, refuse, wait

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
    assert first.reason is Reason.LINE_FULL
    assert first.reserved
    interval_ns = 100 * MS * 50 // 49 + 1
    assert first.retry_after_ns == 400 * MS + interval_ns
    assert second.retry_after_ns == first.retry_after_ns + interval_ns


def test_who_comes_early_gets_the_same_moment_again() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a")
    again = refuse(core, 100 * MS, cls=Class.INITIALIZE, key="a")
    assert (again.cls, again.reason) == (Class.INITIALIZE, Reason.SLOT_EARLY)
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


def test_a_slot_that_is_over_counts_as_a_fresh_arrival() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    told = refuse(core, cls=Class.INITIALIZE, key="a").retry_after_ns
    core.wake(told)
    assert admit(core, told + 2 * S, cls=Class.INITIALIZE, key="a").cls is Class.RETURNING
    assert admit(core, told + 3 * S, cls=Class.INITIALIZE, key="a").cls is Class.INITIALIZE


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
    assert refused.reason is Reason.LINE_FULL


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
    assert again.reason is Reason.LINE_FULL
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
    assert again.retry_after_ns == 400 * MS + 100 * MS * 50 // 49 + 1


def test_an_unverified_client_reserves_nothing_and_is_spread_behind_the_promised() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    stranger = refuse(core, cls=Class.INITIALIZE, key="x", verified=False, jitter=0.0)
    assert not stranger.reserved
    verified = refuse(core, cls=Class.INITIALIZE, key="a")
    assert stranger.retry_after_ns == verified.retry_after_ns
    later = refuse(core, cls=Class.INITIALIZE, key="y", verified=False, jitter=0.5)
    assert later.retry_after_ns == verified.retry_after_ns + 100 * MS * 50 // 49 + 1 + S // 2
    assert core.snapshot(0).promised == 1


def test_beyond_the_horizon_a_client_is_spread_there_and_not_promised_anything() -> None:
    core = AdmissionCore(replace(FULL, slot_horizon_ns=500 * MS))
    overfull(core)
    refused = refuse(core, cls=Class.INITIALIZE, key="a", jitter=0.25)
    assert not refused.reserved
    assert refused.cls is Class.INITIALIZE
    assert refused.reason is Reason.LINE_FULL
    assert refused.retry_after_ns == 500 * MS + S // 4
    assert core.snapshot(0).promised == 0


def test_the_repr_tells_all_at_a_glance() -> None:
    core = AdmissionCore(FULL)
    overfull(core)
    refuse(core, cls=Class.INITIALIZE, key="a")
    assert repr(core) == "<AdmissionCore 1/10 running, 3 waiting, 1 slots>"
