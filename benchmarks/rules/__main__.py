"""What the rules cost: `python -m benchmarks.rules`, one part after another.

    process   CPU of a list, an answer, an event in this process
    http      CPU of a list and an initialize under saturation, beside canned bytes and goal rows
    burst     CPU of service and database per initialize over the seed's burst
    written   rows written per operation
    storage   bytes per player
    events    events a second of the database's CPU
    claims    rewards granted once, over kills of service and provider

With --keep, each part takes its place in benchmarks/results/rules.json and in the README as soon as
it is measured, under the conditions of its own; --only measures some of them again. --short shows
that each works. It exits with 1 if a part is void or a claim was granted twice or never; a missed
target is a result.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import NoReturn

from app.serving.server import raise_file_limit
from benchmarks import claims_trial
from benchmarks.claims.chaos import EndedByItself
from benchmarks.claims.load import NeverClaimed
from benchmarks.conditions import add_keep
from benchmarks.generator import GeneratorFailed
from benchmarks.rules import event_capacity, in_process, over_http, seed_burst, storage, written
from benchmarks.rules.client import Unexpected
from benchmarks.rules.counters import StillConnected
from benchmarks.rules.figures import Part
from benchmarks.rules.report import describe_part, keep, write_readme
from benchmarks.rules.rivals import LoopFailed
from benchmarks.rules.sizes import FULL, SHORT, Size
from benchmarks.service import DidNotStart
from db.embedded import EmbeddedPostgresError
from db.errors import MigrationFailed

FAILURES = (
    DidNotStart,
    EmbeddedPostgresError,
    EndedByItself,
    GeneratorFailed,
    LoopFailed,
    MigrationFailed,
    NeverClaimed,
    StillConnected,
    Unexpected,
    over_http.AnswersDiffer,
)
PARTS: Mapping[str, Callable[[Size], Part]] = {
    in_process.KEY: in_process.measure,
    over_http.KEY: over_http.measure,
    seed_burst.KEY: seed_burst.measure,
    written.KEY: written.measure,
    storage.KEY: storage.measure,
    event_capacity.KEY: event_capacity.measure,
    claims_trial.KEY: lambda size: claims_trial.measure(size.claims),
}


def _read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rules",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="which parts")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--short", action="store_true", help="a try: small, kept nowhere")
    add_keep(size, "benchmarks/results/rules.* and the README's table")
    return parser.parse_args(arguments)


def _end(signal_number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal_number)


def main(arguments: Sequence[str]) -> int:
    """Measure what the command line asks for."""
    options = _read_arguments(arguments)
    signal.signal(signal.SIGTERM, _end)
    raise_file_limit()
    valid = True
    for key in options.only:
        try:
            part = PARTS[key](SHORT if options.short else FULL)
        except FAILURES as error:
            print(f"bench-rules, {key}: {error}", file=sys.stderr)
            valid = False
            continue
        print(f"\n{describe_part(part)}", flush=True)
        valid = valid and not part.void and (key != claims_trial.KEY or part.all_met)
        if options.keep:
            write_readme(keep(part))
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
