"""What one answer of the provider makes of a claim."""

from uuid import UUID

import pytest

from app.domain.facts import GoalFacts
from app.domain.goal import Reward
from app.domain.reward import (
    Call,
    Claim,
    ClaimState,
    Granted,
    NotGranted,
    RefusedForGood,
    Undo,
    Unknown,
    restored,
)
from app.domain.settlement import backoff_ms, settlement

CLAIM = Claim(UUID(int=1), "ann", "win", "once", "c", "local", Reward("ITEM", "sword", 1), 0)


def call(tries: int = 1, *, uncertain: bool = False) -> Call:
    return Call(CLAIM, tries, tries, uncertain)


def test_a_grant_is_a_grant_whatever_came_before() -> None:
    for uncertain in (False, True):
        settled = settlement(call(7, uncertain=uncertain), Granted(), 3, 0.0)
        assert (settled.state, settled.error) == (ClaimState.GRANTED, None)


def test_a_refusal_is_final_unless_an_earlier_attempt_may_have_granted() -> None:
    assert settlement(call(), RefusedForGood("422"), 20, 0.0).state is ClaimState.REFUSED
    assert (
        settlement(call(2, uncertain=True), RefusedForGood("422"), 20, 0.0).state
        is ClaimState.IN_DOUBT
    )


def test_what_is_unknown_is_asked_again_until_the_attempts_are_used_up() -> None:
    states = [settlement(call(tries), Unknown("500"), 4, 0.0).state for tries in (1, 3, 4, 5)]
    assert states == [ClaimState.PENDING] * 2 + [ClaimState.IN_DOUBT] * 2
    assert settlement(call(), Unknown("500"), 4, 0.0).uncertain


def test_the_provider_s_wish_to_be_left_alone_only_lengthens_the_delay() -> None:
    for kind in (Unknown, NotGranted):
        assert settlement(call(), kind("later", 5_000), 4, 0.0).delay_ms == 5_000
        assert settlement(call(5), kind("later", 5_000), 20, 0.0).delay_ms == 16_000


@pytest.mark.parametrize("uncertain", [False, True])
def test_what_certainly_granted_nothing_changes_only_the_moment(uncertain: bool) -> None:
    # Forty attempts, none of which counted.
    outage = Call(CLAIM, attempt=40, tries=1, uncertain=uncertain)
    settled = settlement(outage, NotGranted("refused to connect"), 1, 0.0)
    assert settled.state is ClaimState.PENDING
    assert (settled.uncertain, settled.counted) == (uncertain, False)
    assert settled.delay_ms == 900_000


def test_delays_double_to_a_quarter_of_an_hour_and_half_of_each_is_drawn() -> None:
    assert [backoff_ms(tries, 0.0) for tries in (1, 2, 3, 10, 11, 10_000)] == [
        1_000,
        2_000,
        4_000,
        512_000,
        900_000,
        900_000,
    ]
    assert backoff_ms(3, 0.5) == 3_000
    assert 2_000 <= backoff_ms(3, 0.999_999) < 2_001


def test_twenty_attempts_take_hours_and_not_days() -> None:
    hours = [sum(backoff_ms(tries, die) for tries in range(1, 20)) / 3.6e6 for die in (0.0, 0.999)]
    assert 1 < hours[1] < hours[0] < 3


def test_what_is_kept_of_the_provider_s_words_is_short_and_can_be_stored() -> None:
    error = settlement(
        call(), RefusedForGood("a\0b\x1b[2J\x7f\x9b\n\ud800" + "x" * 5_000), 20, 0.0
    ).error
    assert error is not None
    assert error.startswith(r"a\x00b\x1b[2J\x7f\x9b\x0a?x")
    assert len(error) == 200


BEFORE = GoalFacts(active=True, offset=2, completed_at_ms=5)
CLAIMED = GoalFacts(active=True, offset=2, completed_at_ms=5, claimed_at_ms=9, carry=11)
OTHER = GoalFacts(active=False)


def test_a_claim_that_is_undone_leaves_the_facts_as_they_were() -> None:
    goals = {"win": CLAIMED, "other": OTHER}
    assert restored(goals, Undo("win", CLAIMED, BEFORE)) == {"win": BEFORE, "other": OTHER}


def test_what_the_player_decided_meanwhile_stays_when_a_claim_is_undone() -> None:
    away = GoalFacts(active=False, completed_at_ms=5, claimed_at_ms=9, carry=11)
    undone = GoalFacts(active=False, completed_at_ms=5, carry=11)
    assert restored({"win": away}, Undo("win", CLAIMED, BEFORE)) == {"win": undone}


@pytest.mark.parametrize(
    "goals",
    [
        {},
        {"win": GoalFacts(active=True)},
        {"win": GoalFacts(active=True, completed_at_ms=20, claimed_at_ms=30, period=2)},
    ],
)
def test_a_claim_of_another_moment_is_not_undone(goals: dict[str, GoalFacts]) -> None:
    assert restored(goals, Undo("win", CLAIMED, BEFORE)) == goals
