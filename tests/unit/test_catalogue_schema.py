"""The JSON Schema that editors check a catalogue with, beside what the service takes."""

import json
from typing import Any, Final

import pytest
from openapi_schema_validator import OAS31Validator

from app.catalogue.parse import parse_catalogue
from app.catalogue.schema import catalogue_schema
from app.cli import main
from app.domain.identity import CatalogueInvalid
from tests.app import SAMPLE
from tests.project_files import text

SCHEMA: Final = catalogue_schema()
ROTATION: Final = {"enabled": True, "type": "global", "schedule": "daily"}


def changed(*path: str, to: Any) -> Any:
    """Return the sample with another member in its first goal."""
    document = json.loads(SAMPLE.read_bytes())
    member = document["challenges"][0]["goals"][0]
    member["requirement"]["progressMode"] = "relative"
    for step in path[:-1]:
        member = member[step]
    member[path[-1]] = to
    return document


def is_served(document: Any) -> bool:
    try:
        parse_catalogue(json.dumps(document).encode())
    except CatalogueInvalid:
        return False
    return True


@pytest.mark.parametrize(
    ("path", "value", "is_right"),
    [
        (("description",), None, True),
        (("description",), "two\nlines", True),
        (("description",), "\x1b", False),
        (("name",), "", False),
        (("name",), "n" * 1_001, False),
        (("goalId",), "..", False),
        (("goalId",), "a/b", False),
        (("goalId",), "x" * 101, False),
        (("eventSource",), "Login", False),
        (("defaultAssigned",), "true", False),
        (("prerequisites",), ["a"] * 101, False),
        (("type",), {"of": "another age"}, True),
        (("mood",), "dark", False),
        (("requirement", "targetValue"), 2**31 - 1, True),
        (("requirement", "targetValue"), 2**31, False),
        (("requirement", "targetValue"), 0, False),
        (("requirement", "operator"), "<", False),
        (("requirement", "progressMode"), "", True),
        (("requirement", "progressMode"), None, True),
        (("requirement", "progressMode"), "sum", False),
        (("reward", "type"), "GIFT", False),
        (("rotation",), ROTATION, True),
        (("rotation",), ROTATION | {"onExpiry": {"resetProgress": True}}, True),
        (("rotation",), ROTATION | {"onExpiry": {"reset": True}}, False),
        (("rotation",), ROTATION | {"schedule": "hourly"}, False),
        (("rotation",), {"enabled": True}, False),
        (("rotation",), {"enabled": "yes"}, False),
        (("rotation",), {"enabled": False, "schedule": "whenever"}, True),
        (("rotation",), {"schedule": "daily"}, True),
        (("rotation",), {"enabled": False, "period": 1}, False),
    ],
)
def test_an_editor_marks_what_the_service_refuses(
    path: tuple[str, ...], value: Any, *, is_right: bool
) -> None:
    document = changed(*path, to=value)
    assert OAS31Validator(SCHEMA).is_valid(document) is is_right
    assert is_served(document) is is_right


def test_an_editor_finds_the_schema_by_the_sample_that_it_opens() -> None:
    sample = json.loads(SAMPLE.read_bytes())
    assert json.loads((SAMPLE.parent / sample["$schema"]).read_bytes()) == SCHEMA
    assert OAS31Validator(SCHEMA).is_valid(sample)
    OAS31Validator.check_schema(SCHEMA)


def test_the_command_writes_what_is_kept_beside_the_sample(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["catalogue", "schema"]) == 0
    assert capsys.readouterr().out == text("app/catalogue.schema.json")
