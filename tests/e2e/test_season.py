"""A short season over HTTP against a served process: the script of `python -m app demo`."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from app.commands.demo import Where, season
from app.commands.season import Step
from app.failures import CommandFailed
from tests.eventually import PATIENCE_S

CHECKOUT = Path(__file__).parents[2]
ADDRESS = re.compile(r"^  (players|operations) +(http://[^/]+)/")


class Addresses(NamedTuple):
    players: str
    operations: str


TOKEN = "token-of-these-tests"


@pytest.fixture
def service(database_url: str, tmp_path: Path) -> Iterator[Addresses]:
    """Serve the sample catalogue, until the end of the test."""
    with serving(database_url, tmp_path) as addresses:
        yield addresses


@contextmanager
def serving(database_url: str, tmp_path: Path, **settings: str) -> Iterator[Addresses]:
    environ = {"DATABASE_URL": database_url, "PORT": "0", "OPERATIONS_PORT": "0", **settings}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"],
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], **environ},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        assert process.stdout is not None
        try:
            found: dict[str, str] = {}
            while len(found) < 2 and (line := process.stdout.readline()):
                if match := ADDRESS.match(line):
                    found[match[1]] = match[2]
            assert found, (tmp_path / "log").read_text()
            yield Addresses(**found)
        finally:
            process.terminate()


@pytest.fixture
async def steps(service: Addresses) -> Mapping[str, Step]:
    """Play the season and give its steps by name."""
    async with season(Where(*service)) as played:
        return {step.name: step async for step in played}


def shown(step: Step, goal_id: str) -> tuple[Any, ...]:
    goal = step.seen[goal_id]
    return goal["progress"], goal["status"], goal["isActive"]


async def test_a_season_is_played_as_its_player_expects(steps: Mapping[str, Step]) -> None:
    began = steps["initialize"]
    assert (began.answer.body["newAssignments"], began.answer.body["totalActive"]) == (10, 10)
    check_monday(steps)
    check_tuesday(steps)
    check_next_week(steps)


def check_monday(steps: Mapping[str, Step]) -> None:
    played = steps["first events"]
    results = [result["result"] for result in played.answer.body["results"]]
    assert results == ["accepted"] * 4 + ["duplicate"]
    assert shown(played, "daily-challenges-goal-01") == (10, "completed", True)
    assert shown(played, "daily-challenges-goal-02") == (3, "completed", True)
    assert shown(played, "weekly-challenges-goal-01") == (10, "in_progress", True)
    assert shown(played, "daily-login-rotation") == (1, "completed", True)
    assert steps["initialize"].seen["kill-10-snowmen"]["locked"] is True
    assert played.seen["kill-10-snowmen"]["locked"] is False
    assert shown(steps["activate"], "kill-10-snowmen") == (0, "not_started", True)
    selected = steps["select"].answer.body
    assert [goal["goalId"] for goal in selected["selectedGoals"]] == [
        "daily-10-kills",
        "daily-3-matches",
    ]
    drawn = steps["random"].answer.body
    assert drawn["totalActiveGoals"] == 4
    assert not {"daily-10-kills", "daily-3-matches"} & {
        goal["goalId"] for goal in drawn["selectedGoals"]
    }
    assert claimed(steps["claim"]) == {"type": "WALLET", "rewardId": "GOLD", "quantity": 100}
    assert refused(steps["claim again"]) == (409, "already_claimed")
    assert refused(steps["claim early"]) == (400, "goal_not_completed")


def check_tuesday(steps: Mapping[str, Step]) -> None:
    turned = steps["tuesday"]
    assert shown(turned, "daily-challenges-goal-01") == (0, "not_started", True)
    assert shown(turned, "daily-wins-no-reselect") == (3, "claimed", True)
    assert shown(turned, "weekly-challenges-goal-01") == (10, "in_progress", True)
    assert refused(steps["claim late"]) == (400, "goal_rotated")
    played = steps["second events"]
    assert shown(played, "daily-challenges-goal-01") == (12, "completed", True)
    assert shown(played, "weekly-challenges-goal-01") == (22, "in_progress", True)
    assert claimed(steps["claim snowmen"])["type"] == "ITEM"
    first, second = steps["claim daily"], steps["claim daily again"]
    assert claimed(first) == claimed(second)
    assert first.answer.body["claimId"] != second.answer.body["claimId"]


def check_next_week(steps: Mapping[str, Step]) -> None:
    turned = steps["next week"]
    assert shown(turned, "weekly-challenges-goal-01") == (0, "not_started", True)
    assert shown(turned, "weekly-wins-no-reset") == (3, "in_progress", True)
    assert shown(turned, "monthly-kills-goal") == (22, "in_progress", True)
    assert steps["rotation"].answer.body["rotation"]["schedule"] == "weekly"
    assert refused(steps["claim once again"]) == (409, "already_claimed")
    # The player's row, and of the five claims those that are granted by now.
    assert steps["delete"].answer.body["rowsDeleted"] in range(1, 7)
    assert shown(steps["delete"], "kill-10-snowmen") == (0, "not_started", False)
    assert steps["delete again"].answer.body["rowsDeleted"] == 0


def claimed(step: Step) -> Any:
    """Return what a claim that was made grants."""
    assert step.answer.status == 200
    assert step.answer.body["rewardState"] in {"granted", "pending"}
    return step.answer.body["reward"]


def refused(step: Step) -> tuple[int, str]:
    return step.answer.status, step.answer.body["reason"]


async def test_the_clock_is_released_even_if_the_season_is_broken_off(service: Addresses) -> None:
    async with (
        season(Where(*service)) as played,
        httpx.AsyncClient(base_url=service.operations) as client,
    ):
        assert (await anext(played)).name == "monday"
        assert (await client.get("/clock")).json()["isSet"] is True
    async with httpx.AsyncClient(base_url=service.operations) as client:
        assert (await client.get("/clock")).json()["isSet"] is False


def test_the_demo_plays_where_events_need_a_token_and_fails_without_it(
    database_url: str, tmp_path: Path
) -> None:
    with serving(database_url, tmp_path, EVENTS_TOKEN=TOKEN) as addresses:
        code, shown, complaints = demo(addresses)
        assert (code, len(complaints.splitlines())) == (1, 1)
        assert "'first events': POST /events is answered 401" in complaints
        assert "EVENTS_TOKEN" in complaints
        assert "It is Tuesday" not in shown
        code, shown, complaints = demo(addresses, EVENTS_TOKEN=TOKEN)
        assert (code, complaints) == (0, "")
        assert "Nothing is left to forget." in shown


def test_the_demo_plays_in_production_s_form_but_for_the_clock(
    database_url: str, tmp_path: Path
) -> None:
    """Players show an issuer's tokens, services and whoever sets the clock show their own."""
    with issuing() as issuer:
        settings = {
            "AUTH_ENABLED": "true",
            "AUTH_KEYS": f"{issuer}/jwks.json",
            "AUTH_ISSUER": issuer,
            "EVENTS_TOKEN": TOKEN,
            "OPERATIONS_TOKEN": TOKEN,
        }
        with serving(database_url, tmp_path, **settings) as addresses:
            code, _, complaints = demo(addresses, EVENTS_TOKEN=TOKEN, OPERATIONS_TOKEN=TOKEN)
            assert (code, "refused" in complaints) == (1, True)
            code, shown, complaints = demo(
                addresses, "--issuer", issuer, EVENTS_TOKEN=TOKEN, OPERATIONS_TOKEN=TOKEN
            )
            assert (code, complaints) == (0, "")
            assert "Nothing is left to forget." in shown
            code, _, complaints = demo(addresses, "--issuer", issuer, EVENTS_TOKEN=TOKEN)
            assert (code, "cannot be set" in complaints) == (1, True)


@contextmanager
def issuing() -> Iterator[str]:
    """Run `mock-issuer` until the end, and yield its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "mock-issuer", "--port", "0", "--player", "alice"],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            issuer = ""
            for line in process.stdout:
                issuer = line.strip().removeprefix("AUTH_ISSUER=") if "ISSUER=" in line else issuer
                if line.startswith("alice "):
                    break
            yield issuer
        finally:
            process.terminate()
            process.stdout.close()


def demo(addresses: Addresses, *arguments: str, **settings: str) -> tuple[int, str, str]:
    urls = ["--url", addresses.players, "--operations-url", addresses.operations]
    done = subprocess.run(
        [sys.executable, "-m", "app", "demo", *urls, *arguments],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    return done.returncode, done.stdout, done.stderr


async def test_a_service_whose_clock_stands_fast_is_told_so(service: Addresses) -> None:
    with pytest.raises(CommandFailed, match="cannot be set"):
        async with season(Where(service.players, service.players)):
            raise AssertionError


def test_no_service_is_one_clear_line() -> None:
    code, shown, complaints = demo(Addresses("http://127.0.0.1:9", "http://127.0.0.1:9"))
    assert (code, shown, len(complaints.splitlines())) == (1, "", 1)
    assert "make run" in complaints


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://127.0.0.1", "http://[::1"])
def test_what_is_no_address_is_called_so(url: str) -> None:
    code, _, complaints = demo(Addresses(url, "http://127.0.0.1:9"))
    assert code == 2
    assert f"argument --url: {url!r} is no URL" in complaints
