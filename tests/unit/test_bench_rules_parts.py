"""From what the processes used to the figures that the targets are about."""

from collections.abc import Mapping

from benchmarks.rules import event_capacity, over_http, seed_burst, written
from benchmarks.rules.closed_loop import Looped
from benchmarks.rules.counters import Written
from benchmarks.rules.figures import Table
from benchmarks.stats import Spread
from tests.unit.test_bench_figures import CONDITIONS
from tests.unit.test_bench_report import load

SPREAD = Spread(count=100, p50=1, p95=2, p99=3, max=4)


def looped(cpu_s: float, *, seconds: float = 1.0, answers: int = 100, wrong: str = "") -> Looped:
    return Looped(
        answers=answers,
        seconds=seconds,
        latency_ms=SPREAD,
        body_bytes=200_000,
        cpu_s={"server": cpu_s, "generator": 0.1},
        wrong=wrong,
    )


def loops(service: list[Looped], canned: list[Looped]) -> Mapping[str, list[Looped]]:
    return {"service": service, "canned": canned, over_http.DOOR: canned, over_http.NAIVE: service}


def cells(table: Table, name: str) -> list[list[float]]:
    [row] = [row for row in table.rows if row.name == name]
    return row.cells


def test_a_request_costs_the_cpu_of_its_server_not_the_time_that_passed() -> None:
    found = loops([looped(0.1, seconds=9)], [looped(0.05, seconds=9)])
    made = over_http.part_of({kind.name: found for kind in over_http.KINDS}, CONDITIONS)
    assert cells(made.tables[0], "server, CPU per request")[:2] == [[1000], [500]]
    assert [target.values for target in made.targets] == [[2.0]] * 3


def test_each_round_is_compared_with_its_own_canned_answer() -> None:
    found = loops([looped(0.1), looped(0.4)], [looped(0.05), looped(0.2)])
    made = over_http.part_of({kind.name: found for kind in over_http.KINDS}, CONDITIONS)
    assert made.targets[0].values == [2.0, 2.0]


def test_a_server_that_was_not_busy_is_pointed_out() -> None:
    found = loops([looped(0.5)], [looped(0.99)])
    made = over_http.part_of({kind.name: found for kind in over_http.KINDS}, CONDITIONS)
    assert "the core was not busy with service, row per goal" in made.notes[0]


def test_one_wrong_answer_makes_the_comparison_void() -> None:
    good = loops([looped(0.1)], [looped(0.05)])
    bad = loops([looped(0.1, wrong="503")], [looped(0.05)])
    made = over_http.part_of({"list": bad, "first": good, "returning": good}, CONDITIONS)
    assert "503" in made.void
    assert not made.all_met


def test_the_burst_counts_the_database_and_takes_the_canned_answer_off() -> None:
    full = load(attempts=100, outcomes={"ok": 100})
    found = {
        "service": [seed_burst.Run(full, 0.7, 0.2)],
        "canned": [seed_burst.Run(full, 0.5, 0.0)],
        seed_burst.DOOR: [seed_burst.Run(full, 0.4, 0.0)],
    }
    made = seed_burst.part_of(found, CONDITIONS)
    assert made.targets[0].values == [0.4]
    assert made.all_met


def test_a_burst_in_which_somebody_did_not_get_in_is_void() -> None:
    full = load(attempts=100, outcomes={"ok": 100})
    refused = load(attempts=100, outcomes={"ok": 99, "refused_503": 1})
    found = {
        "service": [seed_burst.Run(refused, 0.1, 0.1)],
        "canned": [seed_burst.Run(full, 0.5, 0.0)],
        seed_burst.DOOR: [seed_burst.Run(full, 0.4, 0.0)],
    }
    assert seed_burst.part_of(found, CONDITIONS).void == "service: 1 did not get in"


def test_rows_of_all_tables_count_and_so_do_updates() -> None:
    one = {"player": Written(updated=100), "event_seen": Written(inserted=100), "claim": Written()}
    found = {step.name: one for step in written.STEPS}
    made = written.part_of(found, 100, CONDITIONS)
    met = {target.name: made.met(target) for target in made.targets}
    assert not met["rows written: first initialize, 100 defaults"]
    assert met["rows written: event on 20 active goals, 2 complete"]


def test_capacity_is_events_by_the_cpu_of_the_database_alone() -> None:
    run = event_capacity.Run(events=50_000, seconds=50, database_cpu_s=2, client_cpu_s=40)
    found = {case.name: [run] for case in event_capacity.CASES}
    made = event_capacity.part_of(found, CONDITIONS)
    assert made.targets[0].values == [25_000]
    assert made.all_met
