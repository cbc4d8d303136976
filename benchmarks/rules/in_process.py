"""CPU of the rules alone: what a list, an answer and an event cost, without server and database."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from app.domain.event import Event, apply_event
from app.domain.facts import decode_goals, decode_stats, encode_goals, encode_stats
from app.domain.goal import Source
from app.domain.player import Player
from benchmarks.conditions import describe
from benchmarks.rules.figures import Part, Row, Table, Target
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
from benchmarks.rules.sizes import Size
from benchmarks.timing import Call, time_in_turns

KEY = "process"
VIEW_US_MAX = 400
EVENT_US_MAX = 30
STAT = "enemy_kills"


class Case(NamedTuple):
    """A call to time; `bound_us` is the most that it may take, None where nothing is asked."""

    name: str
    call: Call
    bound_us: float | None = None


def measure(size: Size) -> Part:
    """Time every case in turns."""
    cases = [*_lists(), *_events(), *_columns()]
    times_us = time_in_turns(
        [case.call for case in cases], size.repeats, repeat_ns_min=size.repeat_ns_min
    )
    rounded = [[round(value, 2) for value in values] for values in times_us]
    return Part(
        key=KEY,
        title="The rules in process",
        conditions=describe("python -m benchmarks.rules --only process", "none", {}),
        targets=[
            Target(name=case.name, unit="µs", bound=case.bound_us, values=values)
            for case, values in zip(cases, rounded, strict=True)
            if case.bound_us is not None
        ],
        tables=[
            Table(
                "CPU of one call",
                ["µs"],
                [
                    Row(case.name, "µs", [values])
                    for case, values in zip(cases, rounded, strict=True)
                ],
            )
        ],
    )


def _lists() -> Iterator[Case]:
    every = load_test_world(all_default=True)
    some = load_test_world()
    daily = load_test_world(all_default=True, half_daily=True)
    begun, advanced = events_of_steps(1), events_of_steps(8)
    in_season = play(every, newcomer(every, "p"), advanced)
    yield _view("view of 500 goals, no event yet", every, newcomer(every, "p"))
    yield _view(
        "view of 500 goals assigned, 5 stats, 10 completed",
        every,
        play(every, newcomer(every, "p"), begun),
        VIEW_US_MAX,
    )
    yield _view("view of 500 goals assigned, 5 stats, 80 completed", every, in_season, VIEW_US_MAX)
    yield _view(
        "view of 500 goals, half of them daily, 5 stats",
        daily,
        play(daily, newcomer(daily, "p"), advanced),
        VIEW_US_MAX,
    )
    yield _view(
        "view of 500 goals, 100 assigned, 5 stats, 80 completed",
        some,
        play(some, newcomer(some, "p"), advanced),
        VIEW_US_MAX,
    )
    yield _view("view of 500 goals, each chosen by hand, 5 stats", every, _by_hand(every, advanced))
    yield Case(
        "view and list's answer, 500 assigned, 5 stats, 80 completed",
        lambda: every.template.list_answer(every.view(in_season).states, NOW_MS),
    )
    toggled = decide(every, in_season, [every.rules.goals[-1].goal_id], active=False)
    for what, player in (("", in_season), (", one deactivated", toggled)):
        yield Case(
            f"view and initialize's answer, 500 assigned, 5 stats, 80 completed{what}",
            partial(_initialize_answer, every, player),
        )


def _view(name: str, world: World, player: Player, bound_us: float | None = None) -> Case:
    return Case(name, partial(world.view, player), bound_us)


def _initialize_answer(world: World, player: Player) -> bytes:
    assigned_at_ms = [entry.at_ms for entry in player.assignments]
    return world.template.initialize_answer(world.view(player).states, assigned_at_ms, NOW_MS, 0)


def _by_hand(world: World, events: list[Event]) -> Player:
    """Return a player who deactivated each goal and activated it again, and then had the events."""
    ids = [rule.goal_id for rule in world.rules.goals]
    player = decide(world, newcomer(world, "p"), ids, active=False)
    return play(world, decide(world, player, ids, active=True), events)


def _events() -> Iterator[Case]:
    world = load_test_world()
    # 2 challenges with 10 goals assigned in each: 20 active ones on every stat.
    active = sum(world.rules.goals[number].stat.endswith(STAT) for number in world.plan.entry_of)
    assert active == 20, f"{active} goals are active on {STAT}"
    assigned = play(world, newcomer(world, "p"), events_of_steps(4))
    chosen = decide(world, newcomer(world, "p"), _assigned_ids(world), active=False)
    chosen = play(
        world, decide(world, chosen, _assigned_ids(world), active=True), events_of_steps(4)
    )
    for how, player in (("assigned", assigned), ("chosen by hand", chosen)):
        for what, value in (("nothing completes", 4), ("2 complete", 5), ("12 complete", 10)):
            event = Event(
                Source.STATISTIC, NOW_MS, STAT, value=value * PER_STEP[STAT] + 1, increase=1
            )
            yield Case(
                f"event on 20 active goals, {how}, {what}",
                partial(apply_event, world.rules, world.plan, player, event, NOW_MS),
                EVENT_US_MAX,
            )


def _assigned_ids(world: World) -> list[str]:
    goals = world.rules.goals
    return [goals[number].goal_id for number in world.plan.entry_of]


def _columns() -> Iterator[Case]:
    world = load_test_world(all_default=True)
    for goals, steps in ((10, 1), (80, 8)):
        player = play(world, newcomer(world, "p"), events_of_steps(steps))
        assert len(player.goals) == goals, f"{len(player.goals)} facts of goals"
        stats, facts = encode_stats(player.stats), encode_goals(player.goals)
        yield Case(f"decode the facts of 5 stats and {goals} goals", partial(_decode, stats, facts))
    yield Case("encode the facts of 5 stats", partial(encode_stats, player.stats))


def _decode(stats: bytes | None, goals: bytes | None) -> None:
    decode_stats(stats)
    decode_goals(goals)
