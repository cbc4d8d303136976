"""The load generator as a benchmark runs it: a child process, its plan in, its summary out."""

import sys
from pathlib import Path

import msgspec

from benchmarks.conditions import ROOT
from benchmarks.processes import Child, start
from benchmarks.schedule import Plan
from benchmarks.stats import Summary

# How long a generator may take beyond its plan's own end.
SPARE_S = 30
SUMMARY = "load.json"


class GeneratorFailed(Exception):
    """The generator ended without a summary; the text is what it said."""


def start_generator(plan: Plan, folder: Path) -> Child:
    """Start `benchmarks.load`; what it says goes into `folder`."""
    return start(
        [sys.executable, "-m", "benchmarks.load"],
        {},
        folder=ROOT,
        output=folder / SUMMARY,
        stdin=msgspec.json.encode(plan),
    )


def read_summary(folder: Path) -> Summary:
    """Return the summary of the generator that ended. Raise GeneratorFailed."""
    text = (folder / SUMMARY).read_bytes()
    try:
        return msgspec.json.decode(text, type=Summary)
    except msgspec.MsgspecError:
        raise GeneratorFailed(f"the generator failed:\n{text[-2000:].decode()}") from None
