"""Plants bugs in the rules, one at a time, and looks whether the state machine finds each.

Each gets a copy of the rules and the machine in a folder of its own. `make planted-bugs` ends with
1 if one survives.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.rules.bugs import BUGS, Bug

ROOT = Path(__file__).parent.parent
RULES = "app/domain"
COPIED = (RULES, "tests/model", "tests/rules")
SINGLE = ("app/__init__.py", "tests/__init__.py")
HISTORIES_MAX = 4_000
CONTROL_HISTORIES = 30
SECONDS_MAX = 900


class Hunt(NamedTuple):
    """What came of one bug: how it showed, after how many histories; empty if it did not."""

    bug: Bug
    shown: str
    histories: int
    seconds: float


def planted(source: Path, bug: Bug) -> dict[Path, str]:
    """Return the texts of the rules' modules in `source` with a bug in them.

    Raise ValueError if a text that it replaces does not occur exactly once.
    """
    texts: dict[Path, str] = {}
    for module, text, instead in bug.edits:
        path = source / f"{module}.py"
        whole = texts.get(path) or path.read_text(encoding="utf-8")
        if whole.count(text) != 1:
            raise ValueError(
                f"{bug.name}: {text!r} occurs {whole.count(text)} times in {path.name}"
            )
        texts[path] = whole.replace(text, instead)
    return texts


def hunt(bug: Bug, seed: int, histories_max: int = HISTORIES_MAX) -> Hunt:
    """Run the machine against the rules with a bug, until it shows or the budget is spent."""
    began = monotonic()
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in SINGLE:
            shutil.copy(ROOT / name, copy / name)
        for path, text in planted(copy / RULES, bug).items():
            path.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "tests.rules", "--no-shrink", "--workers=1"]
        command += [f"--histories={histories_max}", f"--seed={seed}"]
        try:
            ended = subprocess.run(
                command, cwd=copy, capture_output=True, text=True, check=False, timeout=SECONDS_MAX
            )
        except subprocess.TimeoutExpired:
            return Hunt(bug, "", histories_max, SECONDS_MAX)
    seconds = monotonic() - began
    histories = re.search(r"histories\D+([\d,]+)", ended.stdout)
    count = int(histories[1].replace(",", "")) if histories else 0
    if not ended.returncode:
        return Hunt(bug, "", count, seconds)
    if not count:
        raise RuntimeError(f"{bug.name}: the machine did not run\n{ended.stdout}{ended.stderr}")
    shown = re.search(r"^\w+: .*$", ended.stdout, re.MULTILINE)
    return Hunt(bug, shown[0] if shown else "a difference", count, seconds)


def main() -> int:
    """Hunt all bugs, or those whose names have a word; print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted_bugs", description=__doc__)
    parser.add_argument(
        "word", nargs="?", default="", help="only bugs that have this in their name"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    bugs = [bug for bug in BUGS if arguments.word in bug.name]
    for bug in bugs:
        planted(ROOT / RULES, bug)  # what does not fit is told before anything runs
    control = hunt(Bug("nothing", ()), arguments.seed, CONTROL_HISTORIES)
    if control.shown:
        sys.exit(f"the machine finds a difference where nothing is planted: {control.shown}")
    table = Table("planted bug", "found", "histories", "seconds")
    console = Console(soft_wrap=True)
    survivors = []
    with ThreadPoolExecutor(arguments.workers) as pool:
        for bug, shown, histories, seconds in pool.map(lambda bug: hunt(bug, arguments.seed), bugs):
            if not shown:
                survivors.append(bug.name)
            console.print(f"{bug.name}: {shown or 'NOT FOUND'}", markup=False, highlight=False)
            found = "yes" if shown else "NO"
            table.add_row(bug.name, found, f"{histories:,}", f"{seconds:.1f}")
    console.print(table)
    console.print(f"{len(bugs) - len(survivors)} of {len(bugs)} found")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
