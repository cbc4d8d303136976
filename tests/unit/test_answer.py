import json
from typing import Any

import pytest

from app.answers.templates import Fragments
from app.catalogue.parse import parse_catalogue
from app.domain.goal import GoalState, States, Status

# A Friday: the day turns in 9.5 hours, the week on Monday, the month in 26 days.
NOW_MS = 1_772_807_400_000  # 2026-03-06T14:30:00Z
GIVEN_AT_MS = 1_772_600_400_500  # 2026-03-04T05:00:00.5Z

DAILY = {
    "enabled": True,
    "type": "global",
    "schedule": "daily",
    "onExpiry": {"resetProgress": True, "allowReselection": True},
}


def goal(goal_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "goalId": goal_id,
        "name": goal_id.title(),
        "eventSource": "statistic",
        "requirement": {"statCode": "kills", "operator": ">=", "targetValue": 10},
        "reward": {"type": "WALLET", "rewardId": "GEMS", "quantity": 5},
        **changes,
    }


def fragments(*challenges: list[dict[str, Any]]) -> Fragments:
    document = {
        "challenges": [
            {"challengeId": f"c{number}", "name": f"C{number}", "goals": goals}
            for number, goals in enumerate(challenges)
        ]
    }
    return Fragments(parse_catalogue(json.dumps(document).encode()).catalogue)


def state(progress: int, status: Status, **changes: Any) -> GoalState:
    return GoalState(progress, status, None, None, True, GIVEN_AT_MS, False)._replace(**changes)


NOTHING = States({}, {})


def own(states: dict[int, GoalState]) -> States:
    return States({}, states)


def shown(answer: bytes) -> list[tuple[str, list[str]]]:
    return [
        (challenge["challengeId"], [goal["goalId"] for goal in challenge["goals"]])
        for challenge in json.loads(answer)["challenges"]
    ]


def test_a_new_player_sees_every_goal_with_nothing_begun() -> None:
    template = fragments([goal("a", description="Beat <ten> & more")]).template([])
    assert template.list_answer(NOTHING, NOW_MS) == (
        b'{"challenges":[{"challengeId":"c0","name":"C0","goals":[{"goalId":"a","name":"A",'
        b'"description":"Beat <ten> & more",'
        b'"requirement":{"statCode":"kills","operator":">=","targetValue":10},'
        b'"reward":{"type":"WALLET","rewardId":"GEMS","quantity":5},'
        b'"progress":0,"status":"not_started","completedAt":"","claimedAt":"","isActive":false,'
        b'"expiresAt":"","expiresInSeconds":0}]}]}'
    )


def test_initialize_tells_every_member_of_the_given_goals() -> None:
    template = fragments([goal("a"), goal("b", rotation=DAILY, **relative())]).template([(0, [1])])
    assert template.initialize_answer(NOTHING, [GIVEN_AT_MS], NOW_MS, 1) == (
        b'{"assignedGoals":[{"challengeId":"c0","goalId":"b","name":"B","description":"",'
        b'"isActive":true,"assignedAt":"2026-03-04T05:00:00Z","expiresAt":"2026-03-07T00:00:00Z",'
        b'"progress":0,"target":10,"status":"not_started",'
        b'"requirement":{"statCode":"kills","operator":">=","targetValue":10},'
        b'"reward":{"type":"WALLET","rewardId":"GEMS","quantity":5}}],'
        b'"newAssignments":1,"totalActive":1}'
    )


def relative() -> dict[str, Any]:
    requirement = {"statCode": "kills", "operator": ">=", "targetValue": 10}
    return {"requirement": {**requirement, "progressMode": "relative"}}


@pytest.mark.parametrize(
    ("schedule", "expires_at", "seconds"),
    [
        ("daily", "2026-03-07T00:00:00Z", 34_200),
        ("weekly", "2026-03-09T00:00:00Z", 207_000),
        ("monthly", "2026-04-01T00:00:00Z", 2_194_200),
    ],
)
def test_a_rotating_goal_tells_when_it_turns_before_anything_is_stored(
    schedule: str, expires_at: str, seconds: int
) -> None:
    rotation = {**DAILY, "schedule": schedule}
    template = fragments([goal("a", rotation=rotation, **relative())]).template([])
    [challenge] = json.loads(template.list_answer(NOTHING, NOW_MS))["challenges"]
    assert challenge["goals"][0]["expiresAt"] == expires_at
    assert challenge["goals"][0]["expiresInSeconds"] == seconds
    [challenge] = json.loads(template.list_answer(NOTHING, NOW_MS + 1))["challenges"]
    assert challenge["goals"][0]["expiresInSeconds"] == seconds - 1


def test_the_lock_shows_only_where_there_are_prerequisites_and_opens() -> None:
    template = fragments([goal("a"), goal("b", prerequisites=["a"])]).template([(0, [0])])
    done = state(10, Status.COMPLETED, completed_at_ms=NOW_MS)
    opened = state(0, Status.NOT_STARTED, is_active=False, assigned_at_ms=None)

    def locks(states: dict[int, GoalState]) -> list[Any]:
        [challenge] = json.loads(template.list_answer(own(states), NOW_MS))["challenges"]
        return [goal.get("locked") for goal in challenge["goals"]]

    assert locks({}) == [None, True]
    assert locks({0: done, 1: opened}) == [None, False]


def test_a_completed_and_claimed_goal_shows_both_instants() -> None:
    template = fragments([goal("a")]).template([(0, [0])])
    claimed = state(
        12, Status.CLAIMED, completed_at_ms=NOW_MS - 60_000, claimed_at_ms=NOW_MS - 1_000
    )
    [challenge] = json.loads(template.list_answer(own({0: claimed}), NOW_MS))["challenges"]
    told = challenge["goals"][0]
    assert (told["progress"], told["status"]) == (12, "claimed")
    assert told["completedAt"] == "2026-03-06T14:29:00Z"
    assert told["claimedAt"] == "2026-03-06T14:29:59Z"


def test_active_only_leaves_out_other_goals_and_the_challenges_that_are_then_empty() -> None:
    template = fragments([goal("a"), goal("b")], [goal("c")], [goal("d"), goal("e")]).template(
        [(0, [1]), (1, [3, 4])]
    )
    off = state(3, Status.IN_PROGRESS, is_active=False)
    on = state(0, Status.NOT_STARTED, assigned_at_ms=NOW_MS)
    active_only = {"active_only": True}
    assert shown(template.list_answer(NOTHING, NOW_MS, **active_only)) == [
        ("c0", ["b"]),
        ("c2", ["d", "e"]),
    ]
    assert shown(template.list_answer(own({1: off, 2: on, 3: off}), NOW_MS, **active_only)) == [
        ("c1", ["c"]),
        ("c2", ["e"]),
    ]
    assert template.list_answer(own({1: off, 3: off, 4: off}), NOW_MS, active_only=True) == (
        b'{"challenges":[]}'
    )


def test_initialize_tells_each_goal_the_instant_at_which_it_was_given_or_selected() -> None:
    template = fragments([goal("a"), goal("b"), goal("c"), goal("d")]).template(
        [(0, [3]), (1, [0])]
    )
    states = {
        0: state(0, Status.NOT_STARTED, is_active=False),
        2: state(4, Status.IN_PROGRESS, assigned_at_ms=NOW_MS),
    }
    answer = json.loads(template.initialize_answer(own(states), [1_000, 2_000], NOW_MS, 0))
    assert [(goal["goalId"], goal["assignedAt"]) for goal in answer["assignedGoals"]] == [
        ("c", "2026-03-06T14:30:00Z"),
        ("d", "1970-01-01T00:00:01Z"),
    ]
    assert answer["totalActive"] == 2


def test_one_call_leaves_nothing_behind_for_the_next() -> None:
    template = fragments([goal("a")], [goal("b")]).template([(0, [0, 1])])
    before = (
        template.list_answer(NOTHING, NOW_MS),
        template.list_answer(NOTHING, NOW_MS, active_only=True),
        template.initialize_answer(NOTHING, [GIVEN_AT_MS], NOW_MS, 0),
    )
    states = {0: state(7, Status.IN_PROGRESS), 1: state(0, Status.NOT_STARTED, is_active=False)}
    template.list_answer(own(states), NOW_MS)
    template.list_answer(own({0: states[0]}), NOW_MS, active_only=True)
    template.initialize_answer(own({0: states[0]}), [NOW_MS], NOW_MS, 5)
    template.initialize_answer(own(states), [NOW_MS], NOW_MS, 5)
    after = (
        template.list_answer(NOTHING, NOW_MS),
        template.list_answer(NOTHING, NOW_MS, active_only=True),
        template.initialize_answer(NOTHING, [GIVEN_AT_MS], NOW_MS, 0),
    )
    assert after == before
