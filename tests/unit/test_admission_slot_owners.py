"""What becomes of a slot when its owner comes: early, in time, late, again or never."""

from middleware.admission.slots import Slots

S = 1_000_000_000


def test_within_the_grace_a_missed_slot_is_still_its_owners() -> None:
    slots = Slots(60 * S, 10 * S)
    slot = slots.reserve("a", 0, 0, 5 * S, again=False)
    assert slot is not None
    assert slots.find("a", slot.until_ns + 10 * S) is slot
    assert slots.find("a", slot.until_ns + 10 * S + 1) is None


def test_once_its_owner_was_served_a_slot_ends_with_its_window() -> None:
    slots = Slots(60 * S, 10 * S)
    slot = slots.reserve("a", 0, 0, 5 * S, again=False)
    assert slot is not None
    slots.serve("a", slot.at_ns)
    assert slots.find("a", slot.until_ns) is slot
    assert slots.find("a", slot.until_ns + 1) is None


def test_who_is_served_late_is_forgotten_at_once() -> None:
    slots = Slots(60 * S, 10 * S)
    slot = slots.reserve("a", 0, 0, 5 * S, again=False)
    assert slot is not None
    slots.come(slot, slot.until_ns + 3 * S)
    slots.serve("a", slot.until_ns + 3 * S)
    assert slots.find("a", slot.until_ns + 3 * S + 1) is None
    assert len(slots) == 0


def test_a_slot_moves_up_to_where_it_stands_among_those_ahead_and_never_back() -> None:
    slots = Slots(600 * S, 0)
    booked = [slots.reserve(client, 0, 0, 10 * S, again=False) for client in range(5)]
    last = booked[-1]
    assert last is not None
    assert last.at_ns == 50 * S
    slots.move_up(last, 15 * S, 0, 20 * S)
    assert last.at_ns == 50 * S
    # Four are still ahead, itself among them; a second lies between two now, and two before them.
    slots.move_up(last, 15 * S, 2 * S, S)
    assert last.at_ns == 21 * S
    assert slots.promised(15 * S, 20 * S) == 1
    assert slots.promised(15 * S, 21 * S) == 2


def test_whoever_was_served_early_no_longer_stands_before_the_others() -> None:
    slots = Slots(600 * S, 0)
    booked = [slots.reserve(client, 0, 0, 10 * S, again=False) for client in range(5)]
    for client in range(3):
        slots.serve(client, S)
    last = booked[-1]
    assert last is not None
    slots.move_up(last, S, 0, 10 * S)
    assert last.at_ns == 21 * S


def test_the_table_bounds_how_far_promises_reach() -> None:
    slots = Slots(600 * S, 1_000 * S, keys_max=100)
    assert slots.horizon_ns(S) == 100 * S
    assert slots.horizon_ns(10 * S) == 600 * S
    for client in range(50):
        assert slots.reserve(client, 0, 0, S, again=False)
    assert slots.horizon_ns(S) == 100 * S
    # Twenty have missed their moments and may still come: only eighty are left for new ones.
    assert slots.promised(20 * S, None) == 30
    assert slots.horizon_ns(S) == 80 * S
    assert slots.horizon_ns(1) == 2 * S


def test_who_was_admitted_in_vain_is_expected_at_once_and_goes_before_first_returners() -> None:
    slots = Slots(600 * S, 60 * S, keys_max=1)
    slots.owe("a", 5 * S)
    owed = slots.find("a", 5 * S)
    assert owed is not None
    assert owed.again
    assert owed.at_ns == 5 * S
    slots.owe("no room", 5 * S)
    assert slots.find("no room", 5 * S) is None


def test_those_who_were_refused_again_are_counted_apart() -> None:
    slots = Slots(600 * S, 0)
    slots.reserve("first", 0, 0, S, again=False)
    slots.reserve("again", 0, 0, 3 * S, again=True)
    assert slots.promised(0, None) == 2
    assert slots.promised(0, 2 * S, again=True) == 0
    assert slots.promised(0, 3 * S, again=True) == 1
    slots.serve("again", S)
    assert slots.promised(S, None, again=True) == 0


def test_of_a_full_table_half_of_whom_come_late_nothing_is_left() -> None:
    slots = Slots(120 * S, 60 * S)
    interval_ns = 600_000
    booked = [slots.reserve(client, 0, 0, interval_ns, again=False) for client in range(200_000)]
    assert all(booked)
    assert slots.reserve("one more", 0, 0, 1, again=False) is None
    late = [slot for slot in booked[::2] if slot is not None]
    for slot in late:
        now_ns = slot.at_ns + 40 * S
        assert slots.find(slot.key, now_ns) is slot
        slots.come(slot, now_ns)
        slots.serve(slot.key, now_ns)
    assert slots.kept.of(1000) >= 500
    for turn in range(100_000):
        slots.find("nobody", 600 * S + turn)
    assert len(slots) == 0
    assert slots.promised(600 * S, None) == 0
    assert slots.kept.of(1000) == 1000


def test_a_slot_that_is_over_is_nobodys_though_nobody_has_looked_at_it_yet() -> None:
    slots = Slots(60 * S, 0)
    booked = [slots.reserve(client, 0, 0, 1, again=False) for client in range(50)]
    assert all(booked)
    assert slots.find(49, 10 * S) is None


def test_who_comes_at_the_end_of_its_window_is_not_late() -> None:
    slots = Slots(60 * S, 60 * S)
    slot = slots.reserve("a", 0, 0, S, again=False)
    assert slot is not None
    slots.come(slot, slot.until_ns)
    assert slots.kept.of(1000) == 1000


def test_who_comes_again_late_is_counted_once() -> None:
    slots = Slots(60 * S, 60 * S)
    slot = slots.reserve("a", 0, 0, S, again=False)
    assert slot is not None
    for second in (10, 11, 12):
        assert slots.find("a", second * S) is slot
        slots.come(slot, second * S)
    slots.find("a", 13 * S)
    assert slots.kept._missing == 0


def test_a_full_table_has_room_for_whom_it_knows_and_was_admitted_in_vain() -> None:
    slots = Slots(60 * S, 0, keys_max=1)
    slots.reserve("a", 0, 0, S, again=False)
    slots.owe("a", S)
    owed = slots.find("a", 3 * S)
    assert owed is not None
    assert owed.again
    assert owed.until_ns == 6 * S


def test_a_slot_that_moves_up_is_booked_once() -> None:
    slots = Slots(600 * S, 0)
    booked = [slots.reserve(client, 0, 0, 10 * S, again=client == 1) for client in range(2)]
    for slot in booked:
        assert slot is not None
        slots.move_up(slot, S, 0, S)
        slots.move_up(slot, S, 0, S)
    assert slots.promised(S, None) == 2
    assert slots.promised(S, None, again=True) == 1


def test_a_client_has_one_moment_whatever_becomes_of_its_other_requests() -> None:
    slots = Slots(600 * S, 0)
    first = slots.reserve("a", 0, 0, 10 * S, again=False)
    assert slots.reserve("a", S, 0, 10 * S, again=False) is first
    assert slots.reserve("a", S, 0, 20 * S, again=True) is first
    other = slots.reserve("b", S, 0, 10 * S, again=False)
    assert other is not None
    assert other.at_ns == 20 * S
    assert slots.promised(S, None) == 2


def test_a_new_moment_takes_the_place_of_one_that_is_due_and_breaks_no_promise() -> None:
    slots = Slots(600 * S, 60 * S)
    for client in range(256):
        slots.reserve(client, 0, 0, 1, again=False)
    for client in range(256):
        assert slots.reserve(client, S, 0, S, again=True)
    assert len(slots) == 256
    assert slots.kept.of(1000) == 1000
    assert slots.kept._missing == 0
    assert slots.promised(S, None) == slots.promised(S, None, again=True) == 256


def test_of_one_that_was_missing_nobody_is_waited_for_after_a_new_moment() -> None:
    slots = Slots(600 * S, 600 * S)
    slots.reserve("a", 0, 0, S, again=False)
    slots.find("nobody", 10 * S)
    assert slots.kept._missing == 1
    slots.reserve("a", 10 * S, 0, S, again=False)
    assert slots.kept._missing == 0


def test_who_was_served_by_another_request_has_kept_its_promise() -> None:
    slots = Slots(600 * S, 0)
    for turn in range(256):
        slots.reserve("a", turn * 100 * S, 0, 10 * S, again=False)
        slots.serve("a", turn * 100 * S + S)
        assert slots.promised(turn * 100 * S + S, turn * 100 * S + 20 * S) == 0
        slots.find("nobody", turn * 100 * S + 50 * S)
        slots.reserve("keeps the table", turn * 100 * S + 50 * S, 0, 90 * S, again=False)
    assert slots.kept._in_time == 256


def test_who_was_served_early_may_come_again_for_two_seconds() -> None:
    slots = Slots(600 * S, 60 * S)
    slot = slots.reserve("a", 0, 0, 50 * S, again=False)
    assert slot is not None
    slots.come(slot, S)
    slots.serve("a", S)
    assert (slot.at_ns, slot.until_ns) == (S, 3 * S)
    assert slots.find("a", 3 * S) is slot
    assert slots.find("a", 3 * S + 1) is None


def test_who_is_owed_a_place_promised_nothing() -> None:
    slots = Slots(600 * S, 0)
    for client in range(256):
        slots.owe(client, 0)
    slots.owe("keeps the table", 50 * S)
    for turn in range(200):
        slots.find("nobody", 50 * S + turn)
    assert len(slots) == 1
    assert slots.kept.of(1000) == 1000


def test_who_asks_again_and_again_does_not_pass_those_who_were_booked_before() -> None:
    slots = Slots(600 * S, 0)
    booked = [slots.reserve(client, 0, 0, 10 * S, again=False) for client in range(5)]
    last, fourth = booked[4], booked[3]
    assert last is not None
    assert fourth is not None
    for _ in range(3):
        slots.move_up(last, S, 0, S)
        assert last.at_ns == 6 * S
    slots.move_up(fourth, S, 0, S)
    assert fourth.at_ns == 5 * S


def test_a_moment_that_moves_up_takes_its_window_with_it() -> None:
    slots = Slots(600 * S, 10 * S)
    booked = [slots.reserve(client, 0, 0, 20 * S, again=False) for client in range(5)]
    last = booked[-1]
    assert last is not None
    assert last.until_ns == 110 * S
    slots.move_up(last, 50 * S, 0, 15 * S)
    assert (last.at_ns, last.until_ns) == (95 * S, 99.5 * S)
    assert slots.find(4, 109 * S) is last
    assert slots.find(4, 110 * S) is None


def test_a_window_that_is_over_is_a_promise_not_kept_and_one_in_which_its_owner_came_is() -> None:
    slots = Slots(600 * S, 600 * S)
    booked = [slots.reserve(client, 0, 0, 1, again=False) for client in range(256)]
    for slot in booked[:128]:
        assert slot is not None
        slots.come(slot, S)
    for turn in range(300):
        slots.find("nobody", 10 * S + turn)
    assert slots.kept.of(1000) == 500
    for slot in booked[128:]:
        assert slot is not None
        slots.come(slot, 20 * S)
    assert slots.kept.of(1000) == 1000


def test_two_slots_at_the_same_moment_are_two() -> None:
    """Somebody who returns and somebody who comes first may be told the same moment."""
    slots = Slots(600 * S, 60 * S)
    slots.reserve("first", 0, 0, S, again=False)
    slots.reserve("again", 0, 0, S, again=True)
    assert slots.promised(0, None) == 2
    slots.serve("again", S)
    assert slots.find("again", 3 * S + 1) is None
    assert slots.find("first", 3 * S + 1) is not None


def test_a_client_that_comes_late_again_and_again_leaves_nothing_behind() -> None:
    slots = Slots(120 * S, 3600 * S)
    for turn in range(1000):
        now_ns = turn * 10 * S
        slots.find("a", now_ns)
        slots.reserve("a", now_ns, 0, S, again=True)
        slots.owe("b", now_ns)
    assert len(slots) == len(slots._looks) == 2


def test_a_shorter_grace_frees_the_table_at_once() -> None:
    slots = Slots(120 * S, 3600 * S, keys_max=3)
    for client in range(3):
        slots.reserve(client, 0, 0, S, again=False)
    slots.find("nobody", 10 * S)
    assert slots.reserve("newcomer", 10 * S, 0, S, again=False) is None
    slots.reconfigure(120 * S, 0)
    assert slots.reserve("newcomer", 10 * S, 0, S, again=False) is not None
    assert len(slots) == len(slots._looks) == 1
