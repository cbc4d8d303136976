"""The rules of admission, one by one: who runs, who waits, and how long."""

import gc
from dataclasses import replace

import pytest

from middleware.admission import (
    AdmissionCore,
    AdmissionReason,
    Class,
    Outcome,
    Place,
    Rate,
    Waiting,
)
from middleware.admission.line import SIZE_MAX
from tests.admission import (
    MS,
    SETTINGS,
    S,
    admit,
    arrive,
    fill,
    refuse,
    teach_service_time,
    wait,
)

# ── the limit and the hand-off ────────────────────


def test_as_many_run_as_the_limit_says_and_the_next_one_waits() -> None:
    core = AdmissionCore(SETTINGS)
    fill(core)
    wait(core)
    assert core.snapshot(0).running == 2
    assert core.snapshot(0).waiting[Class.GAMEPLAY] == 1


def test_a_place_is_handed_to_whoever_waits_longest() -> None:
    core = AdmissionCore(SETTINGS)
    running = fill(core)
    first, second = wait(core), wait(core)
    assert core.leave(running[0], Outcome.SUCCESS, MS).granted == (first,)
    assert core.leave(running[1], Outcome.SUCCESS, MS).granted == (second,)


def test_leaving_twice_gives_one_place_back() -> None:
    core = AdmissionCore(SETTINGS)
    running = fill(core)
    core.leave(running[0], Outcome.SUCCESS, MS)
    core.leave(running[0], Outcome.SUCCESS, MS)
    assert core.snapshot(0).running == 1


def test_who_leaves_the_line_is_never_granted() -> None:
    core = AdmissionCore(SETTINGS)
    running = fill(core)
    first, second = wait(core), wait(core)
    core.leave(first, Outcome.IGNORE, MS)
    assert core.leave(running[0], Outcome.SUCCESS, MS).granted == (second,)


def test_who_was_granted_and_leaves_at_once_hands_the_place_on() -> None:
    core = AdmissionCore(SETTINGS)
    running = fill(core)
    first, second = wait(core), wait(core)
    core.leave(running[0], Outcome.SUCCESS, MS)
    assert core.leave(first, Outcome.IGNORE, MS).granted == (second,)


def test_nobody_starts_after_the_deadline_and_the_one_behind_gets_the_place() -> None:
    core = AdmissionCore(SETTINGS)
    running = fill(core)
    late = wait(core, 0)
    in_time = wait(core, 100 * MS)
    turn = core.leave(running[0], Outcome.SUCCESS, 150 * MS)
    assert [place for place, _ in turn.refused] == [late]
    assert turn.refused[0][1].reason is AdmissionReason.WAIT_EXPIRED
    assert turn.granted == (in_time,)


def test_the_shell_is_told_to_wake_the_core_at_the_first_deadline() -> None:
    core = AdmissionCore(SETTINGS)
    fill(core)
    decision = arrive(core, 10 * MS)
    assert isinstance(decision, Waiting)
    assert decision.wake_at_ns == 160 * MS
    assert core.wake(160 * MS - 1).refused == ()
    assert [place for place, _ in core.wake(160 * MS).refused] == [decision.place]
    assert core.wake(160 * MS).wake_at_ns is None


def test_a_higher_limit_lets_more_run_at_once_and_a_lower_one_cuts_nobody() -> None:
    core = AdmissionCore(SETTINGS)
    running = fill(core)
    waiting = [wait(core) for _ in range(2)]
    assert core.reconfigure(replace(SETTINGS, limit=3), MS).granted == (waiting[0],)
    assert core.reconfigure(replace(SETTINGS, limit=1), MS).granted == ()
    assert core.snapshot(0).running == 3
    for place in [*running, waiting[0]]:
        core.leave(place, Outcome.SUCCESS, 2 * MS)
    assert core.snapshot(0).running == 1


def test_the_shell_is_told_when_to_wake_the_core_again() -> None:
    core = AdmissionCore(SETTINGS)
    running = fill(core)
    wait(core, 0)
    wait(core, 10 * MS)
    turn = core.leave(running[0], Outcome.SUCCESS, 20 * MS)
    assert turn.wake_at_ns == 160 * MS


def test_a_place_knows_when_it_came() -> None:
    core = AdmissionCore(SETTINGS)
    assert admit(core, 7 * MS).arrived_at_ns == 7 * MS


# ── the class table ────────────────────


@pytest.mark.parametrize(
    ("cls", "wait_ns"),
    [(Class.EVENTS, S), (Class.GAMEPLAY, 150 * MS), (Class.INITIALIZE, 2 * S)],
)
def test_each_class_waits_at_most_its_time(cls: Class, wait_ns: int) -> None:
    core = AdmissionCore(SETTINGS)
    fill(core)
    assert wait(core, 5 * MS, cls=cls).deadline_ns == 5 * MS + wait_ns


def test_the_operator_can_shorten_every_wait_and_zero_means_no_line() -> None:
    core = AdmissionCore(replace(SETTINGS, wait_ns_max=100 * MS))
    fill(core)
    assert wait(core, cls=Class.INITIALIZE).deadline_ns == 100 * MS
    without_line = AdmissionCore(replace(SETTINGS, wait_ns_max=0))
    fill(without_line)
    assert refuse(without_line, cls=Class.INITIALIZE).reason is AdmissionReason.LINE_FULL


def test_a_client_may_say_how_long_it_waits_within_what_the_operator_allows() -> None:
    core = AdmissionCore(replace(SETTINGS, wait_ns_max=5 * S))
    fill(core)
    assert wait(core, cls=Class.INITIALIZE).deadline_ns == 2 * S
    assert wait(core, cls=Class.INITIALIZE, wait_ns_max=S).deadline_ns == S
    assert wait(core, cls=Class.INITIALIZE, wait_ns_max=4 * S).deadline_ns == 4 * S
    assert wait(core, cls=Class.INITIALIZE, wait_ns_max=9 * S).deadline_ns == 5 * S


def test_classes_without_slots_return_within_a_second_at_moments_of_their_own() -> None:
    core = AdmissionCore(replace(SETTINGS, wait_ns_max=0))
    fill(core)
    assert refuse(core, jitter=0.0).retry_after_ns == 200 * MS
    assert refuse(core, jitter=0.5).retry_after_ns == 600 * MS
    assert refuse(core, cls=Class.EVENTS, jitter=0.999).retry_after_ns < S
    assert not refuse(core).reserved
    assert core.snapshot(0).promised == 0


# ── quota, line cap ────────────────────


def test_a_client_over_its_own_rate_is_told_when_its_next_token_comes() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=10, quota=Rate(interval_ns=S, burst=2)))
    for _ in range(2):
        admit(core, key="hog")
    refused = refuse(core, key="hog")
    assert refused.cls is Class.GAMEPLAY
    assert refused.reason is AdmissionReason.OVER_QUOTA
    assert refused.retry_after_ns == S
    admit(core, key="other")


def test_a_refusal_costs_no_quota() -> None:
    core = AdmissionCore(
        replace(SETTINGS, limit=1, wait_ns_max=0, quota=Rate(interval_ns=S, burst=1))
    )
    running = admit(core, key="somebody else")
    for _ in range(5):
        assert refuse(core, key="patient").reason is AdmissionReason.LINE_FULL
    core.leave(running, Outcome.SUCCESS, MS)
    admit(core, MS, key="patient")


def test_events_of_all_servers_under_one_key_are_bounded_by_capacity_alone() -> None:
    core = AdmissionCore(
        replace(SETTINGS, limit=4, quota=Rate(interval_ns=S, burst=1), line_per_key=1)
    )
    running = [admit(core, cls=Class.EVENTS, key="servers") for _ in range(3)]
    waiting = [wait(core, cls=Class.EVENTS, key="servers") for _ in range(3)]
    for place in running + waiting:
        core.leave(place, Outcome.SUCCESS, MS)
    admit(core, MS, key="servers")


def test_one_client_holds_no_more_of_the_line_than_its_cap() -> None:
    core = AdmissionCore(replace(SETTINGS, line_per_key=3))
    fill(core)
    waiting = [wait(core, key="hog") for _ in range(3)]
    assert refuse(core, key="hog").reason is AdmissionReason.LINE_PER_KEY
    wait(core, key="other")
    core.leave(waiting[0], Outcome.IGNORE, MS)
    wait(core, MS, key="hog")


def test_whoever_got_its_place_no_longer_counts_against_its_clients_cap() -> None:
    core = AdmissionCore(replace(SETTINGS, line_per_key=2))
    running = fill(core)
    for _ in range(2):
        wait(core, key="hog")
    core.leave(running[0], Outcome.SUCCESS, MS)
    wait(core, MS, key="hog")
    assert refuse(core, MS, key="hog").reason is AdmissionReason.LINE_PER_KEY


def test_a_client_whose_only_request_left_the_line_may_wait_again() -> None:
    core = AdmissionCore(replace(SETTINGS, line_per_key=1))
    fill(core)
    for _ in range(3):
        core.leave(wait(core, key="hog"), Outcome.IGNORE, 0)
    wait(core, key="hog")
    assert refuse(core, key="hog").reason is AdmissionReason.LINE_PER_KEY


def test_the_line_is_bounded_in_memory_too() -> None:
    core = AdmissionCore(SETTINGS)
    now_ns = teach_service_time(core, 1)
    fill(core, now_ns)
    for client in range(SIZE_MAX):
        wait(core, now_ns, key=f"client {client}")
    assert refuse(core, now_ns, key="one more").reason is AdmissionReason.LINE_FULL


def test_who_left_the_line_is_forgotten_when_nobody_waits() -> None:
    core = AdmissionCore(SETTINGS)
    fill(core)
    before = count_places()
    for _ in range(100):
        core.leave(wait(core), Outcome.IGNORE, 0)
    assert count_places() == before


def count_places() -> int:
    return sum(isinstance(each, Place) for each in gc.get_objects())


# ── the initialize bucket ────────────────────

RATED = replace(SETTINGS, limit=10, initialize_rate=Rate(interval_ns=100 * MS, burst=1))


def test_initialize_starts_no_faster_than_its_rate_and_gameplay_does_not_notice() -> None:
    core = AdmissionCore(RATED)
    admit(core, cls=Class.INITIALIZE, key="a")
    decision = arrive(core, cls=Class.INITIALIZE, key="b")
    assert isinstance(decision, Waiting)
    assert decision.wake_at_ns == 100 * MS
    admit(core, cls=Class.GAMEPLAY)
    assert core.wake(100 * MS - 1).granted == ()
    assert core.wake(100 * MS).granted == (decision.place,)


def test_a_newcomer_does_not_take_the_token_that_somebody_waits_for() -> None:
    core = AdmissionCore(RATED)
    admit(core, cls=Class.INITIALIZE, key="a")
    first = wait(core, cls=Class.INITIALIZE, key="b")
    decision = arrive(core, 100 * MS, cls=Class.INITIALIZE, key="c")
    assert isinstance(decision, Waiting)
    assert decision.wake_at_ns == 100 * MS
    assert core.wake(100 * MS).granted == (first,)


def test_a_line_of_gameplay_costs_initialize_no_tokens() -> None:
    core = AdmissionCore(replace(RATED, limit=1))
    now_ns = teach_service_time(core, MS)
    fill(core, now_ns)
    for client in range(60):
        wait(core, now_ns, cls=Class.GAMEPLAY, key=f"player {client}")
    # 61 places of 1 ms, and one token that is there: not 61 tokens of 100 ms.
    wait(core, now_ns, cls=Class.INITIALIZE, key="a")


def test_a_rate_can_be_set_changed_and_taken_away_while_it_runs() -> None:
    core = AdmissionCore(replace(RATED, initialize_rate=None))
    admit(core, 0, cls=Class.INITIALIZE, key="a")
    core.reconfigure(RATED, S)
    admit(core, S, cls=Class.INITIALIZE, key="b")
    second = wait(core, S, cls=Class.INITIALIZE, key="c")
    third = wait(core, S, cls=Class.INITIALIZE, key="d")
    faster = replace(RATED, initialize_rate=Rate(interval_ns=10 * MS, burst=1))
    assert core.reconfigure(faster, S + 100 * MS).granted == (second,)
    assert core.wake(S + 109 * MS).granted == ()
    unrated = replace(RATED, initialize_rate=None)
    assert core.reconfigure(unrated, S + 109 * MS).granted == (third,)
