"""What the stories came to: a file that keeps everything, and a page that people read."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.conditions import ROOT
from benchmarks.promise.real.play import Played
from benchmarks.report import table
from benchmarks.rules.figures import Part, Table
from benchmarks.rules.report import describe_tables, software, target_rows

RESULTS = ROOT / "benchmarks" / "results" / "promise.json"


class Told(msgspec.Struct, frozen=True):
    """A story as it went: figures and targets, and all that they were made from."""

    part: Part
    played: Played


class Results(msgspec.Struct):
    """The file: every story that was played in full, by its key."""

    stories: dict[str, Told]


def keep(told: Told, order: list[str], path: Path = RESULTS) -> None:
    """Put a story in the place of the one that was kept, and write the page anew."""
    results = _read(path)
    results.stories[told.part.key] = told
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    parts = [results.stories[key].part for key in order if key in results.stories]
    path.with_suffix(".md").write_text(render(parts))


def _read(path: Path) -> Results:
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else Results({})


def render(parts: list[Part]) -> str:
    """Return the targets of all stories, their figures, and what they were played on."""
    head = ["story", "target", "bound", "measured", "met"]
    rows = [[part.key, *row] for part in parts for row in target_rows(part)]
    blocks = ["# What `python -m benchmarks.promise.real` found", table([head, *rows])]
    blocks += [f"{part.key} is void: {part.void}." for part in parts if part.void]
    blocks += [f"{part.key}: {note}" for part in parts for note in part.notes]
    blocks += describe_tables(_joined(parts))
    return "\n\n".join([*blocks, "\n".join(_machines(parts))]) + "\n"


def _joined(parts: list[Part]) -> list[Table]:
    """Return one table for each title, with a row for each story that has it."""
    joined: dict[str, Table] = {}
    for one in (one for part in parts for one in part.tables):
        known = joined.setdefault(one.title, Table(one.title, one.columns, []))
        known.rows.extend(one.rows)
    return list(joined.values())


def _machines(parts: list[Part]) -> Iterator[str]:
    """Yield a line for all stories of one day that were played on the same."""
    keys: dict[str, list[str]] = {}
    for part in parts:
        day = part.conditions.machine.date[:10]
        keys.setdefault(f"{day}, {software(part.conditions)}", []).append(part.key)
    for about, of in keys.items():
        yield f"{', '.join(of)}: {about}.  "
