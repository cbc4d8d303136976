"""PostgreSQL for a machine that has none: the binaries of a wheel, run as our own direct child.

    data_dir/
      lock               held while we run, by the process that it names: one service per folder
      postgres/          PostgreSQL's data; initdb makes it under another name, then it is renamed
      postgres.log       what initdb and the server said since the last start
      socket/            the only way in: the server listens on no port
      binaries-<version> a copy, made only where the server's user cannot reach the wheel

The server dies with us: the kernel sends it SIGINT (its orderly, fast shutdown) when the thread
that started it ends, however that happens. So `start` and `stop` belong in the main thread, before
the event loop runs and after it ended; `start_again` belongs in a loop of the main thread. The
server has a session of its own, so that a terminal's Ctrl-C reaches only the service, which stops
the server once its requests are done.

PostgreSQL refuses to run as root; there it runs as `nobody`. Only what we made ourselves is given
to that user: no existing folder changes its owner or its permissions.
"""

import asyncio
import contextlib
import errno
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from db.embedded_binaries import (
    Account,
    EmbeddedPostgresError,
    find_binaries,
    make_folders,
    server_account,
    spawn,
)
from db.embedded_data import INSTEAD, check_data
from db.embedded_log import reason_in

__all__ = [
    "DataInUse",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "default_data_dir",
    "url_of_running",
]

DATABASE_ROLE = "headrace"
PORT = "5432"  # no port of the machine: only part of the socket's name
CONNECTIONS_MAX = 100
INITDB_S_MAX = 60
# Crash recovery replays the log since the last checkpoint, at most 1 GB of it.
READY_S_MAX = 60
PREVIOUS_SERVER_S_MAX = 15
# What `stop` sends, and how long it waits: finish orderly, drop everything, or just end.
STOP_STEPS = ((signal.SIGINT, 15), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
POLL_S = 0.01
# A socket's address has 108 bytes in the kernel; PostgreSQL adds its own name to the folder's.
SOCKET_FOLDER = re.compile(r"/[\w./+-]{1,79}", re.ASCII)
# Where PostgreSQL writes in its pid file who it is, its socket's folder, and how far it got.
PID_LINE, SOCKET_LINE, STATE_LINE = 0, 4, 7
PROGRAM_NAMES = ("postgres", "initdb")
REPAIR = f"Put that right, or {INSTEAD}"
NO_ROOM = os.strerror(errno.ENOSPC)
DENIED = os.strerror(errno.EACCES)
ANOTHER_PLACE = "set DATA_DIR to another folder, or DATABASE_URL to a PostgreSQL of your own"


def default_data_dir(checkout: Path) -> Path:
    """Return where the data live if nobody says otherwise.

    A normal user finds them in the checkout, `.data`. Root's checkout may lie where the server's
    unprivileged user cannot go (/root, for one), so root's data are below /var/lib/headrace, in a
    folder named after a hash of the checkout's path: two checkouts never share data.
    """
    checkout = checkout.resolve()
    if os.geteuid() != 0:
        return checkout / ".data"
    name = sha256(os.fsencode(checkout)).hexdigest()[:12]
    return Path("/var/lib/headrace") / name


class DataInUse(EmbeddedPostgresError):
    """Another process of ours runs a server on the folder."""


def url_of_running(data_dir: Path) -> str:
    """Return the URL of the server that another process of ours runs on the folder.

    One that is starting is waited for. Raise EmbeddedPostgresError if it does not get ready.
    """
    data_dir = data_dir.absolute()
    deadline = time.monotonic() + READY_S_MAX
    while True:
        lines = _pid_file_lines(data_dir / "postgres" / "postmaster.pid")
        # A pid file may be left of an earlier server; only one that runs on these data counts.
        if _says_ready(lines) and int(lines[PID_LINE]) in _processes_on(data_dir):
            return _url(lines[SOCKET_LINE])
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"another service holds the data in {data_dir}, but its database is not ready"
            )
        time.sleep(POLL_S)


class EmbeddedPostgres:
    """A PostgreSQL server of our own on the data in one folder; as a context manager, its URL."""

    def __init__(self, data_dir: Path, *, connections_max: int = CONNECTIONS_MAX) -> None:
        self._connections_max = connections_max
        self._data_dir = data_dir.absolute()
        self._data = self._data_dir / "postgres"
        self._log = self._data_dir / "postgres.log"
        self._log_begins = 0
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None
        self._launch: Callable[[], object] | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> str:
        """Start the server, making its data if there are none, and return its postgresql:// URL.

        Raises EmbeddedPostgresError, which says what to do, if that cannot be done in bounded time.
        """
        assert self._process is None, "this server runs already"
        try:
            return self._start()
        except OSError as error:
            self.stop()
            raise self._refused(error) from error
        except BaseException:
            self.stop()
            raise

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder, in which nothing runs then. Raises as `start` does."""
        try:
            try:
                self._take_lock()
            except OSError as error:
                raise EmbeddedPostgresError(f"cannot use {self._data_dir}: {error}") from error
            self._await_previous_server()
            yield
        finally:
            self.stop()

    def has_ended(self) -> bool:
        """Return whether the server that was started has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    async def start_again(self) -> None:
        """Start a server that has ended, at the same address. In the main thread, as `start`.

        Raises EmbeddedPostgresError, which says why, if that cannot be done in bounded time, and
        DataUnusable if it is of no use to try again.
        """
        assert self._launch is not None
        assert self._socket_folder is not None
        account = server_account()
        try:
            if any(_processes_on(self._data_dir)):
                raise EmbeddedPostgresError("processes of the server that ended still run")
            check_data(self._data, account)
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder.mkdir(mode=0o700)
            _give(self._socket_folder, account)
            self._launch()
            deadline = time.monotonic() + READY_S_MAX
            while not self._is_ready():
                if self.has_ended() or time.monotonic() > deadline:
                    raise self._failure("cannot start the database", account, REPAIR)
                await asyncio.sleep(POLL_S)
        except OSError as error:
            raise self._refused(error) from error

    def stop(self) -> None:
        """End the server and let go of the folder. Does nothing if there is nothing to end."""
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._socket_folder is not None:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _start(self) -> str:
        account = server_account()
        make_folders(self._data_dir)
        self._take_lock()
        self._await_previous_server()
        self._clear_leftovers()
        binaries = find_binaries(self._data_dir, account)
        if not os.path.lexists(self._data):
            self._make_data(binaries, account)
        check_data(self._data, account)
        self._socket_folder = self._make_socket_folder(account)
        settings = {
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": str(self._socket_folder),
            "unix_socket_permissions": "0700",
            "max_connections": str(self._connections_max),
        }
        command = [
            str(binaries / "postgres"),
            f"-D{self._data}",
            *(f"-c{name}={value}" for name, value in settings.items()),
        ]
        self._launch = partial(self._spawn, command, account)
        self._launch()
        self._await_ready()
        return _url(str(self._socket_folder))

    def _take_lock(self) -> None:
        self._lock = os.open(self._data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 20, 0).decode(errors="replace").strip()
            who = f" (process {holder})" if holder else ""
            raise DataInUse(
                f"another service{who} runs on the data in {self._data_dir}: stop it, or set"
                " DATA_DIR to another folder"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _await_previous_server(self) -> None:
        """Wait for what lost its service a moment ago (kill -9) and is still ending."""
        deadline = time.monotonic() + PREVIOUS_SERVER_S_MAX
        while pids := list(_processes_on(self._data_dir)):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"a PostgreSQL still runs in {self._data_dir} (process {min(pids)}): stop it,"
                    " then start again"
                )
            time.sleep(POLL_S)

    def _clear_leftovers(self) -> None:
        """Start with an empty log, without what an interrupted start or a crash left."""
        self._log.unlink(missing_ok=True)
        self._log.touch(mode=0o600)
        for folder in self._data_dir.glob("postgres.new-*"):
            shutil.rmtree(folder, ignore_errors=True)
        # We hold the lock and nobody runs on the data, so whatever this file says, it is stale.
        # PostgreSQL would refuse to start on an empty one, or if its pid is another process by now.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _make_data(self, binaries: Path, account: Account | None) -> None:
        """Run initdb under a name that nobody uses, so that an interrupted one spoils nothing."""
        folder = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self._data_dir))
        _give(folder, account)
        process = self._spawn(
            [
                str(binaries / "initdb"),
                f"-D{folder}",
                f"--username={DATABASE_ROLE}",
                "--encoding=UTF8",
                "--locale=C",
                # The socket's folder is private; who can enter it may be anybody inside.
                "--auth-local=trust",
                "--auth-host=reject",
                "--no-instructions",
            ],
            account,
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(INITDB_S_MAX)
        if process.poll() != 0:
            raise self._failure(
                "cannot make the database's data", account, f"Put that right, or {ANOTHER_PLACE}"
            )
        self._process = None
        folder.rename(self._data)
        _sync_folder(self._data_dir)

    def _make_socket_folder(self, account: Account | None) -> Path:
        """Make an empty folder that only the server's user can enter."""
        folder = self._data_dir / "socket"
        if SOCKET_FOLDER.fullmatch(str(folder)):
            # A crash leaves a socket and its lock file, as stale as the pid file.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
        else:
            # The path is too long for a socket, or has signs that addresses do not take. After a
            # kill -9 this folder stays behind, with nothing in it, until /tmp is cleared.
            folder = Path(tempfile.mkdtemp(prefix="headrace-", dir="/tmp"))
        _give(folder, account)
        return folder

    def _spawn(self, command: list[str], account: Account | None) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self._log_begins = log.tell()
            self._process = spawn(command, self._data_dir, account, log)
        return self._process

    def _await_ready(self) -> None:
        deadline = time.monotonic() + READY_S_MAX
        while not self._is_ready():
            if self.has_ended() or time.monotonic() > deadline:
                raise self._failure("cannot start the database", server_account(), REPAIR)
            time.sleep(POLL_S)

    def _is_ready(self) -> bool:
        assert self._process is not None
        lines = _pid_file_lines(self._data / "postmaster.pid")
        return _says_ready(lines) and lines[PID_LINE] == str(self._process.pid)

    def _failure(self, what: str, account: Account | None, advice: str) -> EmbeddedPostgresError:
        ended = self.has_ended()
        why = reason_in(self._log, self._log_begins) if ended else "it takes too long"
        if NO_ROOM in why:
            advice = "Make room on the disk"
        elif account is not None and DENIED in why:
            what += f" as the user {account.name}"
            advice = f"Let that user reach it, or {ANOTHER_PLACE}"
        return EmbeddedPostgresError(
            f"{what} in {self._data_dir}: {why} ({self._log} has more). {advice}"
        )

    def _refused(self, error: OSError) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(
            f"cannot use {self._data_dir} for the database: {error}; {ANOTHER_PLACE}"
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, wait_s_max in STOP_STEPS:
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(wait_s_max)
            return


def _url(socket_folder: str) -> str:
    # With its port, so that nobody's PGPORT is asked.
    return f"postgresql://{DATABASE_ROLE}@/postgres?host={quote(socket_folder)}&port={PORT}"


def _pid_file_lines(pid_file: Path) -> list[str]:
    try:
        return pid_file.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _says_ready(lines: list[str]) -> bool:
    """Tell whether a server says so itself in its pid file, which it writes bit by bit."""
    return len(lines) > STATE_LINE and lines[STATE_LINE].strip() == "ready"


def _processes_on(data_dir: Path) -> Iterator[int]:
    """Yield every process of PostgreSQL that works in the folder, whatever any pid file says."""
    data_dir = data_dir.resolve()
    for entry in Path("/proc").iterdir():
        # A process of somebody else, or one that has just ended, cannot be read.
        with contextlib.suppress(OSError):
            if (
                entry.name.isdigit()
                and (entry / "cwd").readlink().is_relative_to(data_dir)
                and (entry / "comm").read_text().strip() in PROGRAM_NAMES
            ):
                yield int(entry.name)


def _give(folder: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
