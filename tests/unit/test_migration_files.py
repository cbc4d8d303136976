"""The migration files: none that dbmate would skip, none changed, each bounded in its waiting."""

import shutil
from pathlib import Path

import pytest

from db.migrate import MIGRATIONS, check_manifest, migration_names, names_of_pre


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of the migrations, to spoil."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


def test_the_files_are_as_their_names_and_their_manifest_say() -> None:
    assert migration_names()
    check_manifest()


@pytest.mark.parametrize(
    "name",
    [
        "pre_0002_number_last.sql",
        "0002_neither.sql",
        "0002_pre_Upper.sql",
        "0002-pre-dashes.sql",
        "2_pre_short_number.sql",
        "0002_pre_editor.sql~",
        "0002_pre_other.txt",
        "README.md",
    ],
)
def test_a_file_that_dbmate_would_skip_or_nobody_could_place_is_named(
    folder: Path, name: str
) -> None:
    (folder / name).touch()
    with pytest.raises(ValueError, match=name):
        migration_names(folder)


def test_two_files_cannot_have_one_number(folder: Path) -> None:
    (folder / "0001_post_again.sql").touch()
    with pytest.raises(ValueError, match="0001"):
        migration_names(folder)


def test_a_changed_file_is_named(folder: Path) -> None:
    name = migration_names(folder)[0]
    with (folder / name).open("a") as file:
        file.write("\n")
    with pytest.raises(ValueError, match=name):
        check_manifest(folder)


def test_a_file_that_is_not_in_the_manifest_is_named(folder: Path) -> None:
    (folder / "9999_pre_new.sql").touch()
    with pytest.raises(ValueError, match="9999_pre_new"):
        check_manifest(folder)


def test_a_file_that_is_gone_is_named(folder: Path) -> None:
    name = migration_names(folder)[0]
    (folder / name).unlink()
    with pytest.raises(ValueError, match=name):
        check_manifest(folder)


def test_every_migration_gives_up_soon_if_a_table_stays_locked() -> None:
    for name in migration_names():
        up = (MIGRATIONS / name).read_text("utf-8").split("-- migrate:up", 1)[1]
        first_statement = up.split("\n", 1)[1].strip()
        assert first_statement.startswith(("set local lock_timeout =", "set lock_timeout =")), name


@pytest.mark.parametrize(
    ("names", "before_the_roll_out"),
    [
        ([], 0),
        (["0001_pre_a.sql"], 1),
        (["0001_pre_a.sql", "0002_post_b.sql"], 1),
        (["0001_pre_a.sql", "0002_post_b.sql", "0003_pre_c.sql", "0004_post_d.sql"], 3),
    ],
)
def test_code_needs_everything_up_to_the_last_pre(
    names: list[str], before_the_roll_out: int
) -> None:
    assert names_of_pre(names) == tuple(names[:before_the_roll_out])
