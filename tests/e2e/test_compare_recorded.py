"""The comparison asks a running service in order, and brings about what a record presupposes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.service import serving
from tests.app import V1, sample_catalogue
from tests.compare_recorded import Client, compare, main
from tests.recorded.records import Answer, Record, Sent

GOALS = {goal.goal_id: goal for goal in sample_catalogue().goals}
TUTORIAL = f"{V1}/challenges/winter-challenge-2025?active_only=true"
JSON = {"content-type": "application/json"}


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[Client]:
    settings = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "2",
        "DRAIN_DELAY_S": "0",
    }
    with serving(settings, tmp_path / "log") as service:
        yield Client("127.0.0.1", service.port)
    assert service.exit_status == 0


def goal_path(goal_id: str, what: str) -> str:
    return f"{V1}/challenges/winter-challenge-2025/goals/{goal_id}/{what}"


def record(name: str, sent: Sent, body: str, *, given: str | None = None) -> Record:
    return Record("group", name, given, sent, Answer(200, JSON, body, cut=True))


def test_what_is_given_is_so_before_the_question(client: Client) -> None:
    shown = Sent("GET", TUTORIAL, "ann", None)
    login = Sent("GET", f"{V1}/challenges/challenge-001", "ann", None)
    records = [
        record("setup", Sent("POST", f"{V1}/challenges/initialize", "ann", ""), "{"),
        record(
            "statistic",
            shown,
            '{"goals":[{"goalId":"complete-tutorial","progress":4,"status":"completed",',
            given="complete-tutorial completed with progress 4, kill-10-snowmen not",
        ),
        record(
            "login",
            login,
            '{"goals":[{"goalId":"challenge-001-goal-01","progress":1,"status":"completed",',
            given="challenge-001-goal-01 completed",
        ),
    ]
    report = compare(records, GOALS, client)
    assert (report.failures, report.unexplained) == ([], [])


def test_a_goal_that_is_shown_as_claimed_is_claimed_before_if_no_record_claims_it(
    client: Client,
) -> None:
    one, other = "complete-tutorial", "kill-10-snowmen"
    shown = '{"challengeId":"winter-challenge-2025","goals":[' + ",".join(
        f'{{"goalId":"{goal_id}","status":"claimed"}}' for goal_id in (one, other)
    )
    records = [
        record("setup", Sent("POST", f"{V1}/challenges/initialize", "ann", ""), "{"),
        record("on", Sent("PUT", goal_path(other, "active"), "ann", '{"isActive":true}'), "{"),
        record(
            "claim",
            Sent("POST", goal_path(one, "claim"), "ann", "{}"),
            '{"status":"claimed",',
            given=f"{one} completed, {other} completed with progress 10",
        ),
        record("list", Sent("GET", f"{V1}/challenges/winter-challenge-2025", "ann", None), shown),
    ]
    report = compare(records, GOALS, client)
    places = [case.difference.place for case in report.unexplained]
    assert report.failures == []
    assert [place for place in places if place.endswith("].status")] == []


def test_what_is_shown_as_claimed_and_cannot_be_claimed_is_told(client: Client) -> None:
    shown = '{"challengeId":"winter-challenge-2025","goals":[{"goalId":"nope","status":"claimed"},'
    asked = Sent("GET", f"{V1}/challenges/winter-challenge-2025", "ann", None)
    report = compare([record("list", asked, shown)], GOALS, client)
    assert len(report.failures) == 1
    path = goal_path("nope", "claim")
    assert report.failures[0].startswith(f"group, list: {path} answered 404")


def test_what_cannot_be_brought_about_is_told(client: Client) -> None:
    asked = Sent("GET", "/challenge/healthz", None, None)
    records = [
        record(given, asked, '{"status":"healthy"}', given=given)
        for given in ("nope completed", "the moon is full")
    ]
    report = compare(records, GOALS, client)
    assert report.failures == [
        "group, nope completed: the catalogue has no goal nope",
        "group, the moon is full: cannot bring about 'the moon is full'",
    ]
    assert not report.is_good


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["", "nope.json"])
    assert "there is no file" in capsys.readouterr().err
