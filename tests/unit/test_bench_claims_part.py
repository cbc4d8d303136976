"""What a trial says, and when it proves nothing."""

from typing import Any

from app.catalogue.loadtest import generate_catalogue
from app.catalogue.parse import parse_catalogue
from benchmarks.claims.judge import Verdict
from benchmarks.claims.rows import StoredClaim, longest_s
from benchmarks.claims_trial import Found, part_of, wanted_claims
from benchmarks.rules.figures import Part
from tests.unit.test_bench_figures import CONDITIONS


def part(**changes: Any) -> Part:
    figures: dict[str, Any] = {
        "verdict": Verdict(granted=20, double=0, missing=0, foreign=0, unbacked=0),
        "wanted": 20,
        "got": {"made": 20, "known": 180, "undone": 1, "unknown": 9},
        "statuses": {200: 20, 409: 180, 502: 1, 503: 4, 0: 5},
        "told_yes_twice": 0,
        "kills": {"service": 3, "provider": 2},
        "settled_by_person": {"in_doubt": 1},
        "pending_s_max": 12.5,
        "attempts_max": 4,
        "load_s": 60.0,
        "drain_s": 10.0,
        "left_open": {},
    }
    return part_of(Found(**figures | changes), CONDITIONS)


def test_a_trial_without_double_and_missing_grants_is_as_it_should_be() -> None:
    assert part().void == ""
    assert part().all_met


def test_each_thing_that_must_not_be_is_enough_to_fail() -> None:
    for wrong in ("double", "missing", "foreign", "unbacked"):
        none = {"double": 0, "missing": 0, "foreign": 0, "unbacked": 0}
        assert not part(verdict=Verdict(granted=20, **none | {wrong: 1})).all_met
    assert not part(told_yes_twice=1).all_met


def test_what_is_left_open_is_not_passed_over() -> None:
    assert not part(left_open={"in_doubt": 1}).all_met


def test_a_trial_in_which_nothing_went_wrong_proves_nothing() -> None:
    assert part(kills={"service": 3, "provider": 0}).void == "the provider was never killed"
    assert part(attempts_max=1).void == "the provider was never asked twice"
    assert part(got={"made": 20}).void == "no duplicate was refused"


def test_requests_are_shown_by_what_they_got() -> None:
    cells = {row.name: row.cells for row in part().tables[0].rows}
    assert cells["requests"] == [[210]]
    assert cells["... told to come again (429, 503)"] == [[4]]
    assert cells["... without an answer"] == [[5]]
    assert cells["... answered otherwise"] == [[0]]
    assert cells["in_doubt, sent on by a person"] == [[1]]


def test_the_time_that_a_person_took_is_not_the_services() -> None:
    claims = [
        StoredClaim("a", "granted", 1, sent_on=False, pending_s=3.0),
        StoredClaim("b", "granted", 9, sent_on=True, pending_s=300.0),
        StoredClaim("c", "pending", 2, sent_on=False, pending_s=None),
    ]
    assert longest_s(claims) == 3.0
    assert longest_s([]) == 0.0


def test_no_two_claims_of_a_player_have_one_reward() -> None:
    catalogue = parse_catalogue(generate_catalogue()).catalogue
    wanted = list(wanted_claims(["ann", "bob"], catalogue))
    assert len(wanted) == len({(one.player, one.reward) for one in wanted}) == 20
