"""What a reader of the README is told about the rules, and what stays when one part is repeated."""

from pathlib import Path

from benchmarks.rules.figures import Part, Results, Row, Table, Target
from benchmarks.rules.report import describe_part, keep, read_results, render, shown
from tests.unit.test_bench_figures import CONDITIONS

MISSED = Target(name="list, multiple of canned", unit="x", bound=1.8, values=[1.9, 2.5, 2.0])
FIGURES = Table("list", ["service", "canned"], [Row("CPU", "µs", [[900, 950, 1000], []])])


def part(key: str, *, void: str = "", targets: tuple[Target, ...] = (MISSED,)) -> Part:
    return Part(
        key=key,
        title=f"Part {key}",
        conditions=CONDITIONS,
        targets=list(targets),
        tables=[FIGURES],
        void=void,
    )


def test_a_figure_is_shown_with_its_spread() -> None:
    assert shown([1.9, 2.5, 2.0]) == "2 [1.9-2.5]"
    assert shown([36_000, 36_000]) == "36,000"
    assert shown([0.4512, 0.4488]) == "0.45 [0.449-0.451]"
    assert shown([0]) == "0"


def test_a_missed_target_is_said_as_such() -> None:
    text = render(Results({"http": part("http")}))
    assert "| list, multiple of canned | ≤ 1.8 x | 2 [1.9-2.5] x | **no** |" in text


def test_a_void_part_says_so_at_each_figure() -> None:
    text = render(Results({"http": part("http", void="the generator was late")}))
    assert "| list, multiple of canned | ≤ 1.8 x | 2 [1.9-2.5] x (void) | **no** |" in text
    assert "Void: the generator was late." in text


def test_a_target_that_was_not_measured_is_not_met() -> None:
    empty = Target(name="list", unit="x", bound=1.8, values=[])
    assert "| list | ≤ 1.8 x | nothing | **no** |" in describe_part(part("http", targets=(empty,)))


def test_a_column_that_does_not_apply_stays_empty() -> None:
    assert "| CPU, µs | 950 [900-1,000] |  |" in describe_part(part("process"))


def test_every_part_says_what_it_was_measured_on() -> None:
    text = render(Results({"http": part("http"), "burst": part("burst")}))
    assert text.count("commit abc; 2 cores of CPU") == 2


def test_a_part_that_is_measured_again_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "results" / "rules.json"
    keep(part("http"), path)
    keep(part("burst", void="disturbed"), path)
    keep(part("burst"), path)
    kept = read_results(path).parts
    assert kept["http"] == part("http")
    assert kept["burst"].void == ""
