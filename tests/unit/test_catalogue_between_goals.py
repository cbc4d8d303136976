import json

from app.catalogue.form import GOALS_MAX
from app.catalogue.parse import parse_catalogue
from tests.catalogue_documents import challenge, errors, goal, goal_errors


def test_goals_are_counted_over_all_challenges() -> None:
    half = GOALS_MAX // 2 + 1
    document = {
        "challenges": [
            challenge(*(goal(f"{name}-{n}") for n in range(half)), challengeId=name)
            for name in ("a", "b")
        ]
    }
    assert errors(document) == ("challenges: must hold at most 10000 goals in all, has 10002",)


def test_prerequisites_must_exist_and_be_named_once() -> None:
    assert goal_errors(
        goal("g0"), goal("g1", prerequisites=["g0", "nobody", "g0"]), goal("g2")
    ) == (
        'challenges[0].goals[1].prerequisites[1]: there is no goal "nobody"',
        'challenges[0].goals[1].prerequisites[2]: "g0" is named more than once',
    )


def test_a_goal_cannot_wait_for_itself() -> None:
    assert goal_errors(goal("g0", prerequisites=["g0"])) == (
        "challenges[0].goals[0].prerequisites[0]: a goal cannot be its own prerequisite",
    )


def test_each_cycle_of_prerequisites_is_named() -> None:
    found = goal_errors(
        goal("free"),
        goal("tail", prerequisites=["a"]),
        goal("a", prerequisites=["free", "b"]),
        goal("b", prerequisites=["c"]),
        goal("c", prerequisites=["a", "free"]),
        goal("x", prerequisites=["y"]),
        goal("y", prerequisites=["x"]),
    )
    assert found == (
        (
            "challenges[0].goals[2].prerequisites: "
            "none of these goals can unlock, each needs the next: a -> b -> c -> a"
        ),
        (
            "challenges[0].goals[5].prerequisites: "
            "none of these goals can unlock, each needs the next: x -> y -> x"
        ),
    )


def test_the_ids_of_a_cycle_are_shown_on_one_line() -> None:
    [*_, found] = goal_errors(
        goal("a\n\ud800", prerequisites=["b"]), goal("b", prerequisites=["a\n\ud800"])
    )
    assert found.endswith(r"each needs the next: a\n\ud800 -> b -> a\n\ud800")


def test_many_ways_to_one_goal_are_no_cycle() -> None:
    document = {
        "challenges": [
            challenge(
                goal("top", prerequisites=["left", "right"]),
                goal("left", prerequisites=["bottom"]),
                goal("right", prerequisites=["bottom"]),
                goal("bottom"),
            )
        ]
    }
    parse_catalogue(json.dumps(document).encode())


def test_a_chain_of_all_the_goals_that_there_may_be_is_followed_to_its_end() -> None:
    chain = [goal(f"g{n}", prerequisites=[f"g{n + 1}"]) for n in range(GOALS_MAX - 1)]
    closing = goal(f"g{GOALS_MAX - 1}", prerequisites=["g0"])
    [found] = goal_errors(*chain, closing)
    assert found.endswith("g8 -> g9 -> …")
