"""The SQL files' own form."""

from pathlib import Path

import pytest

from db.sql import load_statements


def load(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / f"{name}.sql").write_text(text)
    return list(load_statements(folder))


def test_each_statement_has_a_name_a_summary_and_its_text(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(
        "-- one: SELECT table\n-- A sentence,\n-- and more.\nselect\n  1;\n\n"
        "-- two: INSERT table\n-- A sentence.\ninsert"
    )
    statements = load_statements(tmp_path)
    assert list(statements) == ["one", "two"]
    assert statements["one"].text == "/* one */ select\n  1"
    assert statements["one"].attributes == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT table",
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("select 1", "before the first name"),
        ("-- one: SELECT t\nselect 1", "before the first name"),
        ("-- one: SELECT t\n-- Sentence.\n", "one statement"),
        ("-- one: SELECT t\n-- Sentence.\nselect 1; select 2;", "one statement"),
        ("-- one: SELECT t\n-- S.\nselect 1\n-- one: SELECT t\n-- S.\nselect 2", "named one"),
    ],
)
def test_what_is_not_in_that_form_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        load(tmp_path, a=text)


def test_a_name_is_used_once_over_all_files(tmp_path: Path) -> None:
    text = "-- one: SELECT t\n-- Sentence.\nselect 1"
    with pytest.raises(ValueError, match="named one"):
        load(tmp_path, a=text, b=text)
