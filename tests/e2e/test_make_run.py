"""`make run` and the signals of a terminal and of a supervisor, with a service of a few lines."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.database import reachable_folder, run_sql
from tests.eventually import PATIENCE_S, eventually

CHECKOUT = Path(__file__).parents[2]
SERVICE = """
import os, pathlib, signal, sys
from db.embedded import EmbeddedPostgres
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
assert sys.argv[1:] == ["serve"]
with EmbeddedPostgres(pathlib.Path("data")) as url:
    print(os.getpid(), url, flush=True)
    signal.pause()
"""


@pytest.fixture
def checkout() -> Iterator[Path]:
    """Give a checkout with our Makefile, its environment made already: the one of these tests."""
    with reachable_folder() as folder:
        shutil.copy(CHECKOUT / "Makefile", folder)
        (folder / "db").symlink_to(CHECKOUT / "db")
        (folder / "app").mkdir()
        (folder / "app" / "__main__.py").write_text(SERVICE)
        (folder / "bootstrap.sh").write_text("#!/bin/sh\n")
        (folder / "bootstrap.sh").chmod(0o755)
        yield folder


def to_everybody_at_the_terminal(make: int, service: int) -> None:
    assert os.getpgid(service) == make
    os.killpg(make, signal.SIGINT)


def to_make_alone(make: int, _service: int) -> None:
    os.kill(make, signal.SIGTERM)


def to_the_service_alone(_make: int, service: int) -> None:
    os.kill(service, signal.SIGTERM)


@pytest.mark.parametrize(
    "stop", [to_everybody_at_the_terminal, to_make_alone, to_the_service_alone]
)
def test_make_run_ends_with_all_that_it_started(
    checkout: Path, stop: Callable[[int, int], None]
) -> None:
    make = subprocess.Popen(
        ["make", "run", f"VENV={sys.prefix}"],
        cwd=checkout,
        # Not those of a `make test` around us, which would make this one talk.
        env={
            name: value
            for name, value in os.environ.items()
            if "MAKE" not in name and name != "MFLAGS"
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    assert make.stdout is not None
    service, url = make.stdout.readline().split()
    try:
        assert run_sql(url, "select 1") == ["1"]
        stop(make.pid, int(service))
        make.communicate(timeout=PATIENCE_S)
        # Make may be the first to end; the service stops its database and follows.
        eventually(lambda: not processes_below(checkout))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(make.pid, signal.SIGKILL)


def processes_below(folder: Path) -> list[str]:
    """Return what works in or below a folder: make, the service and its database all do."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found
