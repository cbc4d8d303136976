"""What `bench-rules` found, as Markdown: the targets in the README, all figures beside the results.

A figure is the median of the rounds, with the lowest and the highest in brackets.
"""

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.conditions import ROOT, Conditions
from benchmarks.report import README, replace_between_markers, table
from benchmarks.rules.figures import Part, Results, Row, Table, Target, Values

RESULTS = ROOT / "benchmarks" / "results" / "rules.json"
FIGURES = RESULTS.with_suffix(".md")
BEGIN, END = "<!-- rules:begin -->", "<!-- rules:end -->"
# Parts in the order in which people read them.
ORDER = ("process", "http", "burst", "written", "storage", "events", "claims")


def render(results: Results) -> str:
    """Return what the README shows: every target, what was void, the machine of each part."""
    parts = _in_order(results)
    blocks = [targets_of(parts)]
    blocks += [f"{part.title}. Void: {part.void}." for part in parts if part.void]
    blocks.append("\n".join(_machines(parts)))
    return "\n\n".join(blocks)


def render_figures(results: Results) -> str:
    """Return all figures of all parts."""
    parts = _in_order(results)
    blocks = ["# What `make bench-rules` found", *map(describe_part, parts)]
    return "\n\n".join([*blocks, "\n".join(_machines(parts))]) + "\n"


def _in_order(results: Results) -> list[Part]:
    return [results.parts[key] for key in ORDER if key in results.parts]


def describe_part(part: Part) -> str:
    """Return everything that a part found."""
    blocks = [f"## {part.title}"]
    if part.targets:
        blocks.append(targets_of([part]))
    return "\n\n".join([*blocks, *_tables(part)])


def targets_of(parts: list[Part]) -> str:
    """Return the targets as one table."""
    rows = [["target", "bound", "measured", "met"]]
    return table([*rows, *(row for part in parts for row in target_rows(part))])


def target_rows(part: Part) -> Iterator[list[str]]:
    """Yield each target: its name, its bound, what was measured, and whether that is enough."""
    for target in part.targets:
        sign = "≥" if target.at_least else "≤"
        bound = f"{sign} {_number(target.bound)} {target.unit}".rstrip()
        met = "yes" if part.met(target) else "**no**"
        yield [target.name, bound, _measured(part, target), met]


def _measured(part: Part, target: Target) -> str:
    if not target.values:
        return "nothing"
    measured = f"{shown(target.values)} {target.unit}".rstrip()
    return f"{measured} (void)" if part.void else measured


def _tables(part: Part) -> Iterator[str]:
    yield from describe_tables(part.tables)
    if part.void:
        yield f"Void: {part.void}."
    yield from part.notes


def describe_tables(tables: list[Table]) -> Iterator[str]:
    """Yield each table of figures."""
    for one in tables:
        yield table([[one.title, *one.columns], *map(_row, one.rows)])


def _row(row: Row) -> list[str]:
    name = f"{row.name}, {row.unit}" if row.unit else row.name
    return [name, *(shown(cell) if cell else "" for cell in row.cells)]


def _machines(parts: list[Part]) -> Iterator[str]:
    for part in parts:
        yield f"{part.title}: {part.conditions.machine.date}, {software(part.conditions)}.  "


def software(conditions: Conditions) -> str:
    """Return what was measured on what."""
    machine = conditions.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    return (
        f"commit {conditions.commit}; {machine.cores} cores of {machine.cpu},"
        f" {conditions.memory_gib:g} GiB, {machine.system}; {machine.python},"
        f" PostgreSQL {conditions.postgresql}, {versions}"
    )


def shown(values: Values) -> str:
    """Return the median of the rounds, and between what they lie."""
    median, low, high = map(_number, (statistics.median(values), min(values), max(values)))
    return median if low == high else f"{median} [{low}-{high}]"


def _number(value: float) -> str:
    if value and abs(value) < 1:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"


def read_results(path: Path) -> Results:
    """Return what is kept; nothing if there is no file."""
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else Results({})


def keep(part: Part, path: Path = RESULTS) -> Results:
    """Put a part in the place of the one that was kept; return all that are."""
    results = read_results(path)
    results.parts[part.key] = part
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    return results


def write_readme(results: Results) -> None:
    """Put the targets into the README, and the figures beside the results."""
    FIGURES.write_text(render_figures(results))
    text = README.read_text()
    README.write_text(replace_between_markers(text, render(results), begin=BEGIN, end=END))


def main() -> int:
    """Put the results that are kept into the README again, as after a change of this file."""
    write_readme(read_results(RESULTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
