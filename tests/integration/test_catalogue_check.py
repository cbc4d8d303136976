"""`python -m app catalogue check`: what it says of a file, and whom a change affects."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from app.settings import Settings
from tests.app import SAMPLE


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


def goal(goal_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "goalId": goal_id,
        "name": goal_id,
        "eventSource": "statistic",
        "requirement": {"statCode": "wins", "operator": ">=", "targetValue": 10},
        "reward": {"type": "ITEM", "rewardId": "hat", "quantity": 1},
        **changes,
    }


def document(*goals: Any) -> str:
    return json.dumps({"challenges": [{"challengeId": "c", "name": "C", "goals": goals}]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "challenges.json"


def test_a_file_that_can_be_served_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "check", str(SAMPLE)]) == 0
    assert capsys.readouterr().out == (
        f"{SAMPLE}: 7 challenges, 24 goals, 10 of them given by default; 0 warnings\n"
    )


def test_warnings_are_told_with_the_file_and_do_not_hinder(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(document(goal("a", type="absolute"), goal("b", defaultAssigned=True)))
    warning = 'challenges[0].goals[0].type (goal "a"): has no effect any more'
    assert main(["catalogue", "check", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{file}: warning: {warning}",
        f"{file}: 1 challenges, 2 goals, 1 of them given by default; 1 warnings",
    ]
    assert main(["catalogue", "check", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(file),
        "challenges": 1,
        "goals": 2,
        "givenByDefault": 1,
        "warnings": [warning],
    }


def test_every_error_is_told_with_the_file_the_place_and_the_id(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(document(goal("a", name=""), goal("b", prerequisites=["\x9b"], daily=True)))
    assert main(["catalogue", "check", str(file)]) == 2
    out, complaints = capsys.readouterr()
    assert out == ""
    assert complaints.splitlines() == [
        f'headrace: {file}: challenges[0].goals[0].name (goal "a"): must not be empty',
        (
            f'headrace: {file}: challenges[0].goals[1].prerequisites[0] (goal "b"):'
            r' there is no goal "\x9b"'
        ),
        (
            f'headrace: {file}: warning: challenges[0].goals[1].daily (goal "b"):'
            " has no effect any more"
        ),
        f"headrace: {file}: it cannot be served",
    ]


def test_a_file_that_is_not_there_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "check", str(file)]) == 2
    assert f"headrace: {file}: No such file or directory" in capsys.readouterr().err
