"""app/CATALOGUE.md says of a catalogue what the code reads: keys, bounds, examples."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from pydantic import BaseModel

from app.catalogue import form
from app.catalogue.between_keys import LEGACY_GOAL_KEYS
from app.catalogue.effects import Change
from app.catalogue.parse import FILE_BYTES_MAX, parse_catalogue
from app.domain.goal import ID_LENGTH_MAX, INT32_MAX, Mode, Schedule, Source
from app.domain.identity import CatalogueInvalid
from tests.project_files import text

PAGE: Final = text("app/CATALOGUE.md")
EXAMPLES: Final = [json.loads(each) for each in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]

# Where the objects of each section of the page are in a file of one challenge and one goal.
GOAL: Final = ("challenges", 0, "goals", 0)
PLACES: Final[dict[str, tuple[str | int, ...]]] = {
    "The file": (),
    "A challenge": GOAL[:2],
    "A goal": GOAL,
    "`requirement`": (*GOAL, "requirement"),
    "`reward`": (*GOAL, "reward"),
    "`rotation`": (*GOAL, "rotation"),
    "`onExpiry`": (*GOAL, "rotation", "onExpiry"),
}
FORMS: Final[dict[str, tuple[type[BaseModel], ...]]] = {
    "The file": (form.CatalogueForm,),
    "A challenge": (form.ChallengeForm,),
    "A goal": (form.GoalForm,),
    "`requirement`": (form.RequirementForm,),
    "`reward`": (form.RewardForm,),
    "`rotation`": (form.RotatingForm, form.StayingForm),
    "`onExpiry`": (form.OnExpiryForm,),
}


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield the section, the key and whether it is needed, of each key in the page."""
    keys = PAGE[PAGE.index("## Keys") : PAGE.index("## An example")]
    for section in keys.split("\n### ")[1:]:
        heading = section.partition("\n")[0]
        for key, needed in re.findall(
            r"^\| `(\$?\w+)` \|[^|]*\| ([^|]*) \|", section, re.MULTILINE
        ):
            yield heading, key, needed


def whole(example: Any) -> Any:
    """Return a file: the example, or one with this goal and those that it needs."""
    if "challenges" in example:
        return example
    bare = {**example, "prerequisites": [], "rotation": None}
    needed = [bare | {"goalId": goal_id} for goal_id in example.get("prerequisites", ())]
    challenge = {"challengeId": "c", "name": "C", "goals": [example, *needed]}
    return {"challenges": [challenge]}


def complaints(document: Any) -> tuple[str, ...]:
    try:
        parse_catalogue(json.dumps(document).encode())
    except CatalogueInvalid as invalid:
        return invalid.errors
    return ()


def full() -> Any:
    """Return a file whose first goal has every object."""
    return whole(next(each for each in EXAMPLES if "onExpiry" in each.get("rotation", {})))


def member(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: str(next(iter(each.values())))[:20])
def test_every_example_is_a_valid_catalogue_without_warnings(example: Any) -> None:
    assert parse_catalogue(json.dumps(whole(example)).encode()).warnings == ()


def test_there_is_an_example_of_each_kind_of_goal() -> None:
    goals = [
        goal
        for each in EXAMPLES
        for goal in parse_catalogue(json.dumps(whole(each)).encode()).catalogue.goals
    ]
    assert {(goal.source, goal.requirement.progress_mode) for goal in goals} >= {
        (Source.STATISTIC, Mode.ABSOLUTE),
        (Source.STATISTIC, Mode.RELATIVE),
        (Source.LOGIN, Mode.ABSOLUTE),
    }
    rotations = [goal.rotation for goal in goals if goal.rotation]
    assert {rotation.schedule for rotation in rotations} == set(Schedule)
    assert {(each.reset_progress, each.allow_reselection) for each in rotations} == {
        (True, True),
        (True, False),
        (False, False),
    }
    assert any(goal.prerequisites for goal in goals)
    assert any(goal.default_assigned for goal in goals)


def test_the_page_has_every_key_that_is_read_and_no_other() -> None:
    known = {place: _keys(forms) for place, forms in FORMS.items()}
    known["A goal"] -= set(LEGACY_GOAL_KEYS)
    told: dict[str, set[str]] = {}
    for heading, key, _ in rows():
        told.setdefault(heading, set()).add(key)
    assert told == known
    assert all(f"`{key}`" in PAGE for key in LEGACY_GOAL_KEYS)


def _keys(forms: tuple[type[BaseModel], ...]) -> set[str]:
    return {str(field.alias) for form in forms for field in form.model_fields.values()}


@pytest.mark.parametrize(("heading", "key", "needed"), list(rows()))
def test_a_key_is_required_exactly_if_the_page_says_so(heading: str, key: str, needed: str) -> None:
    document = copy.deepcopy(full())
    member(document, PLACES[heading]).pop(key, None)
    is_required = any(
        f"{key} " in error.partition(": ")[0] + " " and "is required" in error
        for error in complaints(document)
    )
    assert is_required == needed.startswith("required"), needed
    assert needed.startswith(("required", "default: "))


def test_the_page_has_every_bound_and_every_choice() -> None:
    bounds = (
        FILE_BYTES_MAX,
        INT32_MAX,
        ID_LENGTH_MAX,
        form.TEXT_LENGTH_MAX,
        form.CHALLENGES_MAX,
        form.GOALS_MAX,
        form.PREREQUISITES_MAX,
    )
    for bound in bounds:
        assert re.search(rf"(?<![\d,]){bound:,}(?![\d,]*\d)", PAGE), bound
    for choice in (*Source, *Mode, *Schedule, "ITEM", "WALLET", "global", ">="):
        assert f"`{choice}`" in PAGE, choice


def test_the_page_explains_each_change_as_the_check_names_it() -> None:
    for change in Change:
        assert f"(`{change}`)" in PAGE, change
