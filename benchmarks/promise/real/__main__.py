"""The promises of the admission gate, played against the real service: one story after another.

    events-10, events-4   gameplay beside 24 senders of events, with 10 and with 4 places
    logins-10, logins-4   gameplay beside 20 times the logins that are held
    stall                 logins while the database stands still for 7 s
    burst                 600 logins a second for a minute, 300 a second are held
    burst-stall-7, -30    the same, and the database stands still for so many seconds
    burst-no-shows        ... half of the clients never return
    burst-late            ... half of the returns are late, by up to 55 s
    burst-pollers         ... a fifth of the clients come every second

`python -m benchmarks.promise.real` plays each once, on a PostgreSQL and a service that are new.
With --keep, each takes its place in benchmarks/results/promise.json and promise.md as soon as it is
played, with the conditions of its own; --only plays some of them again. --short shows that each
works. It exits with 1 if a story is void or could not be played; a missed target is a result.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from app.serving.server import raise_file_limit
from benchmarks.conditions import add_keep
from benchmarks.generator import GeneratorFailed
from benchmarks.probe import NotHeld
from benchmarks.promise.real.parts import part_of
from benchmarks.promise.real.play import play
from benchmarks.promise.real.report import Told, keep
from benchmarks.promise.real.standstill import DidNotStand
from benchmarks.promise.real.stories import FULL, SHORT, stories
from benchmarks.rules.client import Unexpected
from benchmarks.rules.report import describe_part
from benchmarks.service import DidNotStart
from db.embedded import EmbeddedPostgresError
from db.errors import MigrationFailed

FAILURES = (
    DidNotStand,
    DidNotStart,
    EmbeddedPostgresError,
    GeneratorFailed,
    MigrationFailed,
    NotHeld,
    Unexpected,
)
KEYS = [story.key for story in stories(FULL)]
OBEDIENT = "burst"


def _read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.promise.real",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=KEYS, default=KEYS, help="which stories")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--short", action="store_true", help="a try: small, kept nowhere")
    add_keep(size, "benchmarks/results/promise.*")
    return parser.parse_args(arguments)


def _end(signal_number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal_number)


def main(arguments: Sequence[str]) -> int:
    """Play what the command line asks for."""
    options = _read_arguments(arguments)
    signal.signal(signal.SIGTERM, _end)
    raise_file_limit()
    valid = True
    obedient_mean_ms = None
    for story in stories(SHORT if options.short else FULL):
        if story.key not in options.only:
            continue
        try:
            played, conditions = play(story)
        except FAILURES as error:
            print(f"bench-promise, {story.key}: {error}", file=sys.stderr)
            valid = False
            continue
        part = part_of(story, played, conditions, obedient_mean_ms)
        if story.key == OBEDIENT and played.logins is not None and not played.void:
            obedient_mean_ms = played.logins.mean_to_in_ms
        print(f"\n{describe_part(part)}", flush=True)
        valid = valid and not part.void
        if options.keep:
            keep(Told(part, played), KEYS)
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
