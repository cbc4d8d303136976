"""`python -m app player` and `export`, as processes of their own on real databases."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.domain.clock import Clock
from app.domain.facts import Assignment, Counts, GoalFacts, StatFacts
from app.domain.goal import Reward
from app.domain.player import Player
from app.domain.reward import Claim, Making
from db.claims import PgClaims
from db.embedded import EmbeddedPostgres
from db.migrate import migrate
from db.players import PgPlayers
from db.pool import Database
from db.revisions import PgRevisions
from tests.app import sample_catalogue
from tests.database import reachable_folder
from tests.eventually import PATIENCE_S

CHECKOUT = Path(__file__).parents[2]
NOON_MS = 1_764_072_000_123  # 2025-11-25T12:00:00.123Z
LOGINS = StatFacts(2, NOON_MS, Counts(0, 1, 0, 0), 0)
ALICE = Player(
    player_id="alice",
    since_ms=NOON_MS,
    changed_at_ms=NOON_MS,
    version=1,
    answered=1,
    assignments=(Assignment(1, NOON_MS),),
    stats={
        "statistic:snowmen_killed": StatFacts(4.5, NOON_MS, Counts(0, 0, 0, 0), 1),
        "login:login_count": LOGINS,
    },
    goals={
        "kill-10-snowmen": GoalFacts(active=True, assigned_at_ms=NOON_MS, offset=0),
        "daily-wins": GoalFacts(active=False, period=20_417, carry=3, completed_at_ms=NOON_MS),
    },
)


def start(*arguments: str, **environ: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "COLUMNS": "160", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str, **environ: str) -> tuple[int, str, str]:
    """Run a command; return its exit code and what it wrote to both of its outputs."""
    process = start(*arguments, **environ)
    out, complaints = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, complaints


def with_database(url: str, act: Callable[[Database], Awaitable[object]]) -> None:
    async def connect_and_act() -> None:
        database = Database(url, size=1)
        await database.open()
        await act(database)
        await database.close()

    asyncio.run(connect_and_act())


def insert(url: str, players: Sequence[Player]) -> None:
    with_database(url, lambda database: PgPlayers(database, Clock()).insert_many(players))


def named_player(number: int) -> Player:
    # Upper and lower case, so that the order of bytes is another one than that of a dictionary.
    name = f"{'aA'[number % 2]}{number:05d}"
    return ALICE._replace(player_id=name, assignments=(), stats={}, goals={})


@pytest.fixture
def catalogue_of(database_url: str) -> str:
    """Give a database in which the sample catalogue is revision 1."""
    catalogue = sample_catalogue()
    with_database(database_url, lambda database: PgRevisions(database).register(catalogue))
    return database_url


def test_a_player_is_shown_decoded_beside_what_they_see(catalogue_of: str) -> None:
    insert(catalogue_of, [ALICE])
    code, out, _ = run("player", "alice", "--json", DATABASE_URL=catalogue_of)
    assert code == 0
    shown: dict[str, Any] = json.loads(out)
    facts = shown["facts"]
    assert facts["since"] == "2025-11-25T12:00:00.123Z"
    assert facts["given"] == [{"revision": 1, "at": "2025-11-25T12:00:00.123Z"}]
    assert list(facts["stats"]) == ["login:login_count", "statistic:snowmen_killed"]
    assert facts["stats"]["statistic:snowmen_killed"]["value"] == 4.5
    assert list(facts["goals"]) == ["daily-wins", "kill-10-snowmen"]
    assert facts["goals"]["daily-wins"] == {
        "active": False,
        "assignedAt": None,
        "period": "2025-11-25",
        "carry": 3,
        "offset": None,
        "completedAt": "2025-11-25T12:00:00.123Z",
        "claimedAt": None,
    }
    [snowmen] = [
        goal
        for challenge in shown["seen"]["challenges"]
        for goal in challenge["goals"]
        if goal["goalId"] == "kill-10-snowmen"
    ]
    assert (snowmen["progress"], snowmen["status"], snowmen["isActive"]) == (4, "in_progress", True)


def test_tables_say_the_same_to_a_person(catalogue_of: str) -> None:
    insert(catalogue_of, [ALICE._replace(goals={**ALICE.goals, "gone": GoalFacts(active=True)})])
    code, out, _ = run("player", "alice", DATABASE_URL=catalogue_of)
    assert code == 0
    row = next(line for line in out.splitlines() if "kill-10-snowmen" in line)
    assert "4/10" in row
    assert "in_progress" in row
    assert "2025-11-25T12:00:00.123Z" in out
    assert any("gone" in line and "not served" in line for line in out.splitlines())


def test_a_narrow_terminal_cuts_neither_instants_nor_states(catalogue_of: str) -> None:
    facts = GoalFacts(
        active=True,
        assigned_at_ms=NOON_MS,
        period=20_417,
        carry=12_345,
        offset=123_456.5,
        completed_at_ms=NOON_MS,
        claimed_at_ms=NOON_MS,
    )
    goals = {"kill-10-snowmen": facts, "daily-challenges-goal-01": facts, "gone" * 25: facts}
    counts = Counts(123_456.5, 123_456.5, 123_456.5, 123_456.5)
    stats = {f"statistic:{'x' * 90}": StatFacts(1e9, NOON_MS, counts, 1, (counts, counts))}
    insert(catalogue_of, [ALICE._replace(goals=goals, stats=stats)])
    code, out, _ = run("player", "alice", DATABASE_URL=catalogue_of, COLUMNS="80")
    assert code == 0
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80
    for name in ("assignedAt", "completedAt", "claimedAt"):
        assert out.count(f"{name} 2025-11-25T12:00:00.123Z") == 3
    # since, changedAt, what was given, and the newest event
    assert out.count("2025-11-25T12:00:00.123Z") == 3 * 3 + 4
    for state in ("claimed", "active", "not_started", "not served"):
        assert re.search(rf" {state} ", out), state


def test_what_a_player_sees_can_be_asked_for_another_moment(catalogue_of: str) -> None:
    insert(catalogue_of, [ALICE])
    at = ("--at", "2027-06-23T13:00:00+01:00")
    code, out, _ = run("player", "alice", "--json", *at, DATABASE_URL=catalogue_of)
    assert code == 0
    seen = json.loads(out)["seen"]
    assert seen["at"].startswith("2027-06-23T12:00:")
    turns = {goal["expiresAt"] for each in seen["challenges"] for goal in each["goals"]}
    assert "2027-06-24T00:00:00Z" in turns
    code, _, complaints = run("player", "alice", "--at", "noon", DATABASE_URL=catalogue_of)
    assert code == 2
    assert "'noon' is no timestamp" in complaints


def test_claims_are_shown_and_those_of_a_deleted_player_while_they_are_owed(
    catalogue_of: str,
) -> None:
    insert(catalogue_of, [ALICE])
    reward = Reward("ITEM", "hat", 2)
    made = Claim(
        uuid4(), "alice", "daily-wins", "once", "daily-challenges", "test", reward, NOON_MS
    )

    async def claim_and_erase(database: Database) -> None:
        claims = PgClaims(database, erasure_secret="a secret of these tests")
        assert await claims.make(ALICE, made, lease_ms=None) is Making.MADE
        await claims.erase("alice")

    with_database(catalogue_of, claim_and_erase)
    code, out, _ = run("player", "alice", "--json", DATABASE_URL=catalogue_of)
    [claim] = json.loads(out)["claims"]
    assert (code, claim["state"]) == (0, "pending")
    assert claim["claimId"] == str(made.claim_id)
    assert json.loads(out)["facts"]["version"] == 0
    listed = run("claims", "list", "--json", DATABASE_URL=catalogue_of)[1]
    assert json.loads(listed) == claim
    assert "2 ITEM hat" in run("player", "alice", DATABASE_URL=catalogue_of)[1]


@pytest.mark.parametrize("player", ["nobody", "x" * 101])
def test_an_unknown_player_is_one_clear_line(database_url: str, player: str) -> None:
    code, out, complaints = run("player", player, DATABASE_URL=database_url)
    assert (code, out, len(complaints.splitlines())) == (1, "", 1)
    assert player in complaints


def test_everybody_is_exported_once_in_the_order_of_bytes(database_url: str) -> None:
    players = [named_player(number) for number in range(1201)]
    insert(database_url, players)
    code, out, _ = run("export", DATABASE_URL=database_url)
    assert code == 0
    names = [json.loads(line)["player"] for line in out.splitlines()]
    assert names == sorted(player.player_id for player in players)


def test_whoever_stops_reading_an_export_ends_it_quietly(database_url: str) -> None:
    """The rest is more than a pipe holds, so that writing it fails."""
    insert(database_url, [named_player(number) for number in range(1201)])
    process = start("export", DATABASE_URL=database_url)
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["player"] == "A00001"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(PATIENCE_S) == 141


@pytest.mark.parametrize("players", [1, 1201])
def test_an_export_to_a_full_disk_is_one_clear_line(database_url: str, players: int) -> None:
    """One player fits into what is buffered; more are written while they are read."""
    insert(database_url, [named_player(number) for number in range(players)])
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "app", "export"],
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "No space left on device" in done.stderr


def test_the_embedded_database_is_shared_with_a_running_service_or_started() -> None:
    with reachable_folder() as folder:
        with EmbeddedPostgres(folder / "data") as url:
            migrate(url)
            insert(url, [ALICE._replace(assignments=())])
            beside = run("export", DATA_DIR=str(folder / "data"))
        alone = run("export", DATA_DIR=str(folder / "data"))
        assert beside == alone
        assert json.loads(alone[1])["player"] == "alice"
        with EmbeddedPostgres(folder / "data"):
            """The command that started it has ended it."""
