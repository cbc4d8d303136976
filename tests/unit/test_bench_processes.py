"""What a benchmark reads about processes is true, and what it starts it ends."""

import os
import sys
import time
from pathlib import Path

from benchmarks.processes import cpu_s, parent_of, pin, sample, start, stop, watch
from tests.children import IDLE
from tests.eventually import PATIENCE_S

BUSY = "import time\nwhile time.process_time() < 0.3: pass"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"


def test_cpu_of_children_that_ended_counts_with_their_parent(tmp_path: Path) -> None:
    before = sample(os.getpid())
    child = start([sys.executable, "-c", PARENT], {}, folder=tmp_path, output=tmp_path / "out")
    watch(child, {"me": os.getpid()}, s_max=20)
    assert sample(os.getpid()).cpu_s - before.cpu_s >= 0.3


def test_memory_is_counted_in_both_ways() -> None:
    mine = sample(os.getpid())
    assert mine.rss_mib >= mine.pss_mib > 1


def test_a_child_is_watched_until_it_ends(tmp_path: Path) -> None:
    child = start([sys.executable, "-c", BUSY], {}, folder=tmp_path, output=tmp_path / "out")
    used = watch(child, {"me": os.getpid()}, s_max=20)
    assert child.returncode == 0
    assert used["me"].cpu_s >= 0.29


def test_a_child_that_runs_too_long_is_killed(tmp_path: Path) -> None:
    child = start(
        [sys.executable, "-c", IDLE],
        {},
        folder=tmp_path,
        output=tmp_path / "out",
    )
    watch(child, {}, s_max=0)
    assert child.returncode != 0


def test_a_child_reads_what_it_is_given_and_its_output_is_kept(tmp_path: Path) -> None:
    child = start(
        [sys.executable, "-c", "print(input()[::-1])"],
        {},
        folder=tmp_path,
        output=tmp_path / "out",
        stdin=b"abc\n",
    )
    assert child.wait(PATIENCE_S) == 0
    assert stop(child) == 0
    assert (tmp_path / "out").read_bytes() == b"cba\n"


def test_a_child_knows_its_parent(tmp_path: Path) -> None:
    child = start(
        [sys.executable, "-c", IDLE],
        {},
        folder=tmp_path,
        output=tmp_path / "out",
    )
    assert parent_of(child.pid) == os.getpid()
    assert stop(child) < 0


def test_cpu_can_be_read_without_looking_at_memory() -> None:
    before_s = cpu_s(os.getpid())
    time_to_burn_s = time.process_time() + 0.1
    while time.process_time() < time_to_burn_s:
        pass
    assert cpu_s(os.getpid()) - before_s >= 0.08


def test_a_child_that_is_pinned_runs_where_it_is_told_to(tmp_path: Path) -> None:
    child = start([sys.executable, "-c", IDLE], {}, folder=tmp_path, output=tmp_path / "out")
    [core, *_] = os.sched_getaffinity(0)
    pin(child.pid, [core])
    assert os.sched_getaffinity(child.pid) == {core}
    stop(child)
