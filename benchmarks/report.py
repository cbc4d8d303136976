"""Results as Markdown, between the two markers of the README.

Each figure is the median of a scenario's runs, with the lowest and the highest of them in brackets.
Void runs are counted with their reasons, and say nothing else.
"""

import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.answers import WRONG, Outcome
from benchmarks.conditions import ROOT
from benchmarks.scenarios import SCENARIOS, Results, Run, Scenario, Target, targets
from benchmarks.stats import Spread

RESULTS = ROOT / "benchmarks" / "results" / "burst.json"
README = ROOT / "README.md"
BEGIN = "<!-- burst:begin -->"
END = "<!-- burst:end -->"

Cell = Callable[[Sequence[Run]], str]
Value = Callable[[Spread], float]
PERCENTILES: tuple[Value, ...] = (lambda s: s.p50, lambda s: s.p95, lambda s: s.p99)


def render(results: Results) -> str:
    """Return the tables: scenarios with targets, those beside them, the targets, the machine."""
    main = [scenario for scenario in SCENARIOS if len(scenario.key) == 1]
    beside = [scenario for scenario in SCENARIOS if len(scenario.key) > 1]
    parts = [_heading(results)]
    parts += [_figures(results, group) for group in (main, beside) if _has_runs(results, group)]
    parts += [_targets(results), _machine(results)]
    return "\n\n".join(parts)


def replace_between_markers(text: str, new: str, *, begin: str = BEGIN, end: str = END) -> str:
    """Return `text` with `new` between the markers. Raise ValueError unless each is there once."""
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"the text must have {begin} and {end} once each")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{new}\n{end}{after}"


def _heading(results: Results) -> str:
    offered = results.rate_per_s * results.seconds
    counts = {len(results.of(key)) for key in results.scenarios_asked}
    runs = "-".join(str(count) for count in sorted({min(counts), max(counts)}))
    burst = f"{results.rate_per_s}/s for {results.seconds} s, {offered:,} arrivals"
    held = f"held in the database: {results.held_per_s}/s"
    void = [f"({run.scenario}) #{run.number}: {run.void}" for run in results.runs if run.void]
    reasons = f" - {'; '.join(void)}" if void else ""
    return (
        f"{burst}; {held}. Median of {runs} runs [lowest-highest]; void runs: {len(void)}{reasons}."
    )


def _figures(results: Results, group: Sequence[Scenario]) -> str:
    shown = [(scenario, runs) for scenario in group if (runs := results.of(scenario.key))]
    titles = [f"({scenario.key}) {scenario.title}" for scenario, _ in shown]
    rows = [["", *titles]]
    rows += [[name, *(cell(runs) for _, runs in shown)] for name, cell in _rows(results)]
    return table(rows)


def _rows(results: Results) -> Iterator[tuple[str, Cell]]:
    offered = results.rate_per_s * results.seconds
    yield f"arrivals in, of {offered:,}", _each(lambda run: run.load.arrived_in, "{:,.0f}")
    yield "never answered", _each(lambda run: run.load.never_answered, "{:,.0f}")
    yield "attempts per arrival", _each(lambda run: run.load.attempts_per_arrival, "{:.2f}")
    yield (
        "attempts per refused arrival",
        _each(
            lambda run: run.load.attempts_per_refused, "{:.2f}", lambda run: run.load.refused_once
        ),
    )
    yield "time-outs", _each(lambda run: run.load.count(Outcome.TIMEOUT), "{:,.0f}")
    yield (
        "resets, connections not made",
        _each(lambda run: run.load.count(Outcome.RESET, Outcome.NO_CONNECTION), "{:,.0f}"),
    )
    yield (
        "other failures",
        _each(lambda run: run.load.count(*WRONG, Outcome.CUT_OFF), "{:,.0f}"),
    )
    yield "admitted, p50 / p95 / p99 in ms", _percentiles(lambda run: run.load.admitted_ms)
    yield "refused, p50 / p95 / p99 in ms", _percentiles(lambda run: run.load.refused_ms)
    yield "arrival to in, p50 / p95 / p99 in ms", _percentiles(lambda run: run.load.time_to_in_ms)
    yield "goodput during the burst, per s", _each(lambda run: run.load.goodput_per_s, "{:.0f}")
    yield (
        f"last one in after, in s (ideal: {results.ideal_drain_s:.0f} if held)",
        _each(lambda run: run.load.last_in_s, "{:.1f}"),
    )
    yield (
        "held: moments taken / acknowledged initializes",
        _each(
            lambda run: run.moments_taken / run.load.count(Outcome.OK),
            "{:.3f}",
            lambda run: run.probe is not None and run.load.count(Outcome.OK),
        ),
    )
    yield "service: CPU s", _each(lambda run: run.service.cpu_s, "{:.1f}")
    yield (
        "service: CPU ms per attempt",
        _each(lambda run: 1000 * run.service.cpu_s / run.load.attempts, "{:.2f}"),
    )
    yield "service: most RSS, MiB", _each(lambda run: run.service.rss_mib_max, "{:.0f}")
    yield "database: CPU s", _each(lambda run: run.database.cpu_s, "{:.1f}")
    yield "database: most PSS, MiB", _each(lambda run: run.database.pss_mib_max, "{:.0f}")
    yield (
        "generator: CPU µs per attempt",
        _each(lambda run: run.load.generator_cpu_us_per_attempt, "{:.0f}"),
    )
    yield "generator: slip p99 in ms", _each(lambda run: run.load.slip_ms.p99, "{:.1f}")
    yield "CPU s elsewhere on the machine", _each(lambda run: run.elsewhere_cpu_s, "{:.1f}")


def _each(
    measure: Callable[[Run], float],
    form: str,
    applies: Callable[[Run], float] = lambda _: 1,
) -> Cell:
    """Return a cell with the median and the range; a dash where it `applies` to no run."""

    def cell(runs: Sequence[Run]) -> str:
        values = [measure(run) for run in runs if applies(run)]
        return _with_range(values, form) if values else "none"

    return cell


def _with_range(values: Sequence[float], form: str) -> str:
    median = form.format(statistics.median(values))
    lowest, highest = form.format(min(values)), form.format(max(values))
    return median if lowest == highest else f"{median} [{lowest}-{highest}]"


def _percentiles(measure: Callable[[Run], Spread]) -> Cell:
    def cell(runs: Sequence[Run]) -> str:
        spreads = [spread for run in runs if (spread := measure(run)).count]
        if not spreads:
            return "none"
        return " / ".join(
            _with_range([value(spread) for spread in spreads], "{:,.0f}") for value in PERCENTILES
        )

    return cell


def _targets(results: Results) -> str:
    rows = [["target, in every run", "scenario", "bound", "worst run", "met"]]
    for target in targets(results):
        for key in target.scenarios:
            if key in results.scenarios_asked:
                sign = "≥" if target.at_least else "≤"
                bound = f"{sign} {target.bound:,g} {target.unit}".rstrip()
                verdict = _verdict(target, results.of(key), results.runs_asked)
                rows.append([target.name, f"({key})", bound, *verdict])
    return table(rows)


def _verdict(target: Target, runs: Sequence[Run], asked: int) -> tuple[str, str]:
    """Return the worst figure, and whether the target is met: never by fewer runs than asked."""
    if not runs:
        return "no valid run", "**no**"
    worst = f"{target.worst(runs):,g} {target.unit}".rstrip()
    if len(runs) < asked:
        return f"{worst} ({len(runs)} of {asked} runs valid)", "**no**"
    return worst, "yes" if target.met(runs) else "**no**"


def _machine(results: Results) -> str:
    conditions = results.conditions
    machine = conditions.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    probes = [run.probe for run in results.runs if run.probe is not None]
    held = ""
    if probes:
        firsts = [one.first_per_s for one in probes]
        returnings = [one.returning_per_s for one in probes]
        held = (
            f" Before each held run a closed loop got {min(firsts):g} to {max(firsts):g} first and"
            f" {min(returnings):g} to {max(returnings):g} returning initializes a second."
        )
    lost = sum(run.lost for run in results.runs)
    return (
        f"{machine.date}, commit {conditions.commit}; {machine.cores} cores of {machine.cpu},"
        f" {conditions.memory_gib:g} GiB, {machine.system}; {machine.python},"
        f" PostgreSQL {conditions.postgresql}, {versions}."
        f" Service, database and generator share the machine.{held} Players that were told yes and"
        f" are not in the database: {lost}. The database's memory is PSS, which"
        " counts shared pages once."
    )


def _has_runs(results: Results, group: Sequence[Scenario]) -> bool:
    return any(results.of(scenario.key) for scenario in group)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table; the first is its head."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def read_results(path: Path) -> Results:
    """Read what `benchmarks.burst` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def write_readme(results: Results) -> None:
    """Put the tables into the README."""
    README.write_text(replace_between_markers(README.read_text(), render(results)))


def main() -> int:
    """Put the results that are kept into the README again, as after a change of this file."""
    results = read_results(RESULTS)
    write_readme(results)
    return 0 if results.complete else 1


if __name__ == "__main__":
    sys.exit(main())
