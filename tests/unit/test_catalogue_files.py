"""The two catalogues that come with the service: the sample and the load test's."""

from collections import Counter
from pathlib import Path

from app.catalogue.loadtest import generate_catalogue
from app.catalogue.parse import parse_catalogue
from app.domain.goal import Catalogue, Mode, Rotation, Schedule, Source

SAMPLE = Path(__file__).parents[2] / "app" / "sample_catalogue.json"


def sample() -> Catalogue:
    catalogue, warnings = parse_catalogue(SAMPLE.read_bytes())
    assert warnings == ()
    return catalogue


def test_the_sample_has_goals_of_every_kind() -> None:
    goals = sample().goals
    assert {goal.source for goal in goals} == set(Source)
    assert {goal.requirement.progress_mode for goal in goals} == set(Mode)
    assert {goal.reward.type for goal in goals} == {"ITEM", "WALLET"}
    assert Counter(goal.rotation for goal in goals if goal.rotation) == {
        Rotation(Schedule.DAILY, reset_progress=True, allow_reselection=True): 3,
        Rotation(Schedule.DAILY, reset_progress=True): 1,
        Rotation(Schedule.WEEKLY, reset_progress=True, allow_reselection=True): 2,
        Rotation(Schedule.WEEKLY): 1,
        Rotation(Schedule.MONTHLY, reset_progress=True, allow_reselection=True): 1,
    }


def test_the_sample_gives_ten_goals_by_default_and_every_rotating_one_is_among_them() -> None:
    goals = sample().goals
    assert len(goals) == 24
    assert sum(goal.default_assigned for goal in goals) == 10
    assert all(goal.default_assigned for goal in goals if goal.rotation)


def test_the_sample_has_a_chain_of_prerequisites() -> None:
    needed = {goal.goal_id: goal.prerequisites for goal in sample().goals if goal.prerequisites}
    assert needed == {
        "kill-10-snowmen": ("complete-tutorial",),
        "reach-level-5": ("kill-10-snowmen",),
    }


def test_every_text_of_the_sample_is_there_and_its_own() -> None:
    catalogue = sample()
    names = [challenge.name for challenge in catalogue.challenges]
    names += [goal.name for goal in catalogue.goals]
    assert len(set(names)) == len(names)
    assert all(challenge.description for challenge in catalogue.challenges)
    assert all(goal.description for goal in catalogue.goals)


def test_the_load_test_catalogue_is_the_same_bytes_each_time() -> None:
    assert generate_catalogue() == generate_catalogue()
    assert generate_catalogue() != generate_catalogue(all_default=True)


def test_the_load_test_catalogue_gives_the_first_ten_goals_of_each_challenge() -> None:
    catalogue, warnings = parse_catalogue(generate_catalogue())
    assert warnings == ()
    assert [len(challenge.goals) for challenge in catalogue.challenges] == [50] * 10
    for challenge in catalogue.challenges:
        given = [goal.default_assigned for goal in challenge.goals]
        assert given == [True] * 10 + [False] * 40


def test_the_load_test_catalogue_can_give_all_its_goals() -> None:
    catalogue, _ = parse_catalogue(generate_catalogue(all_default=True))
    assert sum(goal.default_assigned for goal in catalogue.goals) == 500


def test_each_stat_of_the_load_test_counts_for_a_hundred_goals() -> None:
    goals = parse_catalogue(generate_catalogue()).catalogue.goals
    assert Counter((goal.source, goal.requirement.stat_code) for goal in goals) == {
        (Source.LOGIN, "login_count"): 100,
        (Source.STATISTIC, "enemy_kills"): 100,
        (Source.STATISTIC, "games_played"): 100,
        (Source.STATISTIC, "headshots"): 100,
        (Source.STATISTIC, "wins"): 100,
    }
    highest = [goals[50 * number + 49].requirement.target_value for number in range(10)]
    assert highest == [50, 500, 100, 250, 50] * 2
    assert goals[-1].goal_id == "challenge-010-goal-50"


def test_the_load_test_rewards_items_for_every_odd_fifth_goal() -> None:
    goals = parse_catalogue(generate_catalogue()).catalogue.goals
    assert Counter(goal.reward.type for goal in goals) == {"WALLET": 450, "ITEM": 50}
    amounts = [goals[step - 1].reward.quantity for step in (4, 5, 10, 50)]
    assert amounts == [40, 1, 500, 2500]
