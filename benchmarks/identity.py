"""Times who calls: a header that is believed, beside tokens that are known, new and forged.

`python -m benchmarks.identity` lets one request at a time through the layers between the route and
its endpoint: who calls, the gate, verification. One process, one core, no I/O; the ways take turns.
A missed target is a result. With --keep it writes `benchmarks/results/identity.json`.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp, Receive, Scope, Send

from app.callers import MockPlayers, PlayerTokens
from app.tokens.mock_issuer import MockIssuer
from app.tokens.remembered import Remembered
from app.tokens.tokens import Tokens, TokenSources
from app.tokens.verification import TokenRules
from benchmarks.conditions import add_keep
from benchmarks.manifest import Manifest, manifest
from benchmarks.timing import time_in_turns
from middleware.admission import AdmissionCore, AdmissionSettings, Class, Rate
from middleware.caller import Arrivals, Authenticator, Identify, Verify, verify
from middleware.gate import AdmissionGate
from middleware.problem import Problem

REPEATS: Final = 9
ISSUER: Final = "http://issuer.bench"
NEW_TOKENS: Final = 2_000
RESULT: Final = Path(__file__).parent / "results" / "identity.json"
GENEROUS: Final = Rate.per_second(1_000_000, burst=1_000_000)
BESIDE: Final = "x-mock-user-id, believed"


class Row(msgspec.Struct, frozen=True):
    """Microseconds of CPU per request; the target is how much more than the header it may take."""

    name: str
    median_us: float
    min_us: float
    max_us: float
    more_us: float
    target_us: float | None


class Result(msgspec.Struct, frozen=True):
    """The file's content."""

    manifest: Manifest
    repeats: int
    rows: list[Row]


async def cases() -> dict[str, tuple[Callable[[], object], float | None]]:
    """Return what is timed, by name, with what it may take beyond the header."""
    issuer = MockIssuer(ISSUER)
    rules = TokenRules(frozenset({"RS256"}), ISSUER, None, "extend_namespace", "local", 30, 86_400)
    keys = json.dumps(issuer.key_set()).encode()

    async def fetch() -> bytes:
        return keys

    tokens = Tokens(rules, lambda _: TokenSources(fetch), _wall_s, lambda _: None)
    opened = tokens.refreshing()
    await opened.__aenter__()
    known = issuer.token(player="alice")
    tokens.verify(known.encode())
    new = [issuer.token(player=f"player-{number}") for number in range(NEW_TOKENS)]
    forged = [f"{token[:-12]}AAAAAAAAAAAA" for token in new]
    players = PlayerTokens(tokens)

    def forgetting(sent: Sequence[str]) -> Iterator[str]:
        """Yield tokens that nobody has looked at, again and again."""
        for number in cycle(range(len(sent))):
            if number == 0:
                tokens._remembered = Remembered(_wall_s, 30)  # noqa: SLF001 - else they are known
                tokens.verify(known.encode())
            yield sent[number]

    return {
        BESIDE: (_asking(MockPlayers(), lambda: (b"x-mock-user-id", b"alice")), None),
        "a token that is remembered": (_asking(players, lambda: _bearer(known)), 20),
        "a token that is new": (_asking(players, _each(forgetting(new))), 150),
        "a token that is forged": (_asking(players, _each(forgetting(forged))), 150),
    }


def _wall_s() -> float:
    return time.clock_gettime(time.CLOCK_REALTIME)


def _bearer(token: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {token}".encode()


def _each(tokens: Iterator[str]) -> Callable[[], tuple[bytes, bytes]]:
    return lambda: _bearer(next(tokens))


def _asking(
    authenticator: Authenticator, header: Callable[[], tuple[bytes, bytes]]
) -> Callable[[], object]:
    """Return what lets one request through the layers; it never waits."""
    core = AdmissionCore(AdmissionSettings(limit=10, initialize_rate=None, quota=GENEROUS))
    gate = AdmissionGate(core=core, classify=Arrivals(), verify=verify)
    app: ASGIApp = Identify(
        gate.around(Verify(_answer)), admission=Class.GAMEPLAY, authenticator=authenticator
    )

    def ask() -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [header()], "state": {}}
        request = app(scope, _nothing, _nowhere)
        try:
            request.send(None)  # type: ignore[attr-defined]
        except (StopIteration, Problem):
            return
        raise AssertionError("it waits")

    return ask


async def _answer(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def _nothing() -> Any:
    return {"type": "http.disconnect"}


async def _nowhere(_: Any) -> None:
    return None


async def measure() -> list[Row]:
    """Time all cases in turns."""
    timed = await cases()
    figures = time_in_turns([ask for ask, _ in timed.values()], REPEATS)
    medians = [statistics.median(times) for times in figures]
    return [
        Row(
            name=name,
            median_us=round(median, 1),
            min_us=round(min(times), 1),
            max_us=round(max(times), 1),
            more_us=round(median - medians[0], 1),
            target_us=target,
        )
        for (name, (_, target)), times, median in zip(timed.items(), figures, medians, strict=True)
    ]


def report(rows: Sequence[Row]) -> Table:
    """Return the table that people read."""
    table = Table(
        "who calls", "CPU µs, median [least-most]", "more than the header", "bound", "met"
    )
    for row in rows:
        bound = "" if row.target_us is None else f"≤ {row.target_us:g} µs"
        met = "" if row.target_us is None else "yes" if row.more_us <= row.target_us else "NO"
        spread = f"{row.median_us:.1f} [{row.min_us:.1f}-{row.max_us:.1f}]"
        table.add_row(row.name, spread, f"{row.more_us:.1f}", bound, met)
    return table


def main(arguments: Sequence[str]) -> int:
    """Measure and print, and keep what was measured if told to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=__doc__)
    add_keep(parser, "benchmarks/results/identity.json")
    options = parser.parse_args(arguments)
    rows = asyncio.run(measure())
    Console(width=120).print(report(rows))
    if options.keep:
        about = manifest("python -m benchmarks.identity", ["pyjwt", "cryptography"])
        result = Result(about, REPEATS, rows)
        RESULT.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
