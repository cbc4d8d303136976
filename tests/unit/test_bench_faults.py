"""What was acknowledged and is not stored is counted, and fails the benchmark."""

import pytest

from app.domain.intake import digest_of
from benchmarks.faults.kills import Found, is_all_there, lost_of, part_of
from benchmarks.rules.client import login
from tests.unit.test_bench_figures import CONDITIONS


@pytest.mark.parametrize(
    ("missing", "behind", "all_there"), [([], 0, True), (["0-7"], 0, False), ([], 1, False)]
)
def test_one_lost_event_is_enough(missing: list[str], behind: int, all_there: bool) -> None:
    ids = [f"{producer}-{number}" for producer in range(2) for number in range(10)]
    source = login("0-0", "ann")["source"]
    stored = {digest_of(source, one) for one in ids if one not in missing}
    lost = lost_of(ids, stored)
    assert lost == missing
    found = Found(
        recovery_s=[0.5],
        kills_that_cut=1,
        acknowledged=len(ids),
        found_again=0,
        lost=len(lost),
        behind=behind,
        statuses={200: 2, 503: 1},
    )
    part = part_of(found, 1, CONDITIONS)
    assert part.void == ""
    assert part.all_met is all_there
    assert is_all_there(part) is all_there
