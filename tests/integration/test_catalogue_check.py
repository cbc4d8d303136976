"""`python -m app catalogue check`: what it says of a file, and whom a change affects."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from app.catalogue import effects
from app.catalogue.parse import parse_catalogue
from app.cli import main
from app.commands import catalogue_check
from app.domain.facts import Assignment, GoalFacts, Goals
from app.domain.player import Player
from app.settings import Settings
from db.pool import Database
from db.revisions import PgRevisions
from tests.app import SAMPLE, V1, App, settings_for
from tests.database import named, run_sql
from tests.integration.test_player_commands import insert, run, with_database

MOMENT_MS = 1_764_072_000_123
DONE = GoalFacts(active=True, assigned_at_ms=MOMENT_MS, completed_at_ms=MOMENT_MS)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    # What is logged here goes where the other tests of this process log.
    monkeypatch.setattr(catalogue_check, "configure_logs", lambda *_: None)


def goal(goal_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "goalId": goal_id,
        "name": goal_id,
        "eventSource": "statistic",
        "requirement": {"statCode": "wins", "operator": ">=", "targetValue": 10},
        "reward": {"type": "ITEM", "rewardId": "hat", "quantity": 1},
        **changes,
    }


def document(*goals: Any) -> str:
    return json.dumps({"challenges": [{"challengeId": "c", "name": "C", "goals": goals}]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "challenges.json"


def test_a_file_that_can_be_served_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "check", str(SAMPLE)]) == 0
    assert capsys.readouterr().out == (
        f"{SAMPLE}: 7 challenges, 24 goals, 10 of them assigned by default; 0 warnings\n"
    )


def test_warnings_are_told_with_the_file_and_do_not_hinder(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(document(goal("a", type="absolute"), goal("b", defaultAssigned=True)))
    warning = 'challenges[0].goals[0].type (goal "a"): has no effect any more'
    assert main(["catalogue", "check", str(file)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{file}: warning: {warning}",
        f"{file}: 1 challenges, 2 goals, 1 of them assigned by default; 1 warnings",
    ]
    assert main(["catalogue", "check", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "file": str(file),
        "challenges": 1,
        "goals": 2,
        "assignedByDefault": 1,
        "warnings": [warning],
    }


def test_every_error_is_told_with_the_file_the_place_and_the_id(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(document(goal("a", name=""), goal("b", prerequisites=["\x9b"], daily=True)))
    assert main(["catalogue", "check", str(file)]) == 2
    out, complaints = capsys.readouterr()
    assert out == ""
    assert complaints.splitlines() == [
        f'headrace: {file}: challenges[0].goals[0].name (goal "a"): must not be empty',
        (
            f'headrace: {file}: challenges[0].goals[1].prerequisites[0] (goal "b"):'
            r' there is no goal "\x9b"'
        ),
        (
            f'headrace: {file}: warning: challenges[0].goals[1].daily (goal "b"):'
            " has no effect any more"
        ),
        f"headrace: {file}: it cannot be served",
    ]


def test_a_file_that_is_not_there_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "check", str(file)]) == 2
    assert f"headrace: {file}: No such file or directory" in capsys.readouterr().err


# ── against a database ────────────────────────────────────────────────────────────────────────────


def given(goal_id: str) -> dict[str, Any]:
    return goal(goal_id, defaultAssigned=True)


def of_target(goal_id: str, target: int) -> dict[str, Any]:
    requirement = {"statCode": "wins", "operator": ">=", "targetValue": target}
    return goal(goal_id, requirement=requirement)


def player(name: str, *revisions: int, goals: Goals | None = None) -> Player:
    entries = tuple(Assignment(revision, MOMENT_MS) for revision in revisions)
    return Player(name, MOMENT_MS, MOMENT_MS, 1, len(entries), entries, goals=goals or {})


def serve(url: str, *texts: str) -> None:
    """Let catalogues be served in turn."""

    async def register(database: Database) -> None:
        for text in texts:
            await PgRevisions(database).register(parse_catalogue(text.encode()).catalogue)

    with_database(url, register)


@pytest.fixture
def season(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a database in its second season, with five players."""
    serve(
        database_url,
        document(given("last-season")),
        document(
            given("stays"),
            given("goes"),
            given("no-default"),
            goal("new-default"),
            of_target("raised", 10),
            of_target("lowered", 10),
        ),
    )
    insert(
        database_url,
        [
            player("ann", 1),
            player("bob", 2, goals={"lowered": DONE, "raised": GoalFacts(active=True)}),
            player("cat", 2, goals={"new-default": GoalFacts(active=False)}),
            player("dan", 1, 2, goals={"goes": DONE}),
            player("eve"),
        ],
    )
    for state in ("pending", "in_doubt", "granted"):
        run_sql(
            database_url,
            "insert into claim (claim_id, player, goal, period, challenge, namespace, reward_type,"
            " reward_id, reward_quantity, claimed_at, state, attempt, leased, due_at) values"
            f" (gen_random_uuid(), '{state}', 'goes', 'once', 'c', 'n', 'ITEM', 'hat', 1, now(),"
            f" '{state}', 0, false, now())",
        )
    monkeypatch.setenv("DATABASE_URL", database_url)
    return database_url


NEXT = document(
    given("stays"),
    goal("no-default"),
    given("new-default"),
    of_target("raised", 20),
    of_target("lowered", 5),
    goal("brand-new"),
)


def changed(goal_id: str, change: str, *numbers: int, targets: Any = (None, None)) -> Any:
    counted = ("players", "completedNotClaimed", "claimsNotGranted")
    was, now = targets
    return {
        "goalId": goal_id,
        "change": change,
        "targetWas": was,
        "targetIs": now,
        **dict(zip(counted, numbers, strict=True)),
    }


def stored(url: str) -> list[str]:
    tables = ("catalogue_revision", "player", "claim")
    return [line for table in tables for line in run_sql(url, f"select * from {table}")]


@pytest.mark.parametrize("at_once", [1, 500])
def test_whom_a_change_affects_is_counted_and_nothing_is_written(
    season: str,
    file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
) -> None:
    """However little is kept in memory at a time."""
    monkeypatch.setattr(effects, "LISTS_MAX", at_once)
    monkeypatch.setattr(catalogue_check, "PAGE_PLAYERS", at_once)
    file.write_text(NEXT)
    before = stored(season)
    assert main(["catalogue", "check", str(file), "--against-database", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["database"] == {
        "revision": 3,
        "isNew": True,
        "comparedWith": 2,
        "targetsKnown": True,
        "players": 5,
        "playersGivenNewDefaults": 4,
        "newGoals": 1,
        "changes": [
            changed("goes", "goes", 3, 1, 2),
            changed("last-season", "gone", 2, 0, 0),
            changed("raised", "raised", 1, 0, 0, targets=(10, 20)),
            changed("lowered", "lowered", 1, 1, 0, targets=(10, 5)),
            changed("new-default", "assigned", 4, 0, 0),
            changed("no-default", "not_assigned", 3, 0, 0),
        ],
    }
    assert stored(season) == before


def test_as_many_are_given_defaults_as_was_foretold(
    season: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(NEXT)
    assert main(["catalogue", "check", str(file), "--against-database", "--json"]) == 0
    foretold = json.loads(capsys.readouterr().out)["database"]["playersGivenNewDefaults"]

    async def initialize_all() -> list[int]:
        catalogue = parse_catalogue(NEXT.encode()).catalogue
        async with App(settings_for(), season, catalogue) as app:
            path = f"{V1}/challenges/initialize"
            answers = [
                await app.request("POST", path, player=name)
                for name in ("ann", "bob", "cat", "dan", "eve")
            ]
        return [answer.json["newAssignments"] for answer in answers]

    assert sum(map(bool, asyncio.run(initialize_all()))) == foretold


@pytest.mark.usefixtures("season")
def test_the_same_is_a_table_for_a_person(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(NEXT)
    assert main(["catalogue", "check", str(file), "--against-database"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == [
        "a service with this database can start with it, as revision 3, which is new",
        "compared with revision 2, the newest: 1 new goals, 6 changes of goals, 5 known players",
        "4 players will be assigned new defaults when they initialize next",
    ]
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]
    assert rows[0] == ["goes", "goes", "3", "1", "2"]
    assert rows[2] == ["raised", "target raised, 10 to 20", "1", "0", "0"]


def test_what_a_start_would_refuse_is_told_as_the_start_does(
    season: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(document(goal("goes", eventSource="login")))
    assert main(["catalogue", "check", str(file), "--against-database"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        (
            f'headrace: {file}: goal "goes": eventSource was statistic and is now login;'
            " a new meaning needs a new goalId"
        ),
        f"headrace: {file}: a service with this database would not start with it",
    ]
    code, _, complaints = run(
        "serve", DATABASE_URL=season, CATALOGUE_PATH=str(file), PORT="0", OPERATIONS_PORT="0"
    )
    assert code == 2
    assert f'headrace: CATALOGUE_PATH={file}: goal "goes": eventSource was' in complaints


def test_what_is_not_known_is_said(
    season: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_sql(season, "update catalogue_revision set targets = null")
    file.write_text(NEXT)
    assert main(["catalogue", "check", str(file), "--against-database"]) == 0
    out = capsys.readouterr().out
    assert "which targets change is not known: an older release registered revision 2" in out
    assert "raised" not in out


def test_a_database_without_a_catalogue_compares_nothing(
    database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert main(["catalogue", "check", str(SAMPLE), "--against-database"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "a service with this database can start with it, as revision 1, which is new",
        "there is no catalogue in this database to compare it with",
    ]
    serve(database_url, SAMPLE.read_text())
    assert main(["catalogue", "check", str(SAMPLE), "--against-database"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "a service with this database can start with it, as revision 1, which it is already",
        "compared with revision 1, the newest: 0 new goals, 0 changes of goals, 0 known players",
    ]


def test_a_database_that_is_not_there_is_one_line(
    postgres_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", named(postgres_url, "nowhere"))
    assert main(["catalogue", "check", str(SAMPLE), "--against-database"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
