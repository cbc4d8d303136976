"""Tell every story with three seeds, print what came of it, and exit with 1 if a bound is broken.

`python -m benchmarks.promise` needs no database and no network; it takes about two minutes of CPU.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.table import Table

from benchmarks.promise.stories import STORIES
from benchmarks.promise.telling import Figure, Story

SEEDS = (1, 2, 3)


def tell(key: str, seed: int) -> list[Figure]:
    """Tell the story of this key once."""
    [story] = [story for story in STORIES if story.key == key]
    return list(story.tell(seed))


def _rows(story: Story, told: Sequence[Sequence[Figure]]) -> list[list[str]]:
    rows = []
    for same in zip(*told, strict=True):
        values = sorted(figure.value for figure in same)
        spread = "" if values[0] == values[-1] else f" [{values[0]:,.3f}-{values[-1]:,.3f}]"
        met = "" if _bound(same[0]) == "" else ("yes" if all(f.met for f in same) else "NO")
        name = f"{same[0].name}"
        middle = f"{values[len(values) // 2]:,.3f}{spread} {same[0].unit}"
        rows.append([story.key, name, middle, _bound(same[0]), met])
    return rows


def _bound(figure: Figure) -> str:
    parts = []
    if figure.at_least is not None:
        parts.append(f"≥ {figure.at_least:g}")
    if figure.at_most is not None:
        parts.append(f"≤ {figure.at_most:.4g}")
    return " ".join(parts)


def main(arguments: Sequence[str]) -> int:
    """Tell the stories that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promise", description=__doc__)
    keys = [story.key for story in STORIES]
    parser.add_argument("stories", nargs="*", help=f"which of {', '.join(keys)}")
    wanted = parser.parse_args(arguments).stories or keys
    chosen = [story for story in STORIES if story.key in wanted]
    table = Table("story", "figure", "median [lowest-highest]", "bound", "met")
    met = True
    with ProcessPoolExecutor() as pool:
        told = {
            story.key: [pool.submit(tell, story.key, seed) for seed in SEEDS] for story in chosen
        }
        for story in chosen:
            results = [future.result() for future in told[story.key]]
            met = met and all(figure.met for figures in results for figure in figures)
            table.add_section()
            for row in _rows(story, results):
                table.add_row(*row)
    Console(width=120).print(table)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
