"""A catalogue that asks for less: who has done enough already has completed the goal."""

from app.domain.goal import Goal, GoalState, Mode
from tests.rules.story import (
    COMPLETED,
    DAILY,
    IN_PROGRESS,
    NOT_COMPLETED,
    Story,
    goal,
    login_goal,
    when,
)


def lowered(story: Story, *goals: Goal) -> GoalState:
    story.serve(*goals)
    return story.state()


def test_it_is_completed_since_the_newest_event_and_can_be_claimed() -> None:
    story = Story(goal(target=10))
    story.wins(7, 7)
    story.at("Tue 12:00")
    assert lowered(story, goal(target=5)).completed_at_ms == when("Mon 12:00")
    assert story.shown() == (7, COMPLETED)
    assert story.claim() == "once"
    assert story.state().completed_at_ms == when("Mon 12:00")


def test_a_target_that_rises_again_before_anything_happened_is_not_reached() -> None:
    story = Story(goal(target=10))
    story.wins(7, 7)
    lowered(story, goal(target=5))
    lowered(story, goal(target=8))
    assert story.shown() == (7, IN_PROGRESS)
    assert story.claim() == NOT_COMPLETED


def test_what_it_completed_stays_so_when_the_statistic_falls() -> None:
    for took_up in (False, True):
        story = Story(goal(target=10, mode=Mode.ABSOLUTE, default_assigned=not took_up))
        if took_up:
            story.activate()
        story.wins(7)
        lowered(story, goal(target=5, mode=Mode.ABSOLUTE, default_assigned=not took_up))
        story.at("Mon 13:00")
        story.wins(3)
        assert story.shown() == (3, COMPLETED)
        assert story.state().completed_at_ms == when("Mon 12:00")


def test_what_it_completed_stays_so_when_it_is_put_away() -> None:
    story = Story(goal(target=10))
    story.wins(7, 7)
    lowered(story, goal(target=5))
    story.at("Mon 13:00")
    story.deactivate()
    assert story.shown() == (7, COMPLETED)
    assert story.state().completed_at_ms == when("Mon 12:00")


def test_progress_that_was_frozen_counts_as_well() -> None:
    story = Story(goal(target=10))
    story.wins(7, 7)
    story.deactivate()
    story.at("Mon 13:00")
    assert lowered(story, goal(target=5)).completed_at_ms == when("Mon 00:00")
    story.activate()
    assert story.claim() == "once"


def test_it_opens_what_waits_for_it() -> None:
    story = Story(goal(target=10), goal("next", prerequisites=("goal",)))
    story.wins(7, 7)
    assert story.state("next").locked
    lowered(story, goal(target=5), goal("next", prerequisites=("goal",)))
    assert not story.state("next").locked


def test_what_was_done_on_another_day_counts_for_that_day_only() -> None:
    story = Story(login_goal(target=3, rotation=DAILY))
    story.login()
    story.login()
    lowered(story, login_goal(target=2, rotation=DAILY))
    assert story.shown() == (2, COMPLETED)
    story.at("Tue 00:00")
    assert story.state().completed_at_ms is None
    assert story.claim() == NOT_COMPLETED
