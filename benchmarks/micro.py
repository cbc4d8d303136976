"""Times the answers' splicing beside naive encoding: `python -m benchmarks.micro`.

One process, one core, no I/O. Both ways build the same document, which is checked before it is
timed, and take turns, so that what disturbs one disturbs the other. The garbage collector runs, as
in the service. A missed target is a result. With --keep it writes `benchmarks/results/micro.json`.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from app.answers.templates import Fragments
from app.catalogue.loadtest import generate_catalogue
from app.catalogue.parse import parse_catalogue
from app.domain.goal import Catalogue, GoalState, States, Status
from benchmarks.conditions import add_keep
from benchmarks.manifest import Manifest, manifest
from benchmarks.naive import NaiveAnswers
from benchmarks.timing import time_in_turns

REPEATS = 9
NOW_MS = 1_772_787_600_000
ASSIGNED_AT_MS = NOW_MS - 3_600_000
RESULT = Path(__file__).parent / "results" / "micro.json"

Build = Callable[[], bytes]
Changed = Mapping[int, GoalState]


class Case(NamedTuple):
    """One answer, built in both ways, and the most that splicing may take."""

    name: str
    target_us: float | None
    spliced: Build
    naive: Build


class Timing(msgspec.Struct, frozen=True):
    """Microseconds per answer over the repeats."""

    median_us: float
    min_us: float
    max_us: float


class Row(msgspec.Struct, frozen=True):
    """What was measured for one case."""

    name: str
    answer_bytes: int
    target_us: float | None
    spliced: Timing
    naive: Timing


class Result(msgspec.Struct, frozen=True):
    """The file's content."""

    manifest: Manifest
    repeats: int
    rows: list[Row]


def cases() -> Iterator[Case]:
    """Yield what is timed: the load-test catalogue, with 100 and with all 500 goals by default."""
    some = _Bench(parse_catalogue(generate_catalogue()).catalogue)
    every = _Bench(parse_catalogue(generate_catalogue(all_default=True)).catalogue)
    yield some.list_case("list of 500, nothing changed", {}, target_us=None)
    yield some.list_case("list of 500, 10 changed", _begun(range(0, 500, 50)), target_us=40)
    yield every.list_case("list of 500, all changed", _begun(range(500)), target_us=250)
    yield every.list_case("list of 500, all claimed", _claimed(range(500)), target_us=None)
    yield some.list_case(
        "active list of 100, nothing changed", {}, target_us=None, active_only=True
    )
    yield some.initialize_case("initialize of 100, nothing changed", {})
    yield some.initialize_case("initialize of 100, all changed", _begun(some.assignments))
    yield every.initialize_case("initialize of 500, nothing changed", {})
    yield every.initialize_case("initialize of 500, all changed", _begun(every.assignments))


class _Bench:
    """Both builders for one catalogue whose defaults were given at one instant."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._goals = catalogue.goals
        self.assignments = [
            index for index, goal in enumerate(self._goals) if goal.default_assigned
        ]
        self._template = Fragments(catalogue).template([(0, self.assignments)])
        self._naive = NaiveAnswers(catalogue)

    def list_case(
        self, name: str, states: Changed, *, target_us: float | None, active_only: bool = False
    ) -> Case:
        full, seen = self._every_state(states), States({}, states)
        return Case(
            name,
            target_us,
            lambda: self._template.list_answer(seen, NOW_MS, active_only=active_only),
            lambda: self._naive.list_answer(full, NOW_MS, active_only=active_only),
        )

    def initialize_case(self, name: str, states: Changed) -> Case:
        full, seen = self._every_state(states), States({}, states)
        return Case(
            name,
            None,
            lambda: self._template.initialize_answer(seen, [ASSIGNED_AT_MS], NOW_MS, 0),
            lambda: self._naive.initialize_answer(full, NOW_MS, 0),
        )

    def _every_state(self, states: Changed) -> Mapping[str, GoalState]:
        given = set(self.assignments)
        return {
            goal.goal_id: states.get(index)
            or _state(0, Status.NOT_STARTED, is_active=index in given)
            for index, goal in enumerate(self._goals)
        }


def _state(progress: int, status: Status, *, is_active: bool = True) -> GoalState:
    return GoalState(progress, status, None, None, is_active, ASSIGNED_AT_MS, locked=False)


def _begun(indexes: range | list[int]) -> Changed:
    return {index: _state(index + 1, Status.IN_PROGRESS) for index in indexes}


def _claimed(indexes: range) -> Changed:
    # Each at a second of its own, so that no text of an instant can be used twice.
    return {
        index: _state(index + 1, Status.CLAIMED)._replace(
            completed_at_ms=NOW_MS - 61_000 * index, claimed_at_ms=NOW_MS - 59_000 * index
        )
        for index in indexes
    }


def measure(case: Case) -> Row:
    """Check that both ways say the same, then time them in turns."""
    answer = case.spliced()
    if json.loads(answer) != json.loads(case.naive()):
        raise AssertionError(f"{case.name}: the two answers differ")
    spliced, naive = map(_timing, time_in_turns((case.spliced, case.naive), REPEATS))
    return Row(case.name, len(answer), case.target_us, spliced, naive)


def _timing(times_us: list[float]) -> Timing:
    return Timing(
        median_us=round(statistics.median(times_us), 1),
        min_us=round(min(times_us), 1),
        max_us=round(max(times_us), 1),
    )


def report(result: Result) -> Table:
    """Return the table that people read."""
    about = result.manifest
    table = Table(title=f"Microseconds per answer, median (least to most of {result.repeats})")
    for heading in ("answer", "kB", "spliced", "target", "naive", "naive / spliced"):
        table.add_column(heading, justify="left" if heading == "answer" else "right")
    for row in result.rows:
        table.add_row(
            row.name,
            f"{row.answer_bytes / 1000:.0f}",
            _shown(row.spliced),
            _verdict(row),
            _shown(row.naive),
            f"{row.naive.median_us / row.spliced.median_us:.1f}",
        )
    versions = ", ".join(f"{name} {number}" for name, number in about.versions.items())
    table.caption = f"{about.cpu}, {about.cores} cores, {about.system}, {about.python}, {versions}"
    return table


def _shown(timing: Timing) -> str:
    return f"{timing.median_us:.1f} ({timing.min_us:.1f} to {timing.max_us:.1f})"


def _verdict(row: Row) -> str:
    if row.target_us is None:
        return ""
    return f"{row.target_us:g} {'met' if row.spliced.median_us <= row.target_us else 'MISSED'}"


def main(arguments: Sequence[str]) -> int:
    """Measure and print, and keep what was measured if told to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro", description=__doc__)
    add_keep(parser, "benchmarks/results/micro.json")
    options = parser.parse_args(arguments)
    about = manifest("python -m benchmarks.micro", ["msgspec"])
    result = Result(about, REPEATS, [measure(case) for case in cases()])
    Console(width=140).print(report(result))
    if options.keep:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
