from middleware.admission.slots import Slots

S = 1_000_000_000


def test_the_first_moment_lies_behind_the_line_and_each_next_one_behind_the_last() -> None:
    slots = Slots(60 * S, 0)
    first = slots.reserve("a", 10 * S, 2 * S, S, again=False)
    second = slots.reserve("b", 10 * S, 2 * S, S, again=False)
    assert first is not None
    assert second is not None
    assert first.at_ns == 13 * S
    assert second.at_ns == 14 * S


def test_a_slot_is_due_for_two_seconds_or_a_tenth_of_the_wait() -> None:
    slots = Slots(100 * S, 0)
    near = slots.reserve("near", 0, 0, 5 * S, again=False)
    far = slots.reserve("far", 0, 0, 45 * S, again=False)
    assert near is not None
    assert near.until_ns - near.at_ns == 2 * S
    assert far is not None
    assert far.at_ns == 50 * S
    assert far.until_ns - far.at_ns == 5 * S


def test_without_grace_a_client_is_remembered_until_its_slot_is_over() -> None:
    slots = Slots(60 * S, 0)
    slot = slots.reserve("a", 0, 0, 5 * S, again=False)
    assert slot is not None
    assert slots.find("a", 0) == slot
    assert slots.find("a", slot.until_ns) == slot
    assert slots.find("a", slot.until_ns + 1) is None
    assert slots.find("stranger", 0) is None


def test_nothing_is_promised_beyond_the_horizon_and_the_clock_stands_still() -> None:
    slots = Slots(10 * S, 0)
    assert slots.reserve("a", 0, 0, 11 * S, again=False) is None
    assert slots.find("a", 0) is None
    at_the_horizon = slots.reserve("b", 0, 0, 10 * S, again=False)
    assert at_the_horizon is not None
    assert at_the_horizon.at_ns == 10 * S
    assert slots.reserve("c", 0, 0, 1, again=False) is None


def test_who_is_refused_again_starts_a_clock_of_its_own_and_keeps_its_seniority() -> None:
    slots = Slots(600 * S, 0)
    for client in range(100):
        slots.reserve(client, 0, 0, S, again=False)
    senior = slots.reserve(0, S, 2 * S, S, again=True)
    assert senior is not None
    assert senior.at_ns == 4 * S


def test_full_memory_drops_the_expired_first_and_never_a_promise() -> None:
    slots = Slots(600 * S, 0, keys_max=3)
    for client in range(3):
        assert slots.reserve(client, 0, 0, S, again=False)
    assert slots.reserve("newcomer", 0, 0, S, again=False) is None
    assert all(slots.find(client, 0) for client in range(3))
    first_is_over_ns = 3 * S + 1
    assert slots.reserve("newcomer", first_is_over_ns, 0, S, again=False)
    assert slots.find(1, first_is_over_ns)
    assert slots.find(2, first_is_over_ns)
    assert len(slots) == 3


def test_a_client_with_a_later_slot_is_not_forgotten_when_its_first_one_ends() -> None:
    slots = Slots(600 * S, 0, keys_max=2)
    slots.reserve("a", 0, 0, S, again=False)
    later = slots.reserve("a", 2 * S, 0, 20 * S, again=True)
    slots.reserve("b", 9 * S, 0, S, again=False)
    assert slots.find("a", 9 * S) == later


def test_in_full_memory_a_client_that_is_remembered_can_still_be_given_a_new_moment() -> None:
    slots = Slots(600 * S, 0, keys_max=2)
    slots.reserve("a", 0, 0, S, again=False)
    slots.reserve("b", 0, 0, S, again=False)
    assert slots.reserve("a", S, 0, S, again=True)
    assert slots.reserve("stranger", S, 0, S, again=False) is None


def test_a_slot_is_kept_to_its_very_last_nanosecond() -> None:
    slots = Slots(600 * S, 0, keys_max=1)
    slot = slots.reserve("a", 0, 0, S, again=False)
    assert slot is not None
    assert slots.reserve("b", slot.until_ns, 0, S, again=False) is None
    assert slots.reserve("b", slot.until_ns + 1, 0, S, again=False)


def test_promises_are_counted_after_now_and_up_to_the_end_of_the_span() -> None:
    slots = Slots(600 * S, 0)
    for client in range(10):
        slots.reserve(client, 0, 0, S, again=False)
    slots.reserve("again", 0, 0, S, again=True)
    assert slots.promised(0, 3 * S) == 4
    assert slots.promised(3 * S, 5 * S) == 2
    assert slots.promised(10 * S, 100 * S) == 0


def test_without_a_slot_moments_are_spread_over_a_tenth_and_at_least_a_second() -> None:
    slots = Slots(100 * S, 0)
    assert slots.spread_ns(None, S, 0.0) == 100 * S
    assert slots.spread_ns(None, S, 0.5) == 105 * S
    assert slots.spread_ns(2 * S, S, 0.5) == 2 * S + S // 2
    assert slots.spread_ns(500 * S, S, 0.0) == 100 * S


def test_whoever_never_came_is_forgotten_though_nobody_asks() -> None:
    slots = Slots(10 * S, 0)
    for client in range(10_000):
        assert slots.reserve(client, client * S, 0, S, again=False)
    assert len(slots) < 100


def test_looking_at_the_next_moment_does_not_book_it() -> None:
    slots = Slots(100 * S, 0)
    assert slots.next_in_ns(S, 2 * S, S, again=False) == 3 * S
    assert slots.next_in_ns(S, 2 * S, S, again=False) == 3 * S
    slots.reserve("a", S, 0, 50 * S, again=False)
    assert slots.next_in_ns(S, 2 * S, S, again=False) == 51 * S
    assert slots.next_in_ns(S, 2 * S, S, again=True) == 3 * S


def test_every_span_is_a_whole_number_of_nanoseconds() -> None:
    slots = Slots(999 * S, 0)
    slot = slots.reserve("a", 7, 0, 333 * S + 1, again=False)
    assert slot is not None
    assert isinstance(slot.until_ns, int)
    assert isinstance(slots.spread_ns(333 * S + 1, S, 0.123), int)


def test_a_new_horizon_holds_for_slots_still_to_be_given() -> None:
    slots = Slots(10 * S, 0)
    slots.reconfigure(20 * S, 0)
    assert slots.reserve("a", 0, 0, 15 * S, again=False)


def test_at_any_hour_of_the_clock_spans_are_measured_from_now() -> None:
    slots = Slots(100 * S, 0)
    uptime_ns = 5_000_000 * S
    slot = slots.reserve("a", uptime_ns, 0, 50 * S, again=False)
    assert slot is not None
    assert slot.at_ns == uptime_ns + 50 * S
    assert slot.until_ns == slot.at_ns + 5 * S
