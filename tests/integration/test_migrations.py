"""Migrations on a real server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from subprocess import CalledProcessError
from urllib.parse import urlsplit

import pytest

from db.errors import MigrationFailed
from db.migrate import (
    MANIFEST,
    MigrationPhase,
    migrate,
    migration_names,
    schema_is_current,
)
from db.pool import Database
from tests.database import named, run_sql

APPLIED = "select version from schema_migrations order by version"


@pytest.fixture
def fresh_url(postgres_url: str, database_numbers: Iterator[int]) -> str:
    """Give the URL of a database that does not exist yet."""
    return named(postgres_url, f"fresh_{next(database_numbers)}")


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Give the migrations of two releases: each a pre and a post."""
    for number, kind in enumerate(["pre", "post", "pre", "post"], 1):
        add(tmp_path, f"000{number}_{kind}_table.sql", f"create table t{number} ();")
    return tmp_path


def add(folder: Path, name: str, sql: str) -> None:
    text = f"-- migrate:up\n{sql}\n\n-- migrate:down\n"
    (folder / name).write_text(text)
    with (folder / MANIFEST).open("a") as manifest:
        manifest.write(f"{sha256(text.encode()).hexdigest()}  {name}\n")


async def is_current(url: str, folder: Path) -> bool:
    database = Database(url, size=1)
    await database.open()
    try:
        return await schema_is_current(database, folder)
    finally:
        await database.close()


def test_all_creates_the_database_and_applies_every_file_once(fresh_url: str) -> None:
    assert migrate(fresh_url) == migration_names()
    assert migrate(fresh_url) == ()
    assert len(run_sql(fresh_url, APPLIED)) == len(migration_names())


def test_pods_that_start_together_migrate_once(fresh_url: str) -> None:
    with ThreadPoolExecutor(4) as pods:
        applied = list(pods.map(migrate, [fresh_url] * 4))
    assert sorted(map(len, applied)) == [0, 0, 0, len(migration_names())]


def test_pre_applies_everything_before_the_roll_out_and_post_the_rest(
    fresh_url: str, release: Path
) -> None:
    assert migrate(fresh_url, MigrationPhase.PRE, release) == tuple(migration_names(release)[:3])
    assert migrate(fresh_url, MigrationPhase.PRE, release) == ()
    assert migrate(fresh_url, MigrationPhase.POST, release) == tuple(migration_names(release)[3:])
    assert run_sql(fresh_url, APPLIED) == ["0001", "0002", "0003", "0004"]


def test_post_refuses_to_come_before_pre(fresh_url: str, release: Path) -> None:
    name = urlsplit(fresh_url).path.removeprefix("/")
    run_sql(named(fresh_url, "postgres"), f"create database {name}")
    with pytest.raises(MigrationFailed, match="0003_pre_table"):
        migrate(fresh_url, MigrationPhase.POST, release)
    with pytest.raises(CalledProcessError):
        run_sql(fresh_url, APPLIED)


def test_a_number_below_the_newest_applied_one_is_refused(fresh_url: str, release: Path) -> None:
    late = release / "0003_pre_table.sql"
    text = late.read_text()
    late.unlink()
    manifest = release / MANIFEST
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if "0003" not in line))
    migrate(fresh_url, MigrationPhase.ALL, release)
    late.write_text(text)
    manifest.write_text("".join(lines))
    with pytest.raises(MigrationFailed, match="out of order"):
        migrate(fresh_url, MigrationPhase.ALL, release)


def test_a_migration_that_fails_leaves_nothing_and_says_why(fresh_url: str, release: Path) -> None:
    add(release, "0005_pre_wrong.sql", "create table t5 (); select no_such_function();")
    with pytest.raises(MigrationFailed, match="no_such_function"):
        migrate(fresh_url, MigrationPhase.ALL, release)
    assert run_sql(fresh_url, APPLIED)[-1] == "0004"
    assert run_sql(fresh_url, "select to_regclass('t5')") == [""]


def test_a_changed_migration_is_refused_before_anything_runs(fresh_url: str, release: Path) -> None:
    with (release / "0002_post_table.sql").open("a") as file:
        file.write("-- changed")
    with pytest.raises(ValueError, match="0002_post_table"):
        migrate(fresh_url, MigrationPhase.ALL, release)


def test_a_server_that_cannot_be_reached_is_named_without_the_password() -> None:
    url = "postgresql://me:s3cret@127.0.0.1:1/headrace"
    with pytest.raises(MigrationFailed, match=r"127\.0\.0\.1:1, database headrace") as caught:
        migrate(url)
    assert "s3cret" not in str(caught.value)


async def test_code_runs_on_its_own_schema_and_on_a_newer_one(
    fresh_url: str, release: Path
) -> None:
    migrate(fresh_url, MigrationPhase.PRE, release)
    assert await is_current(fresh_url, release)
    add(release, "0005_pre_next_release.sql", "select 1;")
    assert not await is_current(fresh_url, release)
    migrate(fresh_url, MigrationPhase.ALL, release)
    (release / "0005_pre_next_release.sql").unlink()
    assert await is_current(fresh_url, release)


async def test_a_database_without_any_schema_is_not_current(
    postgres_url: str, release: Path
) -> None:
    assert not await is_current(postgres_url, release)


def test_a_player_takes_one_row_whose_facts_stay_in_place(database_url: str) -> None:
    """A quarter of each page is left to updates, which then touch no index; see db/README.md."""
    options = "select unnest(reloptions) from pg_class where relname = 'player'"
    assert run_sql(database_url, options) == ["fillfactor=75", "toast_tuple_target=512"]


def test_ids_are_compared_byte_by_byte(database_url: str) -> None:
    collation = """select collname from pg_attribute join pg_collation c on c.oid = attcollation
                   where attrelid = 'player'::regclass and attname = 'player'"""
    assert run_sql(database_url, collation) == ["C"]


@pytest.mark.parametrize("player", ["''", "repeat('x', 101)"])
def test_the_table_itself_refuses_an_id_of_the_wrong_length(database_url: str, player: str) -> None:
    with pytest.raises(CalledProcessError):
        run_sql(
            database_url,
            f"insert into player values ({player}, now(), now(), 1, 1, 0, '')",
        )
