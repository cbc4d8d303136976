"""The service as these trials run it: on an embedded PostgreSQL of its own, which can be killed."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from benchmarks.conditions import Conditions, describe
from benchmarks.held import Held
from benchmarks.processes import parent_of
from benchmarks.rules.client import Unexpected
from db.embedded import EmbeddedPostgres

SETTINGS = {
    "ENVIRONMENT": "test",
    "AUTH_ENABLED": "false",
    "DRAIN_DELAY_S": "0",
    # All load comes from a few clients.
    "ADMISSION_QUOTA": "1000000",
}


def data_dir_of(folder: Path) -> Path:
    """Return where the database in `folder` has its data."""
    return folder / "database"


def settings_on(folder: Path) -> dict[str, str]:
    """Return the settings of a service whose database is in `folder`."""
    return SETTINGS | {"DATA_DIR": str(data_dir_of(folder))}


def conditions_of(folder: Path, settings: Mapping[str, str]) -> Conditions:
    """Describe what a trial ran on. No service may run on `folder` any more."""
    with EmbeddedPostgres(data_dir_of(folder)) as url:
        version = asyncio.run(Held(url).version())
    return describe("python -m benchmarks.faults", version, settings)


def kill_database(folder: Path, service_pid: int) -> int:
    """Kill the database's server (kill -9), a child of our own service; return its process id."""
    pid_file = data_dir_of(folder) / "postgres" / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
        if parent_of(pid) != service_pid:
            raise Unexpected(f"process {pid}, which {pid_file} names, is not our service's child")
    except (FileNotFoundError, ProcessLookupError) as error:
        raise Unexpected(f"there is no database to kill: {error}") from error
    os.kill(pid, signal.SIGKILL)
    return pid
