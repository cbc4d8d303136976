"""What a service survives: `python -m benchmarks.faults`, one trial after another.

    log     its log's reader is gone, or stuck, for 100,000 requests
    kills   its embedded PostgreSQL is killed 50 times (kill -9) while batches of events come

With --keep, benchmarks/results/faults.json and faults.md have what came of it. --short shows in a
minute that both work. It exits with 1 if a trial is void or could not run, or if anything that was
acknowledged is missing; any other missed target is a result.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec

from benchmarks.conditions import ROOT, add_keep
from benchmarks.database import bench_folder
from benchmarks.faults import kills, log_readers
from benchmarks.processes import machine_busy_s
from benchmarks.rules.client import Unexpected
from benchmarks.rules.figures import Part
from benchmarks.rules.report import describe_part, keep, software
from benchmarks.service import DidNotStart
from db.embedded import EmbeddedPostgresError

RESULTS = ROOT / "benchmarks" / "results" / "faults.json"
FAILURES = (DidNotStart, EmbeddedPostgresError, OSError, Unexpected)
TRIALS = (
    # The key, what measures it, and how often in full and in short.
    (log_readers.KEY, log_readers.measure, 100_000, 10_000),
    (kills.KEY, kills.measure, 50, 5),
)


def _read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--short", action="store_true", help="a try: small, kept nowhere")
    add_keep(size, "benchmarks/results/faults.*")
    return parser.parse_args(arguments)


def _end(signal_number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal_number)


def _measure(measure: Callable[[Path, int], Part], count: int) -> Part:
    """Run a trial on a database of its own, and note what else the machine did meanwhile."""
    began_s, busy_s, own_s = time.monotonic(), machine_busy_s(), sum(os.times()[:4])
    with bench_folder() as folder:
        part = measure(folder, count)
    others_s = machine_busy_s() - busy_s - (sum(os.times()[:4]) - own_s)
    cores = max(0.0, others_s / (time.monotonic() - began_s))
    note = f"Meanwhile other work kept {cores:.1f} of the machine's {os.cpu_count()} cores busy."
    return msgspec.structs.replace(part, notes=[note])


def _keep(part: Part) -> None:
    """Put a trial in the place of the one that was kept, and write the page anew."""
    parts = keep(part, RESULTS).parts
    blocks = ["# What `make bench-faults` found"]
    for one in (parts[key] for key, *_ in TRIALS if key in parts):
        blocks += [
            describe_part(one),
            f"{one.conditions.machine.date}, {software(one.conditions)}.",
        ]
    RESULTS.with_suffix(".md").write_text("\n\n".join(blocks) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Run both trials, each on a database of its own."""
    options = _read_arguments(arguments)
    signal.signal(signal.SIGTERM, _end)
    valid = True
    for key, measure, full, short in TRIALS:
        try:
            part = _measure(measure, short if options.short else full)
        except FAILURES as error:
            print(f"bench-faults, {key}: {error}", file=sys.stderr)
            valid = False
            continue
        print(f"\n{describe_part(part)}", flush=True)
        valid = valid and not part.void and kills.is_all_there(part)
        if options.keep:
            _keep(part)
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
