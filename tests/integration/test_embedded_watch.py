"""The embedded PostgreSQL ends while it is needed: killed, or unable to start again."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from app.commands import serve
from app.serving.server import StopSignals
from db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from db.embedded_watch import keep_running
from db.errors import DatabaseUnreachable
from db.pool import Database
from tests.database import reachable_folder, run_sql
from tests.eventually import until


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder / "data"


def pid_of(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


async def answers(url: str) -> bool:
    database = Database(url, size=1)
    with suppress(DatabaseUnreachable):
        await database.open(0)
        await database.close()
        return True
    return False


async def test_a_server_that_was_killed_runs_again_at_its_address_with_its_data(
    data_dir: Path,
) -> None:
    server = EmbeddedPostgres(data_dir)
    with server as url:
        run_sql(url, "create table kept as select 42 as n")
        watching = asyncio.create_task(keep_running(server))
        for _ in range(2):
            killed = pid_of(data_dir)
            shutil.rmtree(data_dir / "socket")
            os.kill(killed, signal.SIGKILL)
            await until(lambda: answers(url))
            assert pid_of(data_dir) != killed
            assert run_sql(url, "select n from kept") == ["42"]
        watching.cancel()
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    ("gone", "waits", "says"),
    [
        ("postgres/global/pg_control", 3600, "global/pg_control is missing; restore the data"),
        ("postgres", 3600, "the folder is gone; restore the data"),
        ("postgres/pg_notify", 0.5, r'could not open directory "pg_notify".*, or restore the data'),
    ],
)
async def test_a_server_that_cannot_start_again_is_given_up_with_the_reason_and_what_to_do(
    data_dir: Path, gone: str, waits: float, says: str
) -> None:
    """At once, where to wait is of no use."""
    server = EmbeddedPostgres(data_dir)
    with server:
        killed = pid_of(data_dir)
        shutil.move(data_dir / gone, data_dir / "gone")
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(EmbeddedPostgresError, match=f"ended and cannot be .*{says}") as told:
            await keep_running(server, give_up_s=waits)
    assert str(told.value).isprintable()
    assert str(told.value).count("pg_notify") <= 1


async def test_a_service_without_its_database_ends_as_when_told_to_and_says_why(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def give_up(_: EmbeddedPostgres) -> None:
        raise EmbeddedPostgresError("the disk is full")

    async def serving() -> int:
        with StopSignals() as signals:
            await signals.first.wait()
            return 0

    monkeypatch.setattr(serve, "keep_running", give_up)
    with pytest.raises(EmbeddedPostgresError, match="the disk is full"):
        await serve._while_running(EmbeddedPostgres(data_dir), serving())
