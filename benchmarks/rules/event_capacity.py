"""How many events PostgreSQL can do: batches of 500, each stat matched by 20 active goals.

Capacity is events per CPU second of all of the database's processes: what one core of it can do,
whatever the client costs. The batches go through the service's own code, in this process, two at a
time; each is a transaction that is on disk when it returns. Each case has a table of its own.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from app.catalogue.loadtest import generate_catalogue
from app.catalogue.parse import parse_catalogue
from app.catalogue.served import ServedCatalogue
from app.domain.goal import Source
from app.domain.intake import EVENTS_MAX, Incoming, Result
from app.domain.pieces import PieceSize
from app.domain.player import Player
from app.services.events import EventService, IntakePolicy
from benchmarks.conditions import Conditions, describe
from benchmarks.database import bench_database
from benchmarks.held import Held
from benchmarks.processes import cpu_s
from benchmarks.rules.client import Unexpected
from benchmarks.rules.figures import Part, Row, Table, Target
from benchmarks.rules.season import (
    NOW_MS,
    PER_STEP,
    World,
    decide,
    events_of_steps,
    far_targets,
    newcomer,
    play,
    world_of,
)
from benchmarks.rules.served import Served, served
from benchmarks.rules.sizes import Size

KEY = "events"
PER_CPU_S_MIN = 20_000
FLUSHERS = 2
INSERT_BATCH = 1_000
LOGIN_SHARE = 0.2
"""As in the seed's load; the rest is spread evenly over four statistics."""

POLICY = IntakePolicy("local", make_known=True, piece=PieceSize())
STATS = tuple(PER_STEP)


class Case(NamedTuple):
    """Who has the events. `steps` of the given goals are completed already.

    With `reachable` targets, goals go on being completed; without, nothing ever is.
    """

    name: str
    players: int
    steps: int
    reachable: bool
    asked: bool = True
    """Whether the target is about this case."""


CASES = (
    Case("500 players, nothing completes", 500, 0, reachable=False),
    Case("5,000 players, nothing completes", 5_000, 0, reachable=False),
    Case("50,000 players, nothing completes", 50_000, 0, reachable=False),
    Case("5,000 new players, goals complete", 5_000, 0, reachable=True, asked=False),
    Case("5,000 players with 100 completed goals", 5_000, 10, reachable=True, asked=False),
)


class Run(msgspec.Struct, frozen=True):
    """What one run of a case took."""

    events: int
    seconds: float
    database_cpu_s: float
    client_cpu_s: float


def measure(size: Size) -> Part:
    """Run every case in each round."""
    found: dict[str, list[Run]] = {case.name: [] for case in CASES}
    with bench_database() as (database_url, _):
        held = Held(database_url)
        version = asyncio.run(held.version())
        database = asyncio.run(held.server_pid())
        for number in range(size.event_rounds):
            for case in CASES:
                asyncio.run(held.empty())
                run = run_case(case, database_url, database, number, size.event_batches)
                found[case.name].append(asyncio.run(run))
    sizes = {"rounds": str(size.event_rounds), "batches": str(size.event_batches)}
    conditions = describe("python -m benchmarks.rules --only events", version, sizes)
    return part_of(found, conditions)


async def run_case(case: Case, database_url: str, database: int, number: int, batches: int) -> Run:
    """Send `batches` of events to an empty database, whose server is process `database`."""
    data = generate_catalogue() if case.reachable else far_targets()
    async with served(database_url, parse_catalogue(data).catalogue, size=FLUSHERS) as to:
        for players in _players(to.served, case):
            await to.players.insert_many(players)
        events = iter(list(_batches(case, number, batches)))
        # The first batch makes the tables of the days.
        await _send(to, [_login(f"first-{case.name}-{number}", _name(0), 0)])

        async def flush() -> None:
            for batch in events:
                await _send(to, batch)

        database_s, client_s, started_s = cpu_s(database), time.process_time(), time.monotonic()
        await asyncio.gather(*(flush() for _ in range(FLUSHERS)))
        return Run(
            events=batches * EVENTS_MAX,
            seconds=round(time.monotonic() - started_s, 3),
            database_cpu_s=round(cpu_s(database) - database_s, 3),
            client_cpu_s=round(time.process_time() - client_s, 3),
        )


async def _send(to: Served, batch: Sequence[Incoming]) -> None:
    outcomes = await EventService(to.events, to.served, POLICY).apply(batch)
    if any(outcome.result is not Result.ACCEPTED for outcome in outcomes):
        raise Unexpected("an event was not accepted")


def _players(served: ServedCatalogue, case: Case) -> Iterator[list[Player]]:
    """Yield the players as their rows are: five stats and six decisions, or what they completed."""
    world = world_of(served.catalogue, served.revision)
    player = _typical(world) if not case.steps else _engaged(world, case.steps)
    names = [_name(number) for number in range(case.players)]
    for first in range(0, len(names), INSERT_BATCH):
        yield [player._replace(player_id=name) for name in names[first : first + INSERT_BATCH]]


def _typical(world: World) -> Player:
    player = newcomer(world, "any", NOW_MS - 24 * 3_600_000)
    away = [f"challenge-002-goal-{step:02}" for step in (1, 2, 3)]
    taken = [f"challenge-003-goal-{step:02}" for step in (20, 21, 22)]
    player = decide(world, player, away, active=False)
    return decide(world, player, taken, active=True)


def _engaged(world: World, steps: int) -> Player:
    return play(world, newcomer(world, "any", NOW_MS - 24 * 3_600_000), events_of_steps(steps))


def _batches(case: Case, number: int, batches: int) -> Iterator[list[Incoming]]:
    """Yield batches of players drawn with replacement, each stat one more than it was."""
    dice = random.Random(number)
    start_ms = round(datetime.now(UTC).timestamp() * 1000) - batches
    values: dict[tuple[int, str], int] = {}
    for batch in range(batches):
        events = []
        for place in range(EVENTS_MAX):
            player = dice.randrange(case.players)
            event_id = f"{case.name}-{number}-{batch}-{place}"
            at_ms = start_ms + batch
            if dice.random() < LOGIN_SHARE:
                events.append(_login(event_id, _name(player), at_ms))
                continue
            stat = dice.choice(STATS)
            value = values.get((player, stat), case.steps * PER_STEP[stat]) + 1
            values[player, stat] = value
            events.append(
                Incoming(
                    event_id, "bench", None, _name(player), Source.STATISTIC, at_ms, stat, value, 1
                )
            )
        yield events


def _login(event_id: str, player: str, at_ms: int) -> Incoming:
    return Incoming(event_id, "bench", None, player, Source.LOGIN, at_ms or None)


def _name(number: int) -> str:
    return f"player-{number:08d}"


def part_of(found: Mapping[str, list[Run]], conditions: Conditions) -> Part:
    """Return the figures of all cases, and the target."""
    rows = []
    for case in CASES:
        runs = found[case.name]
        rows.append(
            Row(
                case.name,
                "",
                [
                    [_per_cpu_s(run) for run in runs],
                    [round(1e6 * run.database_cpu_s / run.events, 1) for run in runs],
                    [round(1e6 * run.client_cpu_s / run.events, 1) for run in runs],
                    [round(run.events / run.seconds) for run in runs],
                ],
            )
        )
    columns = [
        "events per CPU second of PostgreSQL",
        "PostgreSQL, µs per event",
        "service's code, µs per event",
        "events a second, by the clock",
    ]
    return Part(
        key=KEY,
        title="Events in batches of 500, 20 active goals on each stat",
        conditions=conditions,
        targets=[
            Target(
                name=f"events per CPU second of PostgreSQL: {case.name}",
                unit="/s",
                bound=PER_CPU_S_MIN,
                values=[_per_cpu_s(run) for run in found[case.name]],
                at_least=True,
            )
            for case in CASES
            if case.asked
        ],
        tables=[Table("batches of 500", columns, rows)],
    )


def _per_cpu_s(run: Run) -> float:
    return round(run.events / max(run.database_cpu_s, 0.001))
