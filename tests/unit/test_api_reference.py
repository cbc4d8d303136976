"""app/API.md has a section for every route and a row for every defect of the Go service."""

import re
from pathlib import Path

from app.domain.intake import MEANINGS
from tests.api_document import operations

TEXT = (Path(__file__).parents[2] / "app" / "API.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
DEFECTS = range(52)
ANSWERS = ("Fixed", "Not built", "Not applicable", "Partly", "Bounded")


def test_every_route_has_one_section() -> None:
    assert sorted(SECTIONS) == sorted(f"{method} {path}" for method, path, _ in operations())
    assert len(re.findall(r"^### ", TEXT, re.MULTILINE)) == len(SECTIONS)


def test_every_section_says_what_its_operation_relies_on() -> None:
    assert [name for name, section in SECTIONS.items() if "**Guard:**" not in section] == []


def test_every_reason_of_an_event_has_its_row() -> None:
    section = SECTIONS["POST /challenge/v1/events"]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", section, re.MULTILINE)
    assert rows == [(why, result, sentence) for why, (result, sentence) in MEANINGS.items()]


def test_every_defect_has_a_row_with_an_answer() -> None:
    table = TEXT[TEXT.index("## What became of the Go service's defects") :]
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(DEFECTS)
    assert [number for number, _, answer in rows if not answer.startswith(ANSWERS)] == []
