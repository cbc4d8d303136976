"""What a result was measured on, so that it can be judged and repeated."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

CPU_INFO = Path("/proc/cpuinfo")


class Manifest(msgspec.Struct, frozen=True):
    """The machine, the software and the command of one run."""

    date: str
    command: str
    cpu: str
    cores: int
    system: str
    python: str
    versions: dict[str, str]


def manifest(command: str, packages: Sequence[str]) -> Manifest:
    """Describe this run; `packages` are those whose versions matter for it."""
    return Manifest(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {sys.version.split()[0]}",
        versions={package: version(package) for package in packages},
    )


def _cpu_model() -> str:
    for line in CPU_INFO.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
