"""Child processes of a benchmark, and what a process and its children use."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

STOP_S_MAX = 20
SAMPLE_EVERY_S = 1.0

Child = subprocess.Popen[bytes]

MIB = 1024 * 1024

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Usage(msgspec.Struct, frozen=True):
    """What a group of processes used over a run: CPU, and the most memory.

    RSS counts a page once for each process that has it; PSS counts it once.
    """

    cpu_s: float
    rss_mib_max: float
    pss_mib_max: float


class Sample(msgspec.Struct, frozen=True):
    """CPU used so far and memory held now, of a process and all below it."""

    cpu_s: float
    rss_mib: float
    pss_mib: float


def start(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    *,
    folder: Path,
    output: Path,
    errors: int | None = None,
    stdin: bytes = b"",
) -> Child:
    """Start a child in `folder` that ends with this process.

    Both its outputs go to `output`, or what it says on standard error to the descriptor `errors`.
    """
    with output.open("wb") as file:
        child = subprocess.Popen(
            arguments,
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file if errors is None else errors,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - no other thread runs yet
        )
    assert child.stdin is not None
    child.stdin.write(stdin)
    child.stdin.close()
    return child


def stop(child: Child) -> int:
    """Ask `child` to end, insist after STOP_S_MAX; return its exit status."""
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def watch(running: Child, roots: Mapping[str, int], s_max: float) -> dict[str, Usage]:
    """Sample the processes below each of `roots` until `running` ends; kill it after `s_max`."""
    samples = {name: [sample(pid)] for name, pid in roots.items()}
    end_s = time.monotonic() + s_max
    while running.poll() is None:
        try:
            running.wait(SAMPLE_EVERY_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() > end_s:
                running.kill()
        for name, pid in roots.items():
            samples[name].append(sample(pid))
    return {
        name: Usage(
            # Not the last one's: of a process that died there is nothing to read.
            cpu_s=round(max(one.cpu_s for one in taken) - taken[0].cpu_s, 2),
            rss_mib_max=round(max(one.rss_mib for one in taken), 1),
            pss_mib_max=round(max(one.pss_mib for one in taken), 1),
        )
        for name, taken in samples.items()
    }


def sample(root: int) -> Sample:
    """Return what `root` and all below it use; those that ended count with their parent."""
    cpu_s = rss = pss = 0.0
    for process in _family(root):
        with contextlib.suppress(psutil.NoSuchProcess):
            used_s, memory = sum(process.cpu_times()[:4]), process.memory_full_info()
            cpu_s, rss, pss = cpu_s + used_s, rss + memory.rss, pss + memory.pss
    return Sample(cpu_s=cpu_s, rss_mib=rss / MIB, pss_mib=pss / MIB)


def rss_mib(pid: int) -> float:
    """Return the memory that one process holds."""
    return float(psutil.Process(pid).memory_info().rss / MIB)


def cpu_s(root: int) -> float:
    """Return the CPU seconds that `root` and all below it have used so far."""
    used_s = 0.0
    for process in _family(root):
        with contextlib.suppress(psutil.NoSuchProcess):
            used_s += sum(process.cpu_times()[:4])
    return used_s


def pin(root: int, cores: Collection[int]) -> None:
    """Let `root`, all below it and all that they start run on `cores` only."""
    for process in _family(root):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            for thread in process.threads():
                os.sched_setaffinity(thread.id, cores)


def parent_of(pid: int) -> int:
    """Return the parent's process id."""
    return int(psutil.Process(pid).ppid())


def machine_busy_s() -> float:
    """Return the CPU seconds that this machine spent on anything but idling, since it booted."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.nice + spent.system + spent.irq + spent.softirq + spent.steal)


def family(root: int) -> list[int]:
    """Return the process ids of `root` and of all below it."""
    return [process.pid for process in _family(root)]


def _family(root: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
