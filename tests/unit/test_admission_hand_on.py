"""Pieces of a longer work: between two of them its place is handed on."""

from dataclasses import replace

from middleware.admission import AdmissionCore, AdmissionReason, Class, Outcome, Share
from tests.admission import MS, SETTINGS, S, admit, refuse, wait

ONE = replace(SETTINGS, limit=1)
WIDE = replace(SETTINGS, limit=10)


def test_between_two_pieces_a_place_goes_to_whoever_is_due_first() -> None:
    core = AdmissionCore(ONE)
    batch = admit(core, cls=Class.EVENTS)
    login = wait(core, cls=Class.INITIALIZE)
    assert core.hand_on(batch, 20 * MS).granted == (login,)
    assert core.snapshot(20 * MS).running == 1
    assert core.leave(login, Outcome.SUCCESS, 30 * MS).granted == (batch,)
    core.leave(batch, Outcome.SUCCESS, 40 * MS)
    assert core.snapshot(40 * MS).running == 0


def test_each_piece_teaches_how_long_a_place_is_held() -> None:
    core = AdmissionCore(WIDE)
    batch = admit(core, cls=Class.EVENTS)
    core.hand_on(batch, 4 * MS)
    assert core.snapshot(4 * MS).held_ns[Share.EVENTS] == 19 * MS


def test_where_nobody_waits_the_next_piece_runs_at_once() -> None:
    core = AdmissionCore(WIDE)
    batch = admit(core, cls=Class.EVENTS)
    assert core.hand_on(batch, 20 * MS).granted == (batch,)


def test_a_batch_that_has_begun_goes_before_those_that_came_later() -> None:
    core = AdmissionCore(replace(SETTINGS, limit=3))
    first, second = (admit(core, cls=Class.EVENTS) for _ in range(2))
    third = wait(core, cls=Class.EVENTS)
    login = wait(core, cls=Class.INITIALIZE)
    # The later one hands on first, and stands behind the earlier one all the same.
    assert core.hand_on(second, 20 * MS).granted == (login,)
    assert core.hand_on(first, 21 * MS).granted == (first,)
    assert core.leave(first, Outcome.SUCCESS, 22 * MS).granted == (second,)
    assert core.leave(login, Outcome.SUCCESS, 23 * MS).granted == (third,)


def test_a_batch_that_has_begun_may_finish_for_ten_seconds() -> None:
    core = AdmissionCore(ONE)
    batch = admit(core, S, cls=Class.EVENTS)
    login = wait(core, S, cls=Class.INITIALIZE)
    # The deadline before it was admitted is no longer its deadline.
    assert core.hand_on(batch, S + 20 * MS).granted == (login,)
    assert core.wake(11 * S - 1).refused == ()
    assert core.leave(login, Outcome.SUCCESS, 11 * S - 1).granted == (batch,)
    # Nobody else waits: it goes on, however late it is.
    assert core.hand_on(batch, 11 * S).granted == (batch,)
    other = wait(core, 11 * S, cls=Class.GAMEPLAY)
    turn = core.hand_on(batch, 11 * S + 20 * MS)
    assert (turn.granted, turn.refused) == ((other,), ())
    assert turn.wake_at_ns == 11 * S + 20 * MS + 1
    [(place, refused)] = core.wake(11 * S + 20 * MS + 1).refused
    assert place is batch
    assert refused.reason is AdmissionReason.WAIT_EXPIRED
    assert core.leave(batch, Outcome.IGNORE, 12 * S).granted == ()
    core.leave(other, Outcome.SUCCESS, 12 * S)
    assert repr(core) == "<AdmissionCore 0/1 running, 0 waiting, 0 slots>"


def test_a_batch_is_told_when_it_may_not_finish_though_nothing_else_happens() -> None:
    core = AdmissionCore(ONE)
    batch = admit(core, cls=Class.EVENTS)
    wait(core, cls=Class.INITIALIZE)
    turn = core.hand_on(batch, 0)
    assert turn.wake_at_ns == 10 * S
    assert [place for place, _ in core.wake(10 * S).refused] == [batch]


def test_who_waits_again_expires_before_those_who_may_wait_longer() -> None:
    core = AdmissionCore(replace(ONE, wait_ns_max=60 * S))
    batch = admit(core, cls=Class.EVENTS)
    wait(core, cls=Class.INITIALIZE)
    core.hand_on(batch, 0)
    later = wait(core, 9 * S + S // 2, cls=Class.EVENTS)
    assert core.wake(9 * S + S // 2).wake_at_ns == 10 * S
    turn = core.wake(10 * S)
    assert [place for place, _ in turn.refused] == [batch]
    assert turn.wake_at_ns == later.deadline_ns


def test_a_place_that_was_given_back_hands_nothing_on_and_waits_for_nothing() -> None:
    core = AdmissionCore(ONE)
    batch = admit(core, cls=Class.EVENTS)
    core.leave(batch, Outcome.SUCCESS, MS)
    waiting = admit(core, MS)
    behind = wait(core, MS)
    for place in (batch, behind):
        turn = core.hand_on(place, 2 * MS)
        assert (turn.granted, turn.refused) == ((), ())
    assert repr(core) == "<AdmissionCore 1/1 running, 1 waiting, 0 slots>"
    assert core.leave(waiting, Outcome.SUCCESS, 3 * MS).granted == (behind,)


def test_a_batch_counts_in_line_for_all_its_pieces() -> None:
    """Five pieces of 20 ms each: of those who wait 1 s for one place, nine are served in time."""
    core = AdmissionCore(ONE)
    now_ns = 0
    for _ in range(100):
        batch = admit(core, now_ns, cls=Class.EVENTS)
        for _ in range(4):
            now_ns += 20 * MS
            core.hand_on(batch, now_ns)
        now_ns += 20 * MS
        core.leave(batch, Outcome.SUCCESS, now_ns)
    admit(core, now_ns, cls=Class.EVENTS)
    for _ in range(9):
        wait(core, now_ns, cls=Class.EVENTS)
    assert refuse(core, now_ns, cls=Class.EVENTS).reason is AdmissionReason.LINE_FULL
    assert core.snapshot(now_ns).held_ns[Share.EVENTS] == 20 * MS


def test_a_client_that_leaves_between_two_pieces_leaves_nothing_behind() -> None:
    core = AdmissionCore(ONE)
    batch = admit(core, cls=Class.EVENTS)
    login = wait(core, cls=Class.INITIALIZE)
    core.hand_on(batch, 20 * MS)
    core.leave(batch, Outcome.IGNORE, 21 * MS)
    core.leave(login, Outcome.SUCCESS, 22 * MS)
    assert repr(core) == "<AdmissionCore 0/1 running, 0 waiting, 0 slots>"
