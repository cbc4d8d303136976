"""The scenarios of the measured burst, what a run of one is, and what it must reach."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from benchmarks.answers import UNANSWERED, WRONG
from benchmarks.conditions import Conditions
from benchmarks.probe import Probe
from benchmarks.processes import Usage
from benchmarks.stats import Summary

RATE_PER_S = 600
SECONDS = 60
HELD_PER_S = 300
# The admitted may wait this long, then for this many others.
WAIT_MS_MAX = 2000
LIMIT = 10
# Told to every service, so that what the targets assume is what runs.
FIXED = {
    "DATABASE_POOL_SIZE": str(LIMIT),
    "ADMISSION_LIMIT": str(LIMIT),
    "ADMISSION_WAIT_MS_MAX": str(WAIT_MS_MAX),
}


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One form of the burst. `gate` is the admission rate told to the service, if any."""

    key: str
    title: str
    gate: bool = True
    rate_told: bool = True
    held: bool = True
    returns: bool = False
    population: str = "unique"
    kept: bool = False
    tokens: bool = False

    def settings(self) -> dict[str, str]:
        """Return the service's settings that make this scenario."""
        if not self.gate:
            return {**FIXED, "ADMISSION_MODE": "off"}
        told = {"ADMISSION_INITIALIZE_RATE": f"{HELD_PER_S}/s"} if self.rate_told else {}
        return {**FIXED, "ADMISSION_MODE": "enforce", **told}


SCENARIOS = (
    Scenario(key="a", title="gate off", gate=False),
    Scenario(key="b", title="gate on, clients never return"),
    Scenario(key="c", title="gate on, clients return when told", returns=True),
    Scenario(key="d", title="not held, gate without a rate", held=False, rate_told=False),
    Scenario(key="b-seed", title="(b), 10,000 players with replacement", population="seed"),
    Scenario(
        key="c-seed", title="(c), 10,000 players with replacement", returns=True, population="seed"
    ),
    Scenario(key="c-kept", title="(c), kept connections", returns=True, kept=True),
    Scenario(key="c-tokens", title="(c), a new token for each attempt", returns=True, tokens=True),
)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one scenario, from all sides."""

    scenario: str
    number: int
    started_at: str
    load: Summary
    service: Usage
    database: Usage
    # CPU seconds of this machine that were neither service, database nor generator.
    elsewhere_cpu_s: float
    probe: Probe | None
    players_stored: int
    players_acknowledged: int
    moments_taken: int
    service_exit_status: int

    @property
    def lost(self) -> int:
        """Return how many acknowledged players are not in the database."""
        return max(0, self.players_acknowledged - self.players_stored)

    @property
    def void(self) -> str:
        """Return why this run is no result; empty when it is one."""
        reasons = [self.load.void] if self.load.void else []
        if self.lost:
            reasons.append(f"{self.lost} acknowledged players are not stored")
        if self.service_exit_status:
            reasons.append(f"the service ended with exit status {self.service_exit_status}")
        return ", ".join(reasons)


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """A set of runs on one machine, and what was asked for: `runs_asked` of each scenario."""

    conditions: Conditions
    rate_per_s: int
    seconds: int
    held_per_s: int
    scenarios_asked: list[str]
    runs_asked: int
    runs: list[Run]

    @property
    def ideal_drain_s(self) -> float:
        """Return when the last one would be in if what is held were never idle."""
        return max(self.seconds, self.rate_per_s * self.seconds / self.held_per_s)

    def of(self, key: str) -> list[Run]:
        """Return the valid runs of a scenario; a void run is never a result."""
        return [run for run in self.runs if run.scenario == key and not run.void]

    @property
    def complete(self) -> bool:
        """Return whether every scenario has all the valid runs that were asked for."""
        return all(len(self.of(key)) >= self.runs_asked for key in self.scenarios_asked)


class Target(NamedTuple):
    """A figure that every run of a scenario must reach, and how a run is measured against it."""

    scenarios: tuple[str, ...]
    name: str
    unit: str
    bound: float
    at_least: bool
    measure: Callable[[Run], float]

    def worst(self, runs: Sequence[Run]) -> float:
        """Return the figure of the run that is furthest from the target."""
        return (min if self.at_least else max)(map(self.measure, runs))

    def met(self, runs: Sequence[Run]) -> bool:
        """Return whether every run reaches the target."""
        worst = self.worst(runs)
        return worst >= self.bound if self.at_least else worst <= self.bound


def targets(results: Results) -> tuple[Target, ...]:
    """Return the targets, fixed before the run; those that go with the burst's size scale."""
    offered = results.rate_per_s * results.seconds
    admitted_ms_max = WAIT_MS_MAX + 1000 * (LIMIT + 1) / results.held_per_s
    return (
        Target(("b", "c"), "time-outs and resets", "", 0, False, _unanswered),
        Target(
            ("b", "c", "d"),
            "answers that are neither 200 nor a refusal with a moment",
            "",
            0,
            False,
            lambda run: run.load.count(*WRONG),
        ),
        Target(("b", "c"), "refused, p99", "ms", 50, False, lambda run: run.load.refused_ms.p99),
        Target(
            ("b", "c"),
            "admitted, p95",
            "ms",
            round(admitted_ms_max, 1),
            False,
            lambda run: run.load.admitted_ms.p95,
        ),
        Target(
            ("b",),
            "goodput during the burst",
            "/s",
            0.95 * results.held_per_s,
            True,
            lambda run: run.load.goodput_per_s,
        ),
        Target(
            ("c", "d", "c-tokens"),
            "arrivals in",
            "",
            offered,
            True,
            lambda run: run.load.arrived_in,
        ),
        Target(
            ("c",),
            "attempts per refused arrival",
            "",
            2.2,
            False,
            lambda run: run.load.attempts_per_refused,
        ),
        Target(
            ("c-tokens",),
            "attempts per refused arrival",
            "",
            2.05,
            False,
            lambda run: run.load.attempts_per_refused,
        ),
        Target(
            ("c",),
            "last one in, as a multiple of the ideal drain",
            "x",
            1.15,
            False,
            lambda run: round(run.load.last_in_s / results.ideal_drain_s, 3),
        ),
    )


def _unanswered(run: Run) -> float:
    return run.load.count(*UNANSWERED)
