"""Surroundings that are meant for others, or hold nonsense: left alone, or told in a line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.commands import common
from app.commands.common import load_catalogue, running_database
from app.domain.identity import CatalogueInvalid
from app.settings import Settings
from app.settings_loading import load_settings
from db.errors import MigrationFailed
from db.migrate import migrate
from db.pool import Database
from tests.database import named, reachable_folder, run_sql
from tests.project_files import ROOT

FOREIGN = {
    "PGHOST": "db.example",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "6543",
    "PGDATABASE": "theirs",
    "PGUSER": "them",
    "PGPASSWORD": "secret",
    "PGPASSFILE": "/nowhere",
    "PGSERVICE": "theirs",
    "PGSERVICEFILE": "/nowhere",
    "PGSSLMODE": "verify-full",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLROOTCERT": "system",
    "PGSSLMINPROTOCOLVERSION": "TLSv9",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGCHANNELBINDING": "require",
    "PGTARGETSESSIONATTRS": "read-only",
    "PGOPTIONS": "-c search_path=nowhere",
    "PGCONNECT_TIMEOUT": "nonsense",
    "PGCLIENTENCODING": "SQL_ASCII",
    "PGKRBSRVNAME": "theirs",
}


def settings_of(**environ: str) -> Settings:
    return load_settings(environ).settings


async def test_an_embedded_database_is_not_asked_for_with_what_is_meant_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And it has room for a pool of any size."""
    for name, text in FOREIGN.items():
        monkeypatch.setenv(name, text)
    with reachable_folder() as folder:
        settings = settings_of(DATA_DIR=str(folder / "data"), DATABASE_POOL_SIZE="150")
        with running_database(settings) as (url, _):
            assert not FOREIGN.keys() & os.environ.keys()
            assert migrate(url)
            database = Database(url, size=settings.database_pool_size)
            await database.open()
            await database.ping()
            await database.close()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "-1"),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "none-such"),
        ("OTEL_PYTHON_TRACER_PROVIDER", "x"),
        ("OTEL_PYTHON_CONTEXT", "x"),
    ],
)
def test_what_opentelemetry_cannot_use_is_one_line(name: str, text: str) -> None:
    """In a process of its own: here it was imported long ago, and read its variables then."""
    innocent = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_RESOURCE_ATTRIBUTES": "zone=south",
    }
    run = subprocess.run(
        [sys.executable, "-m", "app", "serve"],
        check=False,
        cwd=ROOT,
        env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", **innocent, name: text},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    [line] = run.stderr.splitlines()
    assert line.startswith(f"headrace: OpenTelemetry cannot use {name}: ")


@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "missing", "large", "silent"])
def test_a_catalogue_that_is_no_file_of_a_bounded_size_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    path = {"device": Path("/dev/zero"), "folder": tmp_path}.get(kind, tmp_path / kind)
    if kind in {"pipe", "silent"}:
        os.mkfifo(path)
    if kind == "silent":
        # As some of the kernel's are: said to be a file, and read without an end.
        monkeypatch.setattr("app.file_content.stat.S_ISREG", lambda _mode: True)
        monkeypatch.setattr("app.file_content.READ_S_MAX", 0.01)
    if kind == "large":
        path.write_text("[" + " " * 2000 + "]")
        monkeypatch.setattr(common, "CATALOGUE_BYTES_MAX", 1000)
    with pytest.raises(CatalogueInvalid) as refused:
        load_catalogue(settings_of(CATALOGUE_PATH=str(path)))
    [line] = refused.value.errors
    assert line.startswith(f"CATALOGUE_PATH={path}: ")
    if kind == "silent":
        os.close(os.open(path, os.O_RDWR))  # the reader that was left behind ends


def test_a_role_that_may_make_no_tables_is_told_what_to_ask_for(database_url: str) -> None:
    run_sql(database_url, "create role guest login")
    run_sql(database_url, "create database bare")
    bare = named(database_url, "bare")
    guest = bare.replace("//headrace@", "//guest@")
    assert guest != bare
    with pytest.raises(MigrationFailed, match="grant create on schema public"):
        migrate(guest)
    with pytest.raises(MigrationFailed, match="make the database"):
        migrate(named(guest, "none yet"))
    run_sql(database_url, "drop database bare")
    run_sql(database_url, "drop role guest")
