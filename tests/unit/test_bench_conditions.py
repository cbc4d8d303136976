"""A result names the commit that it was measured on, and whether that is all there was."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.conditions import commit_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text("before")
    (tmp_path / "service.py").write_text("before")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.test"]
    for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    return tmp_path


def test_a_clean_work_tree_is_its_commit(folder: Path) -> None:
    assert len(commit_of(folder)) == 12


@pytest.mark.parametrize("name", ["service.py", "new.py"])
def test_a_changed_or_new_file_is_said(folder: Path, name: str) -> None:
    (folder / name).write_text("after")
    assert commit_of(folder).endswith(" with changes")


def test_what_the_benchmarks_write_is_no_change(folder: Path) -> None:
    (folder / "README.md").write_text("after")
    (folder / "benchmarks" / "results").mkdir(parents=True)
    (folder / "benchmarks" / "results" / "burst.json").write_text("{}")
    assert not commit_of(folder).endswith("changes")


def test_without_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == "none"
