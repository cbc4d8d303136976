"""What a reader of the README is told about the burst."""

from typing import Any

import msgspec
import pytest

from benchmarks.conditions import Conditions
from benchmarks.manifest import Manifest
from benchmarks.probe import Probe
from benchmarks.processes import Usage
from benchmarks.report import BEGIN, END, render, replace_between_markers
from benchmarks.scenarios import Results, Run, targets
from benchmarks.stats import Spread, Summary

WRONG_ANSWERS = "answers that are neither 200 nor a refusal with a moment"
NOTHING = Spread(count=0, p50=0, p95=0, p99=0, max=0)


def load(**changes: Any) -> Summary:
    figures: dict[str, Any] = {
        "offered": 36_000,
        "started": 36_000,
        "arrived_in": 36_000,
        "players_in": 36_000,
        "told_last": 0,
        "never_answered": 0,
        "refused_once": 18_000,
        "attempts_per_arrival": 1.5,
        "attempts_per_refused": 2.0,
        "in_after_attempts": {1: 18_000, 2: 18_000},
        "time_to_in_ms": Spread(count=36_000, p50=1000, p95=50_000, p99=59_000, max=60_000),
        "last_in_s": 121.0,
        "attempts": 54_000,
        "outcomes": {"ok": 36_000, "refused_503": 18_000},
        "reasons": {"line_full": 18_000},
        "admitted_ms": Spread(count=36_000, p50=900, p95=1900, p99=2000, max=2010),
        "refused_ms": Spread(count=18_000, p50=2, p95=9, p99=14, max=30),
        "goodput_per_s": 299.0,
        "seconds": [],
        "slip_ms": Spread(count=54_000, p50=0.5, p95=1, p99=1.2, max=8),
        "generator_cpu_s": 6.0,
        "generator_cpu_us_per_attempt": 111.0,
        "in_flight_max": 700,
        "full_checks": 720,
        "void": "",
    }
    return Summary(**figures | changes)


def run(
    scenario: str = "c",
    *,
    stored: int = 36_000,
    exit_status: int = 0,
    probe: Probe | None = None,
    **changes: Any,
) -> Run:
    made = load(**changes)
    return Run(
        scenario=scenario,
        number=1,
        started_at="2026-01-01T00:00:00+00:00",
        load=made,
        service=Usage(cpu_s=54.0, rss_mib_max=120.0, pss_mib_max=110.0),
        database=Usage(cpu_s=9.0, rss_mib_max=400.0, pss_mib_max=80.0),
        elsewhere_cpu_s=0.1,
        probe=probe,
        players_stored=stored,
        players_acknowledged=made.players_in,
        moments_taken=made.arrived_in,
        service_exit_status=exit_status,
    )


def results(*runs: Run, asked: int = 1) -> Results:
    machine = Manifest(
        date="2026-01-01T00:00:00+00:00",
        command="python -m benchmarks.burst",
        cpu="a processor",
        cores=2,
        system="Linux",
        python="CPython 3.11.7",
        versions={"hypercorn": "0.18.0"},
    )
    conditions = Conditions(
        machine=machine, memory_gib=8, commit="abc", postgresql="18.6", settings={}
    )
    return Results(
        conditions=conditions,
        rate_per_s=600,
        seconds=60,
        held_per_s=300,
        scenarios_asked=sorted({run.scenario for run in runs}),
        runs_asked=asked,
        runs=list(runs),
    )


def line(text: str, start: str) -> str:
    (found,) = (line for line in text.splitlines() if line.startswith(f"| {start}"))
    return found


def test_a_figure_is_the_median_with_its_range() -> None:
    made = render(
        results(run(goodput_per_s=290.0), run(goodput_per_s=301.0), run(goodput_per_s=300.0))
    )
    assert "| 300 [290-301] |" in line(made, "goodput during the burst, per s")
    assert "Median of 3 runs" in made


def test_a_void_run_is_counted_and_never_shown() -> None:
    made = render(results(run(), run(goodput_per_s=7.0, void="slip")))
    assert "void runs: 1" in made
    assert "| 299 |" in line(made, "goodput during the burst, per s")


def test_nobody_refused_is_shown_as_none_not_as_zero_ms() -> None:
    made = render(results(run(refused_once=0, refused_ms=NOTHING)))
    assert line(made, "refused, p50").endswith("| none |")


def test_scenarios_that_were_not_run_have_no_column() -> None:
    assert "gate off" not in render(results(run()))


def test_a_target_is_judged_by_the_worst_run() -> None:
    made = render(results(run(), run(last_in_s=140.0)))
    assert "| 1.167 x | **no** |" in line(made, "last one in, as a multiple")
    assert "| 2 | yes |" in line(made, "attempts per refused arrival | (c)")


def test_one_client_without_an_answer_misses_the_target() -> None:
    made = render(results(run(outcomes={"ok": 35_999, "timeout": 1})))
    assert line(made, "time-outs and resets").endswith("| 1 | **no** |")


@pytest.mark.parametrize(
    ("scenario", "name", "changes"),
    [
        ("b", "time-outs and resets", {"outcomes": {"reset": 1}}),
        ("b", WRONG_ANSWERS, {"outcomes": {"server_error": 1}}),
        ("c", WRONG_ANSWERS, {"outcomes": {"client_error": 1}}),
        ("d", WRONG_ANSWERS, {"outcomes": {"bad_body": 1}}),
        ("b", "refused, p99", {"refused_ms": Spread(count=1, p50=9, p95=9, p99=50.1, max=60)}),
        ("b", "admitted, p95", {"admitted_ms": Spread(count=1, p50=9, p95=2037, p99=2, max=2)}),
        ("b", "goodput during the burst", {"goodput_per_s": 284.9}),
        ("c", "arrivals in", {"arrived_in": 35_999}),
        ("c", "attempts per refused arrival", {"attempts_per_refused": 2.21}),
        ("c", "last one in, as a multiple of the ideal drain", {"last_in_s": 138.2}),
        ("d", "arrivals in", {"arrived_in": 35_999}),
    ],
)
def test_each_target_is_met_by_a_good_run_and_missed_just_beyond_its_bound(
    scenario: str, name: str, changes: dict[str, Any]
) -> None:
    good, bad = run(scenario), run(scenario, **changes)
    (target,) = (
        one for one in targets(results(good)) if one.name == name and scenario in one.scenarios
    )
    assert target.met([good, good])
    assert not target.met([good, bad])


def test_an_acknowledged_player_who_is_not_stored_is_reported() -> None:
    assert "not in the database: 2" in render(results(run(), run(stored=35_998)))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (run(stored=35_998), "2 acknowledged players are not stored"),
        (run(exit_status=10), "the service ended with exit status 10"),
        (run(void="not conserved"), "not conserved"),
    ],
)
def test_a_void_run_is_no_result_and_its_reason_is_shown(bad: Run, reason: str) -> None:
    made = results(run(), bad)
    assert made.of("c") == [run()]
    assert f"void runs: 1 - (c) #1: {reason}." in render(made)


def test_a_scenario_without_a_valid_run_meets_no_target() -> None:
    made = results(run("b"), run("c", exit_status=1))
    assert not made.complete
    assert line(render(made), "arrivals in | (c)").endswith("| no valid run | **no** |")


def test_fewer_valid_runs_than_asked_for_meet_no_target() -> None:
    made = results(run(), run(stored=0), run(), asked=3)
    assert not made.complete
    assert line(render(made), "arrivals in | (c)").endswith("(2 of 3 runs valid) | **no** |")


def test_results_with_every_run_that_was_asked_for_are_complete() -> None:
    assert results(run(), run(void="slip"), run(), asked=2).complete


def test_held_runs_show_the_moments_taken_beside_the_acknowledged() -> None:
    probe = Probe(first_per_s=300, returning_per_s=300, taken_per_first=1, taken_per_returning=1)
    name = "held: moments taken / acknowledged initializes"
    assert line(render(results(run(probe=probe))), name).endswith("| 1.000 |")
    assert line(render(results(run("d"))), name).endswith("| none |")


def test_only_the_text_between_the_markers_is_replaced() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert replace_between_markers(text, "new") == f"before\n{BEGIN}\nnew\n{END}\nafter"


def test_a_readme_without_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="once each"):
        replace_between_markers("no markers", "new")


def test_results_survive_being_written_and_read() -> None:
    made = results(run("b"), run("c"))
    assert msgspec.json.decode(msgspec.json.encode(made), type=Results) == made
