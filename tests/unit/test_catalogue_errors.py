import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from app.catalogue.findings import FINDINGS_MAX
from app.catalogue.form import GOALS_MAX
from app.catalogue.parse import FILE_BYTES_MAX, parse_catalogue
from app.domain.identity import CatalogueInvalid
from tests.catalogue_documents import (
    MISSING,
    ROTATION,
    challenge,
    errors,
    goal,
    goal_errors,
    requirement,
    reward,
    told,
)


def test_the_parts_that_these_tests_break_are_valid_unbroken() -> None:
    parse_catalogue(json.dumps({"challenges": [challenge(goal())]}).encode())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"goalId": MISSING}, "goalId: is required"),
        ({"goalId": None}, "goalId: is required"),
        ({"goalId": 7}, "goalId: must be text, got 7"),
        ({"goalId": ""}, "goalId: must not be empty"),
        ({"goalId": "g" * 101}, "goalId: must be at most 100 characters long, has 101"),
        ({"goalId": "a/b"}, 'goalId: must not hold "/", got "a/b"'),
        ({"goalId": ".."}, 'goalId: must not be a relative path, got ".."'),
        ({"goalId": "a\0b"}, "goalId: must not hold control characters"),
        ({"goalId": "a\nb"}, "goalId: must not hold control characters"),
        ({"goalId": "ab\n"}, "goalId: must not hold control characters"),
        ({"Type": 1}, "Type: unknown key"),
        ({"stays": 1}, "stays: unknown key"),
        ({"goalId": "\ud800"}, r'goalId: must not hold half a surrogate pair, got "\ud800"'),
        ({"name": ""}, "name: must not be empty"),
        ({"name": "n" * 1001}, "name: must be at most 1000 characters long, has 1001"),
        ({"name": "\x1b[31m"}, "name: must not hold control characters"),
        ({"description": ["x"]}, "description: must be text, got a list"),
        ({"eventSource": MISSING}, "eventSource: is required"),
        ({"eventSource": "Login"}, 'eventSource: must be "login" or "statistic", got "Login"'),
        ({"eventSource": ""}, 'eventSource: must be "login" or "statistic", got ""'),
        ({"defaultAssigned": 1}, "defaultAssigned: must be true or false, got 1"),
        ({"defaultAssigned": "true"}, 'defaultAssigned: must be true or false, got "true"'),
        ({"requirement": MISSING}, "requirement: is required"),
        ({"requirement": 5}, "requirement: must be an object, got 5"),
        ({"reward": []}, "reward: must be an object, got a list"),
        ({"prerequisites": "g1"}, 'prerequisites: must be a list, got "g1"'),
        ({"prerequisites": [5]}, "prerequisites[0]: must be text, got 5"),
        ({"prerequisites": [""]}, "prerequisites[0]: must not be empty"),
        ({"goal_id": "g0"}, 'goal_id: unknown key; is "goalId" meant?'),
        ({"DefaultAssigned": True}, 'DefaultAssigned: unknown key; is "defaultAssigned" meant?'),
        ({"rotaton": None}, "rotaton: unknown key"),
    ],
)
def test_a_wrong_member_of_a_goal_is_one_error_at_its_place(
    changes: dict[str, Any], error: str
) -> None:
    assert goal_errors(goal(**changes)) == (f"challenges[0].goals[0].{error}",)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"statCode": ""}, "statCode: must not be empty"),
        ({"operator": "<"}, 'operator: must be ">=", got "<"'),
        ({"operator": MISSING}, "operator: is required"),
        ({"targetValue": -3}, "targetValue: must be a whole number of at least 1, got -3"),
        ({"targetValue": 0}, "targetValue: must be a whole number of at least 1, got 0"),
        ({"targetValue": True}, "targetValue: must be a whole number of at least 1, got true"),
        ({"targetValue": 1.0}, "targetValue: must be a whole number of at least 1, got 1.0"),
        ({"targetValue": "3"}, 'targetValue: must be a whole number of at least 1, got "3"'),
        ({"targetValue": 2**31}, "targetValue: must be at most 2147483647, got 2147483648"),
        ({"targetValue": MISSING}, "targetValue: is required"),
        (
            {"progressMode": "sum"},
            'progressMode: must be "absolute" or "relative", got "sum"',
        ),
        ({"target": 3}, "target: unknown key"),
    ],
)
def test_a_wrong_requirement_is_one_error_at_its_place(changes: dict[str, Any], error: str) -> None:
    assert goal_errors(goal(requirement=requirement(**changes))) == (
        f"challenges[0].goals[0].requirement.{error}",
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"type": "GIFT"}, 'type: must be "ITEM" or "WALLET", got "GIFT"'),
        ({"rewardId": None}, "rewardId: is required"),
        ({"quantity": 0}, "quantity: must be a whole number of at least 1, got 0"),
        ({"quantity": 2**31}, "quantity: must be at most 2147483647, got 2147483648"),
    ],
)
def test_a_wrong_reward_is_one_error_at_its_place(changes: dict[str, Any], error: str) -> None:
    assert goal_errors(goal(reward=reward(**changes))) == (
        f"challenges[0].goals[0].reward.{error}",
    )


@pytest.mark.parametrize(
    ("rotation", "error"),
    [
        (ROTATION | {"schedule": "hourly"}, '.schedule: must be "daily", "weekly" or "monthly"'),
        (ROTATION | {"type": "personal"}, '.type: must be "global", got "personal"'),
        (ROTATION | {"onExpiry": 1}, ".onExpiry: must be an object, got 1"),
        (ROTATION | {"onExpiry": {"reset": True}}, ".onExpiry.reset: unknown key"),
        ({"enabled": True, "type": "global"}, ".schedule: is required"),
        ({"enabled": "yes"}, '.enabled: must be true or false, got "yes"'),
        ({"enabled": False, "period": 1}, ".period: unknown key"),
        ({"enabled": False, "rotates": 1}, ".rotates: unknown key"),
        (ROTATION | {"stays": 1}, ".stays: unknown key"),
    ],
)
def test_a_wrong_rotation_is_an_error_at_its_place(rotation: dict[str, Any], error: str) -> None:
    [found] = goal_errors(goal(rotation=rotation, requirement=requirement(progressMode="relative")))
    assert found.startswith(f"challenges[0].goals[0].rotation{error}")


def test_each_error_names_the_goal_or_the_challenge_that_it_is_in() -> None:
    """A place shifts with each line that is written before it; an id can be searched for."""
    document = {
        "challenges": [
            challenge(
                goal("g0", reward=reward(quantity=0), prerequisites=["nobody", ""]),
                goal("g1", goalId=MISSING),
                goal("g2", rotation=ROTATION | {"onExpiry": 1}, prerequisites=["g3"]),
                goal("g3", prerequisites=["g2"], mood="dark"),
                goal("g0"),
                5,
            ),
            challenge(goal("g4"), name=""),
            challenge(challengeId=""),
        ]
    }
    assert [error.partition(": ")[0] for error in told(document)] == [
        'challenges[0].goals[0].reward.quantity (goal "g0")',
        'challenges[0].goals[0].prerequisites[1] (goal "g0")',
        'challenges[0].goals[1].goalId (challenge "c0")',
        'challenges[0].goals[2].rotation.onExpiry (goal "g2")',
        'challenges[0].goals[3].mood (goal "g3")',
        'challenges[0].goals[5] (challenge "c0")',
        'challenges[1].name (challenge "c0")',
        "challenges[2].challengeId",
        "challenges[2].goals",
        'challenges[0].goals[2].rotation (goal "g2")',
        'challenges[1].challengeId (challenge "c0")',
        'challenges[0].goals[4].goalId (goal "g0")',
        'challenges[0].goals[0].prerequisites[0] (goal "g0")',
        'challenges[0].goals[2].prerequisites (goal "g2")',
    ]


def test_only_a_relative_goal_can_rotate() -> None:
    assert goal_errors(goal(rotation=ROTATION)) == (
        (
            "challenges[0].goals[0].rotation: "
            'needs requirement.progressMode "relative", got "absolute"'
        ),
    )


def test_all_errors_come_at_once_and_none_is_a_consequence_of_another() -> None:
    document = {
        "challenges": [
            challenge(goal(requirement=requirement(targetValue=-3)), 5),
            {"challengeId": "c1", "name": 1, "goals": []},
            challenge(goal("g1", reward=MISSING), challengeId="c2", mood="dark"),
            challenge(goal(""), challengeId=""),
            challenge(goal(""), challengeId=""),
        ],
        "version": 2,
    }
    assert errors(document) == (
        (
            "challenges[0].goals[0].requirement.targetValue: "
            "must be a whole number of at least 1, got -3"
        ),
        "challenges[0].goals[1]: must be an object, got 5",
        "challenges[1].name: must be text, got 1",
        "challenges[1].goals: must not be empty",
        "challenges[2].goals[0].reward: is required",
        "challenges[2].mood: unknown key",
        "challenges[3].challengeId: must not be empty",
        "challenges[3].goals[0].goalId: must not be empty",
        "challenges[4].challengeId: must not be empty",
        "challenges[4].goals[0].goalId: must not be empty",
        "version: unknown key",
    )


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ([], "the file: must be an object, got a list"),
        (None, "the file: must be an object, got null"),
        ({"rotates": 1, "challenges": [challenge(goal())]}, "rotates: unknown key"),
        ({}, "challenges: is required"),
        ({"challenges": []}, "challenges: must not be empty"),
        ({"challenges": {}}, "challenges: must be a list, got an object"),
        ({"challenges": [challenge()]}, "challenges[0].goals: must not be empty"),
        (
            {"challenges": [challenge(goal(), challengeId="initialize")]},
            'challenges[0].challengeId: must not be the name of a route, got "initialize"',
        ),
        (
            {"challenges": [challenge(goal()), challenge(goal("g1"))]},
            'challenges[1].challengeId: "c0" is already the id of challenges[0]',
        ),
        (
            {"challenges": [challenge(goal()), challenge(goal(), challengeId="c1")]},
            'challenges[1].goals[0].goalId: "g0" is already the id of challenges[0].goals[0]',
        ),
        (
            {"challenges": [challenge(*(goal(f"g{n}") for n in range(GOALS_MAX + 1)))]},
            "challenges: must hold at most 10000 goals in all, has 10001",
        ),
    ],
)
def test_a_wrong_whole_is_an_error_at_its_place(document: Any, error: str) -> None:
    assert errors(document)[0] == error


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "the file is not JSON: Expecting value at line 1, column 1"),
        (b'{"challenges": [\n,]}', "the file is not JSON: Expecting value at line 2, column 1"),
        (b"{} {}", "the file is not JSON: Extra data at line 1, column 4"),
        (b'{"challenges": NaN}', "the file is not JSON: NaN is no JSON number"),
        (b"\xef\xbb\xbf{}", "the file begins with a byte order mark; save it as plain UTF-8"),
        (b'{"challenges": "\xff"}', "the file is not UTF-8 at byte 17"),
        (b'{"a":' * 100_000, "the file is nested too deeply"),
        (b"[" + b"9" * 5_000 + b"]", "the file holds a number with too many digits"),
        (
            b" " * (FILE_BYTES_MAX + 1),
            "the file holds 8388609 bytes, at most 8388608 may be",
        ),
    ],
)
def test_a_file_that_is_not_json_is_one_clear_error(data: bytes, error: str) -> None:
    assert errors(data) == (error,)


def test_a_member_that_is_named_twice_is_an_error_where_it_stands() -> None:
    text = json.dumps({"challenges": [challenge(goal())]})
    twice = text.replace('"quantity": 1', '"quantity": 1, "quantity": 9')
    twice = twice.replace('"challenges"', '"challenges": [], "challenges"')
    assert errors(twice.encode()) == (
        "challenges: is given more than once",
        "challenges[0].goals[0].reward.quantity: is given more than once",
    )


def test_a_key_that_is_named_twice_is_an_error_also_where_nobody_looks() -> None:
    text = json.dumps({"challenges": [challenge(goal(type={"deep": [{"a": 1}]}))]})
    assert errors(text.replace('"a": 1', '"a": 1, "a": 2').encode()) == (
        "challenges[0].goals[0].type.deep[0].a: is given more than once",
    )


def test_values_and_keys_are_quoted_on_one_line_and_cut() -> None:
    odd_key: dict[str, Any] = {"k\n\x1b": 1}
    endless, odd = goal_errors(goal(eventSource="x" * 10_000, **odd_key))
    assert len(endless) < 200
    assert endless.endswith("xxx…")
    assert odd == r'challenges[0].goals[0]["k\n\u001b"]: unknown key'


def test_a_key_with_half_a_character_is_an_error_at_its_object() -> None:
    assert goal_errors(goal(**{"k\ud800": 1})) == (
        r'challenges[0].goals[0]: must not hold half a surrogate pair, got "k\ud800"',
    )


def test_more_errors_than_anybody_reads_are_counted() -> None:
    found = goal_errors(*(5 for _ in range(FINDINGS_MAX + 7)))
    assert len(found) == FINDINGS_MAX + 1
    assert found[-1] == "and 7 more errors"


ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**40, 10**30, 1.5, float("1e400"), "", "x", "\ud800", "\0", "a" * 9_000),
    *([], [None], [[]], {}, {"a": None}, {"\udfff": 1}, {"enabled": 1}, {"stays": 1, "rotates": 1}),
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict | list):
        steps = value if isinstance(value, dict) else range(len(value))
        for step in steps:
            yield from places(value[step], (*path, step))


def test_whatever_stands_where_it_should_not_is_an_error_with_a_sentence() -> None:
    rotation = ROTATION | {"onExpiry": {"resetProgress": True}}
    whole = {"challenges": [challenge(goal(rotation=rotation, prerequisites=["g1"]), goal("g1"))]}
    for path in places(whole):
        for value in ODD:
            around = {"all": json.loads(json.dumps(whole))}
            holder: Any = around
            for step in ("all", *path)[:-1]:
                holder = holder[step]
            holder[("all", *path)[-1]] = value
            document = around["all"]
            # 1e400 is JSON; Python reads it as infinity, and would write what is none.
            data = json.dumps(document).replace("Infinity", "1e400").encode()
            with suppress(CatalogueInvalid):
                parse_catalogue(data)
