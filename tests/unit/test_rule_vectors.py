"""The event contract's worked examples, E1 to E16, through the rules.

All end as in the Go service but four: E7 ends as E6, as it should have; E10 can be claimed; E13 is
frozen; E16 counts as what it is, a new period.
"""

from app.domain.goal import Mode, Schedule
from tests.rules.story import (
    CLAIMED,
    COMPLETED,
    DAILY,
    IN_PROGRESS,
    NOT_COMPLETED,
    NOT_STARTED,
    ROTATED,
    Story,
    goal,
    login_goal,
    turning,
    when,
)


def test_e1_an_absolute_goal_shows_the_statistic() -> None:
    story = Story(goal(target=10, mode=Mode.ABSOLUTE))
    story.wins(4)
    assert story.shown() == (4, IN_PROGRESS)


def test_e2_it_is_completed_at_its_target_with_a_time() -> None:
    story = Story(goal(target=10, mode=Mode.ABSOLUTE))
    story.wins(4)
    story.at("Mon 13:00")
    story.wins(12)
    assert story.shown() == (12, COMPLETED)
    assert story.state().completed_at_ms == when("Mon 13:00")


def test_e3_a_completed_goal_stays_so_while_its_progress_falls() -> None:
    story = Story(goal(target=10, mode=Mode.ABSOLUTE))
    story.wins(12)
    story.wins(3)
    assert story.shown() == (3, COMPLETED)


def test_e4_logins_add_up_over_days() -> None:
    story = Story(login_goal(target=3, mode=Mode.ABSOLUTE))
    for day in ("Mon 12:00", "Mon 12:01", "Wed 09:00"):
        story.at(day)
        story.login()
    assert story.shown() == (3, COMPLETED)


def test_e5_a_relative_goal_counts_from_the_value_before_its_first_event() -> None:
    story = Story(goal(target=5))
    story.wins(100, 2)
    assert story.shown() == (2, IN_PROGRESS)


def test_e6_what_came_since_completes_it() -> None:
    story = Story(goal(target=5))
    story.wins(100, 2)
    story.at("Mon 13:00")
    story.wins(104, 4)
    assert story.shown() == (6, COMPLETED)


def test_e7_two_events_in_one_instant_count_as_two() -> None:
    story = Story(goal(target=5))
    story.wins(100, 2)
    story.wins(104, 4)
    assert story.shown() == (6, COMPLETED)


def test_e8_a_new_statistic_may_complete_a_goal_at_once() -> None:
    story = Story(goal(target=5))
    story.wins(100, 100)
    assert story.shown() == (100, COMPLETED)


def test_e9_a_new_day_starts_from_nothing_and_forfeits_what_was_not_claimed() -> None:
    story = Story(goal(target=5, rotation=DAILY))
    story.wins(100, 2)
    story.wins(104, 4)
    assert story.shown() == (6, COMPLETED)
    story.at("Tue 12:00")
    story.wins(107, 3)
    assert story.shown() == (3, IN_PROGRESS)
    assert story.state().completed_at_ms is None
    assert story.claim() == ROTATED


def test_e10_a_goal_that_does_not_reset_is_completed_across_days_and_can_be_claimed() -> None:
    story = Story(goal(target=5, rotation=turning(Schedule.DAILY, resets=False)))
    story.wins(100, 2)
    story.at("Tue 12:00")
    story.wins(104, 4)
    assert story.shown() == (6, COMPLETED)
    assert story.state().completed_at_ms == when("Tue 12:00")
    assert story.claim() == "once"


def test_e11_what_can_be_claimed_once_never_changes_after_the_claim() -> None:
    story = Story(goal(target=5, rotation=turning(Schedule.DAILY, again=False)))
    story.wins(100, 5)
    assert story.claim() == "once"
    claimed = story.state()
    story.wins(200, 100)
    story.at("+Wed 12:00")
    story.wins(300, 100)
    assert story.state() == claimed


def test_e12_a_daily_login_reward_can_be_earned_again_on_the_next_day() -> None:
    story = Story(login_goal(rotation=DAILY))
    story.login()
    assert story.claim() == "d2026-03-02"
    story.at("Tue 00:00")
    assert story.shown() == (0, NOT_STARTED)
    story.login()
    state = story.state()
    assert story.shown() == (1, COMPLETED)
    assert (state.completed_at_ms, state.claimed_at_ms) == (when("Tue 00:00"), None)
    assert story.claim() == "d2026-03-03"


def test_e13_a_claimed_goal_does_not_move_until_its_period_ends() -> None:
    story = Story(login_goal(rotation=DAILY))
    story.login()
    story.claim()
    story.login()
    assert story.shown() == (1, CLAIMED)


def test_e14_what_happens_while_a_goal_is_put_away_never_counts() -> None:
    story = Story(goal(target=5))
    story.wins(100, 2)
    story.deactivate()
    story.wins(150, 50)
    assert story.shown() == (2, IN_PROGRESS)
    story.activate()
    assert story.shown() == (2, IN_PROGRESS)
    story.wins(151, 1)
    assert story.shown() == (3, IN_PROGRESS)


def test_e15_an_event_of_an_unknown_player_does_nothing_if_events_make_no_players_known() -> None:
    story = Story(login_goal(), known=False, events_make_known=False)
    story.login()
    assert story.season.players == {}
    story.initialize()
    assert story.shown() == (0, NOT_STARTED)


def test_e16_taking_a_goal_up_does_not_hide_that_its_period_is_over() -> None:
    story = Story(goal(target=5, rotation=DAILY))
    story.wins(100, 2)
    story.wins(104, 4)
    story.at("Tue 12:00")
    story.deactivate()
    story.activate()
    assert story.shown() == (0, NOT_STARTED)
    assert story.claim() == NOT_COMPLETED
    story.wins(107, 3)
    assert story.shown() == (3, IN_PROGRESS)
