"""Rows written per operation, by PostgreSQL's own counters, through the service over HTTP.

Each step has a service of its own: when it has ended, every connection has told what it wrote.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from benchmarks.conditions import Conditions, describe
from benchmarks.database import bench_database, load_test_catalogue
from benchmarks.held import Held
from benchmarks.rules.client import Client, login, statistic
from benchmarks.rules.counters import Written, read_written
from benchmarks.rules.figures import Part, Row, Table, Target
from benchmarks.rules.sizes import Size
from benchmarks.service import serving

KEY = "written"
TABLES = ("player", "event_seen", "claim")
SETTINGS = {"ENVIRONMENT": "test", "AUTH_ENABLED": "false", "DRAIN_DELAY_S": "0"}
BATCH = 100
STAT = "enemy_kills"
CHALLENGE, GOAL = "challenge-001", "challenge-001-goal-01"


class Step(NamedTuple):
    """One kind of operation, done once for each player. `rows_max` is what it may write in all."""

    name: str
    rows_max: int
    do: Callable[[Client, Sequence[str]], None]


def measure(size: Size) -> Part:
    """Do each step and count what it wrote."""
    with bench_database() as (database_url, folder):
        version = asyncio.run(Held(database_url).version())
        settings = SETTINGS | {
            "CATALOGUE_PATH": str(load_test_catalogue(folder)),
            "DATABASE_URL": database_url,
        }
        players = [f"player-{number:06d}" for number in range(size.counted)]
        found = {step.name: _count(step, players, settings, database_url, folder) for step in STEPS}
    shared = SETTINGS | {"players": str(size.counted)}
    conditions = describe("python -m benchmarks.rules --only written", version, shared)
    return part_of(found, size.counted, conditions)


def _count(
    step: Step,
    players: Sequence[str],
    settings: Mapping[str, str],
    database_url: str,
    folder: Path,
) -> Mapping[str, Written]:
    before = asyncio.run(read_written(database_url, TABLES))
    with (
        serving(settings, folder / "service.log") as service,
        closing(Client(service.port)) as client,
    ):
        step.do(client, players)
    after = asyncio.run(read_written(database_url, TABLES))
    return {table: after[table].since(before[table]) for table in TABLES}


def part_of(
    found: Mapping[str, Mapping[str, Written]], operations: int, conditions: Conditions
) -> Part:
    """Return the rows of each operation, and the targets."""
    return Part(
        key=KEY,
        title="Rows written per operation",
        conditions=conditions,
        targets=[
            Target(
                name=f"rows written: {step.name}",
                unit="",
                bound=step.rows_max,
                values=[sum(written.rows for written in found[step.name].values()) / operations],
                always=True,
            )
            for step in STEPS
        ],
        tables=[
            Table(
                "rows of one operation",
                [f"{table}, {how}" for table in TABLES for how in ("inserted", "updated")],
                list(_rows(found, operations)),
            )
        ],
    )


def _rows(found: Mapping[str, Mapping[str, Written]], operations: int) -> Iterator[Row]:
    for step in STEPS:
        written = [found[step.name][table] for table in TABLES]
        cells = [[count / operations] for one in written for count in (one.inserted, one.updated)]
        yield Row(step.name, "", cells)


def _initialize(client: Client, players: Sequence[str]) -> None:
    for player in players:
        client.initialize(player)


def _raise_stat(value: int) -> Callable[[Client, Sequence[str]], None]:
    def send(client: Client, players: Sequence[str]) -> None:
        for each in _batches(players):
            client.send_events(
                [statistic(f"kills-{value}-{player}", player, STAT, value) for player in each]
            )

    return send


def _repeat(client: Client, players: Sequence[str]) -> None:
    for each in _batches(players):
        client.send_events(
            [statistic(f"kills-10-{player}", player, STAT, 10) for player in each],
            expected="duplicate",
        )


def _log_in(client: Client, players: Sequence[str]) -> None:
    for each in _batches(players):
        client.send_events([login(f"login-{player}", player) for player in each])


def _claim(client: Client, players: Sequence[str]) -> None:
    for player in players:
        client.claim(player, CHALLENGE, GOAL)


def _batches(players: Sequence[str]) -> Iterator[Sequence[str]]:
    return (players[first : first + BATCH] for first in range(0, len(players), BATCH))


STEPS = (
    Step("first initialize, 100 defaults", 1, _initialize),
    Step("returning initialize", 0, _initialize),
    Step("event on 20 active goals, nothing completes", 2, _raise_stat(9)),
    Step("event on 20 active goals, 2 complete", 2, _raise_stat(10)),
    Step("event that came before", 0, _repeat),
    Step("login, 2 goals complete", 2, _log_in),
    # The player, the claim, and the claim again as the outbox is settled.
    Step("claim, granted", 3, _claim),
)
