"""Bytes per player, indexes and everything included, as the service's own writes leave them.

The history is one that players have: initialized, then an event on each of five stats, then six
decisions, each a write of its own. So what updates leave behind in the table is in the figure.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import asyncpg

from app.catalogue.loadtest import generate_catalogue
from app.catalogue.parse import parse_catalogue
from app.domain.goal import Source
from app.domain.intake import Incoming, Result
from app.domain.pieces import PieceSize
from app.services.events import EventService, IntakePolicy
from benchmarks.conditions import Conditions, describe
from benchmarks.database import bench_database
from benchmarks.held import Held
from benchmarks.rules.client import Unexpected
from benchmarks.rules.counters import Bytes, read_bytes
from benchmarks.rules.figures import Part, Row, Table, Target
from benchmarks.rules.season import PER_STEP
from benchmarks.rules.served import Served, served
from benchmarks.rules.sizes import Size

KEY = "storage"
INITIALIZED_BYTES_MAX = 300
TYPICAL_BYTES_MAX = 1000
BATCH = 100
CONNECTIONS = 4
POLICY = IntakePolicy("local", make_known=True, piece=PieceSize())
INITIALIZED, EVENTS, TYPICAL, COPIED = (
    "initialized, 100 defaults",
    "and 5 stats, 2 goals completed",
    "and 6 decided goals",
    "the same rows, written anew",
)
# Three that were assigned are deactivated, three others are activated.
DECIDED = [("challenge-002", f"challenge-002-goal-{step:02}", False) for step in (1, 2, 3)] + [
    ("challenge-003", f"challenge-003-goal-{step:02}", True) for step in (20, 21, 22)
]


def measure(size: Size) -> Part:
    """Write the players' history and measure the table after each chapter."""
    with bench_database() as (database_url, _):
        version = asyncio.run(Held(database_url).version())
        found = asyncio.run(play_chapters(database_url, size.stored_players))
    conditions = describe(
        "python -m benchmarks.rules --only storage",
        version,
        {"players": str(size.stored_players)},
    )
    return part_of(found, size.stored_players, conditions)


async def play_chapters(database_url: str, count: int) -> Mapping[str, Bytes]:
    """Write the history of `count` players; return the table's size after each chapter."""
    names = [f"player-{number:08d}" for number in range(count)]
    found = {}
    catalogue = parse_catalogue(generate_catalogue()).catalogue
    async with served(database_url, catalogue, size=CONNECTIONS) as to:
        for batch in _batches(names):
            await to.initialize.initialize(batch)
        found[INITIALIZED] = await read_bytes(database_url, "player")
        stats = [(Source.LOGIN, "", 0), *((Source.STATISTIC, stat, 1) for stat in PER_STEP)]
        for kind, stat, value in stats:
            for batch in _batches(names):
                await _send(to, batch, kind, stat, value)
        found[EVENTS] = await read_bytes(database_url, "player")
        for challenge, goal, active in DECIDED:
            for batch in _batches(names):
                await asyncio.gather(
                    *(
                        to.selections.set_active(name, challenge, goal, active=active)
                        for name in batch
                    )
                )
        found[TYPICAL] = await read_bytes(database_url, "player")
    await _rewrite(database_url)
    found[COPIED] = await read_bytes(database_url, "player")
    return found


async def _send(to: Served, names: Sequence[str], kind: Source, stat: str, value: int) -> None:
    events = [
        Incoming(f"{stat}-{name}", "bench", None, name, kind, None, stat, value, value)
        for name in names
    ]
    outcomes = await EventService(to.events, to.served, POLICY).apply(events)
    if any(outcome.result is not Result.ACCEPTED for outcome in outcomes):
        raise Unexpected("an event was not accepted")


async def _rewrite(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("vacuum full player")
    finally:
        await connection.close()


def part_of(found: Mapping[str, Bytes], players: int, conditions: Conditions) -> Part:
    """Return the bytes per player, and the targets."""
    rows = [
        Row(
            name,
            "",
            [[round(of / players, 1)] for of in (size.heap, size.indexes, size.total)],
        )
        for name, size in found.items()
    ]
    bounds = {INITIALIZED: INITIALIZED_BYTES_MAX, TYPICAL: TYPICAL_BYTES_MAX}
    return Part(
        key=KEY,
        title="Storage per player",
        conditions=conditions,
        targets=[
            Target(
                name=f"bytes per player: {name}",
                unit="B",
                bound=bound,
                values=[round(found[name].total / players, 1)],
                always=True,
            )
            for name, bound in bounds.items()
        ],
        tables=[Table("bytes per player", ["heap", "indexes", "all"], rows)],
    )


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[first : first + BATCH] for first in range(0, len(names), BATCH))
