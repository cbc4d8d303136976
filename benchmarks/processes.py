"""Child processes of a benchmark, and what a process and its children use, read from /proc."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

STOP_S_MAX = 20
SAMPLE_EVERY_S = 1.0

Child = subprocess.Popen[bytes]

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
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
    cpu_s = rss_mib = pss_mib = 0.0
    for pid in family(root):
        try:
            cpu_s += _cpu_s(pid)
            rss, pss = _memory_mib(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        rss_mib += rss
        pss_mib += pss
    return Sample(cpu_s=cpu_s, rss_mib=rss_mib, pss_mib=pss_mib)


def rss_mib(pid: int) -> float:
    """Return the memory that one process holds."""
    return _memory_mib(pid)[0]


def cpu_s(root: int) -> float:
    """Return the CPU seconds that `root` and all below it have used so far."""
    used_s = 0.0
    for pid in family(root):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            used_s += _cpu_s(pid)
    return used_s


def pin(root: int, cores: Collection[int]) -> None:
    """Let `root`, all below it and all that they start run on `cores` only."""
    for pid in family(root):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for thread in (_PROC / str(pid) / "task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)


def parent_of(pid: int) -> int:
    """Return the parent's process id."""
    return int(_stat_fields(pid)[1])


def machine_busy_s() -> float:
    """Return the CPU seconds that this machine spent on anything but idling, since it booted."""
    fields = (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_S


def family(root: int) -> list[int]:
    """Return the process ids of `root` and of all below it."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(parent_of(int(entry.name)), []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    family = [root]
    for pid in family:
        family.extend(children.get(pid, ()))
    return family


def _cpu_s(pid: int) -> float:
    """Return user and system time, and the same of children that were waited for."""
    return sum(int(field) for field in _stat_fields(pid)[11:15]) / _TICKS_PER_S


def _stat_fields(pid: int) -> list[str]:
    """Return the fields behind the command, which may itself hold spaces and brackets."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _memory_mib(pid: int) -> tuple[float, float]:
    """Return RSS and PSS."""
    sizes = dict.fromkeys(("Rss", "Pss"), 0.0)
    for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0]) / 1024
    return sizes["Rss"], sizes["Pss"]


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
