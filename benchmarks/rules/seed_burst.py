"""What an initialize costs over the seed's burst: CPU of service and database, less a canned one.

600 initialize calls a second for a minute, each from a player of its own, 100 default goals, each
on a new connection: an open loop, as in `bench-burst`, on a service and a table that are new.
"""

import asyncio
import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.answers import Outcome
from benchmarks.conditions import Conditions, describe
from benchmarks.database import bench_database, load_test_catalogue
from benchmarks.generator import SPARE_S, read_summary, start_generator
from benchmarks.held import Held
from benchmarks.processes import stop, watch
from benchmarks.rules.canned import FRONT, PLAIN
from benchmarks.rules.figures import Part, Row, Table, Target
from benchmarks.rules.rivals import LOOPBACK, Server, serving_rival
from benchmarks.rules.sizes import Size
from benchmarks.scenarios import RATE_PER_S, SCENARIOS
from benchmarks.schedule import Plan
from benchmarks.service import serving
from benchmarks.stats import Summary

KEY = "burst"
OVER_CANNED_MS_MAX = 0.45
SERVICE, CANNED, DOOR = "service", "canned", "canned, our front door"
RIVALS = (SERVICE, CANNED, DOOR)
# Below capacity, with a gate that has no rate to hold: every arrival gets in.
SCENARIO = next(scenario for scenario in SCENARIOS if scenario.key == "d")
SETTINGS = {
    "ENVIRONMENT": "test",
    "AUTH_ENABLED": "false",
    "DRAIN_DELAY_S": "0",
    **SCENARIO.settings(),
}


class Run(msgspec.Struct, frozen=True):
    """One burst on one rival; a canned one has no database."""

    load: Summary
    server_ms: float
    database_ms: float

    @property
    def void(self) -> str:
        """Return why this run is no result; empty when it is one."""
        not_in = self.load.attempts - self.load.count(Outcome.OK)
        return self.load.void or (f"{not_in} did not get in" if not_in else "")


def measure(size: Size) -> Part:
    """Run the burst on every rival in each round."""
    with bench_database() as (database_url, folder):
        burst = Burst(database_url, folder, size.burst_s)
        burst.keep_answer()
        found: dict[str, list[Run]] = {rival: [] for rival in RIVALS}
        for number in range(size.burst_rounds):
            first = number % len(RIVALS)
            for rival in RIVALS[first:] + RIVALS[:first]:
                found[rival].append(burst.run(rival))
        settings = SETTINGS | {"rounds": str(size.burst_rounds), "seconds": str(size.burst_s)}
        version = asyncio.run(burst.held.version())
    return part_of(found, describe("python -m benchmarks.rules --only burst", version, settings))


class Burst:
    """What the rivals share: the database, the catalogue, the answer."""

    def __init__(self, database_url: str, folder: Path, seconds: int) -> None:
        self.held = Held(database_url)
        self._folder = folder
        self._seconds = seconds
        self._canned = folder / "canned"
        self._settings = SETTINGS | {
            "CATALOGUE_PATH": str(load_test_catalogue(folder)),
            "DATABASE_URL": database_url,
        }

    def keep_answer(self) -> None:
        """Ask the service once for what the canned rivals will say."""
        self._canned.mkdir()
        with serving(self._settings, self._folder / "service.log") as service:
            connection = http.client.HTTPConnection(LOOPBACK, service.port, timeout=10)
            connection.request(
                "POST", "/challenge/v1/challenges/initialize", headers={"x-mock-user-id": "sample"}
            )
            (self._canned / "initialize").write_bytes(connection.getresponse().read())
            connection.close()

    def run(self, rival: str) -> Run:
        """Run the burst once."""
        asyncio.run(self.held.empty())
        roots = {"database": asyncio.run(self.held.server_pid())}
        with self._server(rival) as server:
            plan = Plan(
                port=server.port,
                rate_per_s=RATE_PER_S,
                seconds=self._seconds,
                seconds_max=self._seconds + 30,
            )
            generator = start_generator(plan, self._folder)
            try:
                used = watch(generator, roots | {"server": server.pid}, plan.seconds_max + SPARE_S)
            finally:
                stop(generator)
        load = read_summary(self._folder)
        attempts = max(load.attempts, 1)
        return Run(
            load=load,
            server_ms=round(1000 * used["server"].cpu_s / attempts, 4),
            database_ms=round(1000 * used["database"].cpu_s / attempts, 4)
            if rival == SERVICE
            else 0.0,
        )

    @contextmanager
    def _server(self, rival: str) -> Iterator[Server]:
        if rival == SERVICE:
            with serving(self._settings, self._folder / "service.log") as service:
                yield Server(service.port, service.pid)
        else:
            door = PLAIN if rival == CANNED else FRONT
            arguments = [door, str(self._canned)]
            log = self._folder / "canned.log"
            with serving_rival("benchmarks.rules.canned", arguments, log) as server:
                yield server


def part_of(found: Mapping[str, list[Run]], conditions: Conditions) -> Part:
    """Return the figures of all runs, and the target."""
    totals = {
        rival: [round(run.server_ms + run.database_ms, 4) for run in runs]
        for rival, runs in found.items()
    }
    void = [f"{rival}: {run.void}" for rival, runs in found.items() for run in runs if run.void]
    rows = [
        Row("server, CPU per initialize", "ms", [[r.server_ms for r in found[k]] for k in RIVALS]),
        Row(
            "database, CPU per initialize", "ms", [[r.database_ms for r in found[SERVICE]], [], []]
        ),
        Row("both", "ms", [totals[rival] for rival in RIVALS]),
    ]
    rows += [
        Row(f"... more than {base}", "ms", [_less(totals[rival], totals[base]) for rival in RIVALS])
        for base in (CANNED, DOOR)
    ]
    rows += [
        Row("arrivals in", "", [[r.load.arrived_in for r in found[k]] for k in RIVALS]),
        Row("admitted, p95", "ms", [[r.load.admitted_ms.p95 for r in found[k]] for k in RIVALS]),
    ]
    return Part(
        key=KEY,
        title="The seed's burst, not batched",
        conditions=conditions,
        targets=[
            Target(
                name="CPU of service and database per initialize, more than canned",
                unit="ms",
                bound=OVER_CANNED_MS_MAX,
                values=_less(totals[SERVICE], totals[CANNED]),
            )
        ],
        tables=[Table("600 initialize calls a second, 100 defaults", list(RIVALS), rows)],
        void="; ".join(void),
    )


def _less(values: list[float], bases: list[float]) -> list[float]:
    return [round(value - base, 4) for value, base in zip(values, bases, strict=True)]
