"""Many random histories through the rules and the slow model: `make machine`.

Prints how often what was met. Ends with 1 and the shortest history found at the first difference.
"""

import argparse
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from time import monotonic

from rich.console import Console
from rich.table import Table

from tests.rules.run import run_histories

# A run remembers what it has tried, so long runs are many short ones.
HISTORIES_PER_RUN = 250


def _one_run(seed: int, histories: int, shrink: bool) -> tuple[Counter[str], str]:
    counted: Counter[str] = Counter()
    try:
        run_histories(counted, histories, seed_of_run=seed, shrink=shrink)
    except Exception as difference:  # noqa: BLE001 - whatever the rules raise is a difference
        notes = getattr(difference, "__notes__", [])
        return counted, "\n".join([f"{type(difference).__name__}: {difference}", *notes])
    return counted, ""


def _all_runs(
    seeds: Sequence[int], sizes: Sequence[int], *, shrink: bool, workers: int
) -> Iterator[tuple[Counter[str], str]]:
    shrinks = [shrink] * len(seeds)
    if workers == 1:
        yield from map(_one_run, seeds, sizes, shrinks)
        return
    with ProcessPoolExecutor(workers) as pool:
        try:
            yield from pool.map(_one_run, seeds, sizes, shrinks)
        finally:
            pool.shutdown(cancel_futures=True)


def main() -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.rules", description=__doc__)
    histories = int(os.environ.get("MACHINE_HISTORIES", "20000"))
    parser.add_argument("--histories", type=int, default=histories)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--no-shrink", action="store_true", help="stop at the first difference")
    arguments = parser.parse_args()
    began = monotonic()
    runs = range(0, arguments.histories, HISTORIES_PER_RUN)
    sizes = [min(HISTORIES_PER_RUN, arguments.histories - first) for first in runs]
    seeds = [arguments.seed + first for first in runs]
    counted: Counter[str] = Counter()
    difference = ""
    for some, difference in _all_runs(
        seeds, sizes, shrink=not arguments.no_shrink, workers=arguments.workers
    ):
        counted += some
        if difference:
            break
    table = Table("met", "times", title=f"seed {arguments.seed}, {monotonic() - began:.0f} s")
    table.columns[1].justify = "right"
    for what, times in counted.most_common():
        table.add_row(what, f"{times:,}")
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(difference, markup=False, highlight=False)
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
