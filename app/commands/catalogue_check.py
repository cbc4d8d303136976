"""`catalogue check FILE`: whether a catalogue can be served, or all that is wrong with it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from app.commands.common import printed_json, read_catalogue
from app.domain.catalogue import CatalogueInvalid, LoadedCatalogue
from app.domain.text import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the file."""
    parser.add_argument("file", metavar="FILE", type=Path, help="the catalogue; see CATALOGUE.md")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def check(chosen: argparse.Namespace) -> int:
    """Print what the file holds. Raises `CatalogueInvalid` with all errors and warnings."""
    name = visible(str(chosen.file))
    loaded = _read(chosen.file, name)
    if chosen.json:
        sys.stdout.write(f"{printed_json(_document(name, loaded), indent=2)}\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(name, loaded))
    return 0


def _read(path: Path, name: str) -> LoadedCatalogue:
    try:
        return read_catalogue(path, name)
    except CatalogueInvalid as invalid:
        lines = [*map(visible, invalid.errors), *_warning_lines(name, invalid.warnings)]
        raise CatalogueInvalid((*lines, f"{name}: it cannot be served")) from invalid


def _warning_lines(name: str, warnings: Sequence[str]) -> list[str]:
    return [f"{name}: warning: {visible(warning)}" for warning in warnings]


def _lines(name: str, loaded: LoadedCatalogue) -> list[str]:
    catalogue, warnings = loaded
    given = sum(goal.default_assigned for goal in catalogue.goals)
    summary = (
        f"{name}: {len(catalogue.challenges)} challenges, {len(catalogue.goals)} goals,"
        f" {given} of them given by default; {len(warnings)} warnings"
    )
    return [*_warning_lines(name, warnings), summary]


def _document(name: str, loaded: LoadedCatalogue) -> dict[str, object]:
    catalogue, warnings = loaded
    return {
        "file": name,
        "challenges": len(catalogue.challenges),
        "goals": len(catalogue.goals),
        "givenByDefault": sum(goal.default_assigned for goal in catalogue.goals),
        "warnings": list(warnings),
    }
