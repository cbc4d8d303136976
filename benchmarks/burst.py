"""The measured burst: 600 initialize calls a second for a minute, above and below what is held.

`python -m benchmarks.burst` runs every scenario three times, one after another in each round, on a
PostgreSQL of its own. With --keep it writes benchmarks/results/burst.json and the README's tables;
other sizes (--rate, --seconds, --scenario) are tries, and only shown. It exits with 1 if a scenario
has fewer valid runs than were asked for.
"""

import argparse
import asyncio
import datetime as dt
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import msgspec

from app.serving.server import raise_file_limit
from benchmarks import scenarios
from benchmarks.answers import Outcome
from benchmarks.conditions import add_keep, describe
from benchmarks.database import bench_database, load_test_catalogue
from benchmarks.generator import SPARE_S, GeneratorFailed, read_summary, start_generator
from benchmarks.held import Held, as_ordinary_role
from benchmarks.probe import NotHeld, hold_and_confirm
from benchmarks.processes import machine_busy_s, stop, watch
from benchmarks.report import RESULTS, render, write_readme
from benchmarks.returning import Returning
from benchmarks.scenarios import Results, Run, Scenario
from benchmarks.schedule import Plan, players
from benchmarks.service import DidNotStart, serving
from benchmarks.tokens import write_tokens
from db.embedded import EmbeddedPostgresError
from db.errors import MigrationFailed

# A void run says nothing, so it is repeated; a machine that voids so many cannot measure this.
VOID_MAX = 2


class Bench:
    """What all runs share: the database, the catalogue, the size of the burst."""

    def __init__(self, owner_url: str, folder: Path, *, rate_per_s: int, seconds: int) -> None:
        self.held = Held(owner_url)
        self.rate_per_s = rate_per_s
        self.seconds = seconds
        self._folder = folder
        self.settings = {
            "ENVIRONMENT": "test",
            "AUTH_ENABLED": "false",
            "DRAIN_DELAY_S": "0",
            "CATALOGUE_PATH": str(load_test_catalogue(folder)),
            "DATABASE_URL": as_ordinary_role(owner_url),
        }

    def run(self, scenario: Scenario, number: int) -> Run:
        """Run one scenario once, on an empty table and a service that has just started."""
        started_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        probed = None
        if scenario.held:
            log, settings = self._folder / "probe.log", self.settings | scenarios.FIXED
            probed = hold_and_confirm(self.held, scenarios.HELD_PER_S, settings, log)
        else:
            asyncio.run(self.held.release())
        asyncio.run(self.held.empty())
        database_pid = asyncio.run(self.held.server_pid())
        plan = self._plan(scenario)
        settings = self.settings | scenario.settings()
        if scenario.tokens:
            files = write_tokens(players(plan), self._folder)
            plan = msgspec.structs.replace(plan, tokens=str(files.tokens))
            settings |= files.settings()
        with serving(settings, self._folder / "service.log") as service:
            busy_before_s = machine_busy_s()
            plan = msgspec.structs.replace(plan, port=service.port)
            generator = start_generator(plan, self._folder)
            try:
                used = watch(
                    generator,
                    {"service": service.pid, "database": database_pid},
                    plan.seconds_max + SPARE_S,
                )
            finally:
                stop(generator)
            busy_s = machine_busy_s() - busy_before_s
            load = read_summary(self._folder)
            counts = asyncio.run(self.held.count())
        named_s = used["service"].cpu_s + used["database"].cpu_s + load.generator_cpu_s
        return Run(
            scenario=scenario.key,
            number=number,
            started_at=started_at,
            load=load,
            service=used["service"],
            database=used["database"],
            elsewhere_cpu_s=round(max(0.0, busy_s - named_s), 1),
            probe=probed,
            players_stored=counts.rows,
            players_acknowledged=load.players_in,
            moments_taken=counts.taken,
            service_exit_status=service.exit_status,
        )

    def _plan(self, scenario: Scenario) -> Plan:
        plan = Plan(
            port=0,
            rate_per_s=self.rate_per_s,
            seconds=self.seconds,
            population=scenario.population,
            returning=Returning.OBEDIENT if scenario.returns else Returning.NEVER,
            kept=scenario.kept,
        )
        drain_s = 2 * plan.arrivals // scenarios.HELD_PER_S if scenario.returns else 0
        return msgspec.structs.replace(
            plan, seconds_max=max(self.seconds, drain_s) + 3 * plan.timeout_s
        )


def _measure(bench: Bench, chosen: Sequence[Scenario], runs: int, keep: Path | None) -> Results:
    """Run `chosen` in `runs` rounds; keep what there is after every run."""
    results = Results(
        conditions=describe(
            "python -m benchmarks.burst",
            asyncio.run(bench.held.version()),
            {
                name: value
                for name, value in (bench.settings | scenarios.FIXED).items()
                if not _is_a_place(name)
            },
        ),
        rate_per_s=bench.rate_per_s,
        seconds=bench.seconds,
        held_per_s=scenarios.HELD_PER_S,
        scenarios_asked=[scenario.key for scenario in chosen],
        runs_asked=runs,
        runs=[],
    )
    for number in range(1, runs + 1):
        for scenario in chosen:
            for _ in range(1 + VOID_MAX):
                run = bench.run(scenario, number)
                results.runs.append(run)
                print(_line(run), flush=True)
                if keep is not None:
                    keep.parent.mkdir(exist_ok=True)
                    keep.write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
                if not run.void:
                    break
    return results


def _is_a_place(name: str) -> bool:
    return name in ("DATABASE_URL", "CATALOGUE_PATH")


def _line(run: Run) -> str:
    """Return what happened in one line; conserved: each attempt was counted exactly once."""
    load = run.load
    conserved = "conserved" if load.conserved else "NOT CONSERVED"
    held = "not held"
    if run.probe is not None:
        held = (
            f"held {run.probe.first_per_s}/{run.probe.returning_per_s}/s,"
            f" {run.moments_taken} moments taken for {load.count(Outcome.OK)} acknowledged"
        )
    void = f"; VOID: {run.void}" if run.void else ""
    return (
        f"{run.scenario} #{run.number}: {load.arrived_in} of {load.offered} in;"
        f" {load.attempts} attempts = {load.outcomes} ({conserved}); reasons {load.reasons};"
        f" {held}; slip p99 {load.slip_ms.p99} ms{void}"
    )


def _read_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    keys = [scenario.key for scenario in scenarios.SCENARIOS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.burst", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="rounds (default: 3)")
    parser.add_argument("--scenario", nargs="+", choices=keys, default=keys, help="which ones")
    parser.add_argument("--rate", type=int, default=scenarios.RATE_PER_S, help="arrivals a second")
    parser.add_argument("--seconds", type=int, default=scenarios.SECONDS, help="of arrivals")
    add_keep(parser, "benchmarks/results/burst.json and the README's tables")
    options = parser.parse_args(arguments)
    full = (options.rate, options.seconds) == (scenarios.RATE_PER_S, scenarios.SECONDS)
    if options.keep and not (full and set(options.scenario) == set(keys)):
        parser.error("--keep is for all scenarios in full")
    return options


def _end(signal_number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal_number)


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for; a missed target is a result, a missing run is not."""
    options = _read_arguments(arguments)
    signal.signal(signal.SIGTERM, _end)
    raise_file_limit()
    chosen = [scenario for scenario in scenarios.SCENARIOS if scenario.key in options.scenario]
    keep = RESULTS if options.keep else None
    try:
        with bench_database() as (owner_url, folder):
            bench = Bench(owner_url, folder, rate_per_s=options.rate, seconds=options.seconds)
            asyncio.run(bench.held.prepare())
            results = _measure(bench, chosen, options.runs, keep)
    except (DidNotStart, EmbeddedPostgresError, GeneratorFailed, MigrationFailed, NotHeld) as error:
        print(f"bench-burst: {error}", file=sys.stderr)
        return 1
    print(render(results))
    if keep is not None:
        write_readme(results)
    return 0 if results.complete else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
