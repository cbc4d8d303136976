"""The players of the benchmark are those that the figures say they are."""

from app.catalogue.loadtest import generate_catalogue
from app.domain.goal import Status
from app.domain.period import DAY_MS
from app.domain.player import Player
from app.domain.view import view_of
from benchmarks.rules.season import (
    NOW_MS,
    PER_STEP,
    World,
    decide,
    events_of_steps,
    load_test_world,
    newcomer,
    play,
)


def count(world: World, player: Player, status: Status) -> int:
    seen = world.view(player)
    return sum(seen.of(number).status is status for number in range(500))


def test_eight_steps_complete_eighty_of_five_hundred_goals_and_begin_the_others() -> None:
    world = load_test_world(all_default=True)
    player = play(world, newcomer(world, "p"), events_of_steps(8))
    assert len(player.stats) == 5
    assert count(world, player, Status.COMPLETED) == 80
    assert count(world, player, Status.IN_PROGRESS) == 420


def test_every_stat_has_twenty_goals_that_a_newcomer_is_given() -> None:
    world = load_test_world()
    rules = world.rules
    stats = [f"statistic:{stat}" for stat in PER_STEP] + ["login:login_count"]
    for stat in stats:
        assert sum(rules.goals[number].stat == stat for number in world.plan.entry_of) == 20


def test_a_goal_put_away_and_taken_up_again_is_the_players_own_decision() -> None:
    world = load_test_world()
    [goal] = ["challenge-002-goal-01"]
    player = decide(world, newcomer(world, "p"), [goal], active=False)
    assert player.goals[goal].active is False
    assert decide(world, player, [goal], active=True).goals[goal].active is True


def test_half_of_the_goals_reset_each_day_where_asked_for() -> None:
    world = load_test_world(all_default=True, half_daily=True)
    assert sum(rule.span is not None for rule in world.rules.goals) == 250
    player = play(world, newcomer(world, "p"), events_of_steps(8))
    tomorrow = view_of(world.rules, world.plan, player, NOW_MS + DAY_MS)
    begun = [number for number in range(500) if tomorrow.of(number).progress]
    assert begun
    assert all(world.rules.goals[number].span is None for number in begun)


def test_the_catalogue_is_the_one_of_the_load_tests() -> None:
    assert generate_catalogue().count(b'"goalId"') == 500
