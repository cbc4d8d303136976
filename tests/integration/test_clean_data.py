"""`clean-data` removes the data of an embedded database, and nothing else."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.embedded import EmbeddedPostgres
from tests.database import reachable_folder, run_sql
from tests.eventually import PATIENCE_S
from tests.integration.test_player_commands import CHECKOUT, run


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Give a folder in which a database was made."""
    with reachable_folder() as folder:
        with EmbeddedPostgres(folder / "data"):
            pass
        yield folder / "data"


def clean(data_dir: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    return run("clean-data", *arguments, DATA_DIR=str(data_dir), **environ)


def answered(data_dir: Path, answer: bytes) -> tuple[int, str]:
    """Return the exit code and the output of a command that a person answers."""
    ours, its = pty.openpty()
    os.write(ours, answer)
    done = subprocess.run(
        [sys.executable, "-m", "app", "clean-data"],
        cwd=CHECKOUT,
        env={"PATH": os.defpath, "DATA_DIR": str(data_dir)},
        stdin=its,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    os.close(ours)
    os.close(its)
    return done.returncode, done.stdout


def test_only_a_yes_removes_them(data_dir: Path) -> None:
    for answer in (b"\n", b"n\n", b"nonsense\n", b"\x04"):
        code, said = answered(data_dir, answer)
        assert (code, "nothing was removed" in said) == (0, True)
        assert f"{data_dir} (" in said
    with EmbeddedPostgres(data_dir) as url:
        assert run_sql(url, "select 1") == ["1"]
    assert answered(data_dir, b"y\n")[0] == 0
    assert not data_dir.exists()


def test_a_script_has_to_say_yes_beforehand(data_dir: Path) -> None:
    code, _, complaint = clean(data_dir)
    assert (code, "add --yes" in complaint, complaint.count("\n")) == (2, True, 1)
    assert (data_dir / "postgres").exists()
    assert clean(data_dir, "--yes") == (0, f"removed the data in {data_dir}\n", "")
    assert clean(data_dir, "--yes") == (0, f"nothing to remove: there is no {data_dir}\n", "")


def test_data_that_a_service_uses_stay_and_it_is_named(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as url:
        code, _, complaint = clean(data_dir, "--yes")
        assert code == 1
        assert f"another service (process {os.getpid()}) runs on the data" in complaint
        assert run_sql(url, "select 1") == ["1"]


def test_what_lies_beside_them_or_behind_a_link_stays(data_dir: Path) -> None:
    elsewhere = data_dir.with_name("elsewhere")
    (data_dir / "postgres").rename(elsewhere)
    (data_dir / "postgres").symlink_to(elsewhere)
    (data_dir / "letters").write_text("dear")
    code, said, _ = clean(data_dir, "--yes")
    assert (code, "letters" in said.splitlines()[-1]) == (0, True)
    assert [path.name for path in data_dir.iterdir()] == ["letters"]
    assert (elsewhere / "PG_VERSION").exists()


def test_a_folder_that_is_not_ours_stays(data_dir: Path) -> None:
    other = data_dir.with_name("other")
    (other / "postgres").mkdir(parents=True)
    link = data_dir.with_name("link")
    link.symlink_to(data_dir)
    for folder, why in ((other, "holds no embedded database"), (link, "is a link")):
        code, _, complaint = clean(folder, "--yes")
        assert (code, why in complaint, complaint.count("\n")) == (1, True, 1)
    assert (other / "postgres").exists()
    assert (data_dir / "postgres" / "PG_VERSION").exists()


def test_the_database_of_an_address_is_not_touched(data_dir: Path, database_url: str) -> None:
    code, said, _ = clean(data_dir, "--yes", DATABASE_URL=database_url)
    assert (code, "DATABASE_URL stays" in said) == (0, True)
    assert not data_dir.exists()
    assert run_sql(database_url, "select count(*) from player") == ["0"]
