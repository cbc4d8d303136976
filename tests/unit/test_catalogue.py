import json
from typing import Any

import msgspec
import pytest

from app.catalogue.parse import parse_catalogue
from app.domain.goal import Catalogue, Goal, Mode, Reward, Rotation, Schedule, Source
from app.domain.identity import changed_identities

# A file as the Go service writes and reads it: nulls where nothing is, keys of its older formats.
GO_FILE = """
{"challenges": [{"challengeId": "winter", "name": "Winter", "description": null, "goals": [
  {"goalId": "first", "name": "First", "type": "absolute", "daily": false, "eventSource": "login",
   "requirement": {"statCode": "logins", "operator": ">=", "targetValue": 1, "progressMode": ""},
   "reward": {"type": "WALLET", "rewardId": "GOLD", "quantity": 5},
   "prerequisites": null, "rotation": null, "defaultAssigned": true},
  {"goalId": "second", "name": "Second", "description": "Two\\nlines", "eventSource": "statistic",
   "requirement": {"statCode": "kills", "operator": ">=", "targetValue": 2147483647,
                   "progressMode": "relative"},
   "reward": {"type": "ITEM", "rewardId": "sword/long", "quantity": 1},
   "prerequisites": ["first"],
   "rotation": {"enabled": true, "type": "global", "schedule": "weekly",
                "onExpiry": {"resetProgress": true, "allowReselection": false}}},
  {"goalId": "third", "name": "Third", "description": "", "eventSource": "statistic",
   "requirement": {"statCode": "kills", "operator": ">=", "targetValue": 3},
   "reward": {"type": "ITEM", "rewardId": "shield", "quantity": 1},
   "rotation": {"enabled": false, "type": "", "schedule": ""}}
]}]}
"""


def changed(**paths: Any) -> Catalogue:
    """Return the catalogue of the Go file with changes to its second goal."""
    document = json.loads(GO_FILE)
    for path, value in paths.items():
        *parents, name = path.split("__")
        members = document["challenges"][0]["goals"][1]
        for parent in parents:
            members = members[parent]
        members[name] = value
    return parse_catalogue(json.dumps(document).encode()).catalogue


def registered(catalogue: Catalogue) -> dict[str, Any]:
    return {goal.goal_id: goal.identity for goal in catalogue.goals}


def test_a_file_of_the_go_service_loads_with_its_defaults_filled_in() -> None:
    first, second, third = parse_catalogue(GO_FILE.encode()).catalogue.goals
    assert (first.source, first.requirement.progress_mode) == (Source.LOGIN, Mode.ABSOLUTE)
    assert (first.description, first.prerequisites, first.rotation) == ("", (), None)
    assert (first.default_assigned, second.default_assigned) == (True, False)
    assert second.challenge_id == "winter"
    assert second.prerequisites == ("first",)
    assert second.description == "Two\nlines"
    assert second.reward == Reward("ITEM", "sword/long", 1)
    assert second.rotation == Rotation(Schedule.WEEKLY, reset_progress=True)
    assert third.rotation is None


def test_older_keys_are_warned_of_with_their_place() -> None:
    assert parse_catalogue(GO_FILE.encode()).warnings == (
        'challenges[0].goals[0].type (goal "first"): has no effect any more',
        'challenges[0].goals[0].daily (goal "first"): has no effect any more',
    )


@pytest.mark.parametrize(
    ("rotation", "warning"),
    [
        (
            {
                "enabled": True,
                "type": "global",
                "schedule": "daily",
                "onExpiry": {"allowReselection": True},
            },
            (
                'rotation.onExpiry.allowReselection (goal "second"): has no effect without '
                "resetProgress: "
                "claimed goals stay claimed"
            ),
        ),
        (
            {"type": "global", "schedule": "daily"},
            'rotation.enabled (goal "second"): is missing, so the goal does not rotate',
        ),
    ],
)
def test_a_rotation_that_does_not_do_what_it_seems_to_is_warned_of(
    rotation: dict[str, Any], warning: str
) -> None:
    document = json.loads(GO_FILE)
    document["challenges"][0]["goals"][1]["rotation"] = rotation
    warnings = parse_catalogue(json.dumps(document).encode()).warnings
    assert f"challenges[0].goals[1].{warning}" in warnings


def test_the_digest_is_of_the_content_and_not_of_how_it_is_written() -> None:
    digest = parse_catalogue(GO_FILE.encode()).catalogue.digest
    assert len(digest) == 32
    reordered = json.dumps(json.loads(GO_FILE), sort_keys=True, indent=4)
    assert parse_catalogue(reordered.encode()).catalogue.digest == digest
    spelled_out = changed(defaultAssigned=False)
    assert spelled_out.digest == digest
    assert changed(name="Renamed").digest != digest
    assert changed(rotation__onExpiry__resetProgress=False).digest != digest


def test_an_unchanged_catalogue_changes_no_identity_and_a_new_goal_has_none_yet() -> None:
    catalogue = changed()
    assert changed_identities(catalogue, registered(catalogue)) == ()
    assert changed_identities(catalogue, {}) == ()


def test_what_players_facts_do_not_depend_on_may_change() -> None:
    after = changed(
        name="Other",
        description="Other",
        defaultAssigned=True,
        prerequisites=[],
        requirement__targetValue=99,
        reward__quantity=7,
    )
    assert changed_identities(after, registered(changed())) == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"eventSource": "login"}, "eventSource was statistic and is now login"),
        ({"requirement__statCode": "wins"}, "statCode was kills and is now wins"),
        (
            {"requirement__progressMode": "absolute", "rotation": None},
            (
                "progressMode was relative and is now absolute, "
                "rotation was weekly with resetProgress and is now none"
            ),
        ),
        (
            {"rotation__schedule": "daily", "rotation__onExpiry": None},
            "rotation was weekly with resetProgress and is now daily",
        ),
        (
            {"rotation__onExpiry__allowReselection": True},
            (
                "rotation was weekly with resetProgress "
                "and is now weekly with resetProgress and allowReselection"
            ),
        ),
    ],
)
def test_a_goal_that_means_something_else_is_named_with_what_changed(
    changes: dict[str, Any], sentence: str
) -> None:
    assert changed_identities(changed(**changes), registered(changed())) == (
        f'goal "second": {sentence}; a new meaning needs a new goalId',
    )


def test_an_identity_survives_being_stored_as_json() -> None:
    for goal in changed().goals:
        stored = msgspec.json.encode(goal.identity)
        assert msgspec.json.decode(stored, type=type(goal.identity)) == goal.identity


def test_a_catalogue_lists_its_goals_across_challenges_in_order() -> None:
    goals: tuple[Goal, ...] = changed().goals
    assert [goal.goal_id for goal in goals] == ["first", "second", "third"]
