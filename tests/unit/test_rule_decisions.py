"""Where the contract is silent or wrong: what was decided, A1 to A24, through the rules."""

from app.domain.goal import Mode, Schedule
from tests.rules.story import (
    ALREADY_CLAIMED,
    COMPLETED,
    DAILY,
    IN_PROGRESS,
    NAME,
    NOT_COMPLETED,
    NOT_STARTED,
    ROTATED,
    WEEKLY,
    Story,
    goal,
    login_goal,
    turning,
    when,
)

ABSOLUTE = Mode.ABSOLUTE


def test_a1_an_event_makes_a_player_known_and_the_next_initialize_tells_of_the_goals() -> None:
    story = Story(login_goal(), goal("other"), known=False)
    story.login()
    assert story.shown() == (1, COMPLETED)
    assert story.initialize() == 2
    assert story.initialize() == 0


def test_a2_which_goals_were_active_is_decided_by_who_came_first_not_by_event_time() -> None:
    story = Story(login_goal(target=3), known=False, events_make_known=False)
    story.initialize()
    story.login(sent="Mon 09:00")
    assert story.shown() == (1, IN_PROGRESS)


def test_a3_an_event_belongs_to_the_period_of_its_own_time() -> None:
    story = Story(
        login_goal(target=3, rotation=DAILY), login_goal("week", target=3, rotation=WEEKLY)
    )
    story.at("Tue 00:01")
    story.login(sent="Mon 23:59")
    assert story.shown() == (0, NOT_STARTED)
    assert story.shown("week") == (1, IN_PROGRESS)


def test_a3_an_event_from_the_future_happens_now() -> None:
    story = Story(login_goal(target=3, rotation=DAILY))
    story.login(sent="Tue 11:00")
    assert story.shown() == (1, IN_PROGRESS)
    story.at("Tue 12:00")
    assert story.shown() == (0, NOT_STARTED)


def test_a4_a_late_login_counts_on_its_own_day_and_is_never_lost() -> None:
    story = Story(login_goal(target=9, rotation=DAILY), login_goal("ever", target=9, mode=ABSOLUTE))
    story.at("Tue 12:00")
    story.login()
    story.login(sent="Mon 12:00")
    assert story.shown() == (1, IN_PROGRESS)
    assert story.shown("ever") == (2, IN_PROGRESS)


def test_a5_an_older_statistic_never_overwrites_a_newer_one() -> None:
    story = Story(goal(target=99, mode=ABSOLUTE))
    story.wins(12, 2)
    story.wins(10, 1, sent="Mon 11:00")
    assert story.shown() == (12, IN_PROGRESS)


def test_a5_the_first_two_events_of_a_day_may_come_swapped() -> None:
    story = Story(goal(target=99, rotation=DAILY))
    story.wins(14, 4, sent="Mon 11:00")
    story.wins(10, 3, sent="Mon 10:00")
    assert story.shown() == (7, IN_PROGRESS)


def test_a5_what_happened_before_the_player_was_known_moves_no_start() -> None:
    story = Story(goal(target=99), known=False)
    story.initialize()
    story.wins(14, 4)
    story.wins(10, 10, sent="Mon 10:00")
    assert story.shown() == (4, IN_PROGRESS)


def test_a6_an_event_that_tells_no_increase_counts_from_the_last_known_value() -> None:
    story = Story(goal(target=99, rotation=DAILY))
    story.wins(10)
    assert story.shown() == (0, NOT_STARTED)
    story.at("Tue 12:00")
    story.wins(13)
    assert story.shown() == (3, IN_PROGRESS)


def test_a7_a_relative_statistic_does_not_jump_by_what_came_while_the_goal_was_away() -> None:
    story = Story(goal(target=99))
    story.wins(10, 2)
    story.deactivate()
    story.wins(30, 20)
    story.activate()
    story.wins(31, 1)
    assert story.shown() == (3, IN_PROGRESS)


def test_a8_an_absolute_goal_that_was_just_taken_up_waits_for_the_next_event() -> None:
    story = Story(
        goal(target=10, mode=ABSOLUTE, default_assigned=False), goal("listener", target=99)
    )
    story.wins(20)
    story.activate()
    assert story.shown() == (0, NOT_STARTED)
    story.wins(20)
    assert story.shown() == (20, COMPLETED)


def test_a9_a_completed_goal_stays_so_in_its_period_and_its_progress_goes_on() -> None:
    story = Story(goal(target=3, rotation=DAILY))
    story.wins(10, 3)
    story.wins(15, 5)
    assert story.shown() == (8, COMPLETED)
    story.wins(8)
    assert story.shown() == (1, COMPLETED)


def test_a10_a_claim_freezes_progress() -> None:
    story = Story(goal(target=3, rotation=WEEKLY))
    story.wins(10, 4)
    story.claim()
    story.at("Wed 12:00")
    story.wins(20, 10)
    assert story.state().progress == 4


def test_a11_without_reset_a_claim_is_final_whatever_reselection_allows() -> None:
    story = Story(goal(target=3, rotation=turning(Schedule.DAILY, resets=False, again=True)))
    story.wins(10, 3)
    assert story.claim() == "once"
    story.at("Tue 12:00")
    story.wins(20, 10)
    assert story.claim() == ALREADY_CLAIMED


def test_a12_without_reset_what_was_completed_on_an_older_day_can_be_claimed() -> None:
    story = Story(goal(target=3, rotation=turning(Schedule.DAILY, resets=False, again=False)))
    story.wins(10, 3)
    story.at("Wed 12:00")
    assert story.state().completed_at_ms == when("Mon 12:00")
    assert story.claim() == "once"


def test_a13_what_was_claimed_for_ever_is_claimed_and_not_rotated() -> None:
    story = Story(goal(target=3, rotation=turning(Schedule.DAILY, again=False)))
    story.wins(10, 3)
    story.claim()
    story.at("Tue 12:00")
    assert story.claim() == ALREADY_CLAIMED


def test_a14_only_a_forfeited_completion_has_rotated() -> None:
    story = Story(goal(target=3, rotation=DAILY), goal("untouched", target=30, rotation=DAILY))
    story.wins(10, 3)
    story.at("Tue 12:00")
    assert story.claim() == ROTATED
    assert story.claim("untouched") == NOT_COMPLETED
    story.deactivate()
    story.activate()
    assert story.claim() == NOT_COMPLETED


def test_a14_a_goal_taken_up_before_it_was_a_default_still_hears_of_the_days_since() -> None:
    story = Story(goal("other"), login_goal(target=2, rotation=DAILY, default_assigned=False))
    story.activate()
    story.login()
    story.at("Wed 12:00")
    story.serve(goal("other"), login_goal(target=2, rotation=DAILY), goal("new"))
    assert story.initialize() == 1
    story.login(sent="Mon 23:00")
    assert story.claim() == ROTATED


def test_a15_an_event_that_moves_nothing_leaves_a_goal_not_started() -> None:
    story = Story(goal(target=3))
    story.wins(10)
    assert story.shown() == (0, NOT_STARTED)


def test_a16_to_take_up_what_is_active_changes_nothing() -> None:
    story = Story(goal())
    story.deactivate()
    story.activate()
    row = story.season.players[NAME]
    story.at("Tue 12:00")
    assert story.activate().assigned_at_ms == when("Mon 12:00")
    assert story.season.players[NAME] is row
    assert story.deactivate().assigned_at_ms == when("Mon 12:00")


def test_a17_a_refusal_outranks_later_defaults() -> None:
    story = Story(goal("first"), goal(default_assigned=False))
    story.deactivate()
    story.serve(goal("first"), goal())
    assert story.initialize() == 0
    assert not story.state().is_active


def test_a18_replacing_leaves_what_is_completed_and_unclaimed_where_it_is() -> None:
    story = Story(goal(target=3), goal("second", target=99), goal("third", default_assigned=False))
    story.wins(10, 3)
    assert story.replace_with("third") == ["second"]
    assert story.state().is_active
    assert story.claim() == "once"


def test_a19_a_prerequisite_that_resets_is_needed_in_this_period() -> None:
    story = Story(
        goal(target=3, rotation=DAILY),
        goal("locked", target=3, prerequisites=("goal",), challenge_id="elsewhere"),
    )
    story.wins(10, 3)
    assert not story.state("locked").locked
    story.at("Tue 00:00")
    assert story.state("locked").locked
    assert story.claim("locked") == "locked"


def test_a20_a_goal_is_completed_when_it_was_heard_of() -> None:
    story = Story(goal(target=3))
    story.wins(10, 3, sent="Mon 01:00")
    assert story.state().completed_at_ms == when("Mon 12:00")


def test_a21_what_completes_a_day_that_is_over_comes_too_late() -> None:
    story = Story(goal(target=3, rotation=DAILY))
    story.wins(10, 2)
    story.at("Tue 00:01")
    story.wins(11, 1, sent="Mon 23:59")
    assert story.shown() == (0, NOT_STARTED)
    assert story.claim() == ROTATED


def test_a22_of_two_events_of_one_instant_the_later_arrival_holds() -> None:
    story = Story(goal(target=99, mode=ABSOLUTE))
    story.wins(7)
    story.wins(5)
    assert story.shown() == (5, IN_PROGRESS)


def test_a23_fractions_are_kept_and_shown_without_what_is_behind_the_point() -> None:
    story = Story(goal(target=3))
    story.wins(1.75, 1.75)
    assert story.shown() == (1, IN_PROGRESS)
    story.wins(2.75, 1)
    assert story.shown() == (2, IN_PROGRESS)
    story.wins(3.0, 0.25)
    assert story.shown() == (3, COMPLETED)


def test_a24_a_value_below_its_start_is_shown_and_put_away_as_nothing() -> None:
    story = Story(goal(target=9))
    story.wins(10, 2)
    story.wins(4)
    assert story.shown() == (0, NOT_STARTED)
    story.deactivate()
    story.activate()
    story.wins(5, 1)
    assert story.shown() == (1, IN_PROGRESS)


def test_two_claims_of_one_instant_keep_the_progress_that_each_was_made_with() -> None:
    story = Story(login_goal("one"), login_goal("other"))
    story.login()
    story.claim("one")
    story.login()
    story.claim("other")
    assert (story.shown("one"), story.shown("other")) == ((1, "claimed"), (2, "claimed"))
