"""A role that lacks a right: told in one line what to grant, and no traceback for each request."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.app import App, settings_for
from tests.database import named, run_sql
from tests.integration.test_clock import Stage
from tests.integration.test_player_commands import run

ALL_TABLES = "select, insert, update, delete on all tables in schema public"

NO_FUNCTIONS = "revoke execute on all functions in schema public from public"


@pytest.fixture
def guest_url(database_url: str) -> Iterator[str]:
    """Give the address of a role that may connect and nothing else."""
    run_sql(database_url, "create role guest login")
    yield database_url.replace("//headrace@", "//guest@")
    run_sql(database_url, "drop owned by guest; drop role guest")


@pytest.mark.parametrize(
    ("harm", "command", "advice"),
    [
        ("", "claims list", f"; as an administrator: grant {ALL_TABLES} to"),
        ("", "serve", f"; as an administrator: grant {ALL_TABLES} to"),
        (
            f"grant {ALL_TABLES} to guest; {NO_FUNCTIONS}",
            "serve",
            "; as an administrator: grant execute on all functions in schema public to",
        ),
        (
            "revoke connect on database {name} from public",
            "export",
            'CONNECT privilege.; as an administrator: grant connect on database "{name}" to',
        ),
        (
            "grant create on schema public to guest",
            "migrate",
            "; if another role made it, migrate as that role",
        ),
    ],
)
def test_a_right_that_a_command_lacks_is_one_line_with_what_to_grant(
    database_url: str,
    guest_url: str,
    harm: str,
    command: str,
    advice: str,
) -> None:
    name = run_sql(database_url, "select current_database()")[0]
    if harm:
        run_sql(database_url, harm.format(name=name))
    ports = {"PORT": "0", "OPERATIONS_PORT": "0"}
    code, _, complaints = run(*command.split(), DATABASE_URL=guest_url, **ports)
    told = [line for line in complaints.splitlines() if not line.startswith("{")]
    assert (code, len(told)) == (1, 1)
    assert advice.format(name=name) in told[0]


def test_a_search_path_that_leads_nowhere_is_told(
    postgres_url: str,
    database_numbers: Iterator[int],
) -> None:
    name = f"astray_{next(database_numbers)}"
    run_sql(postgres_url, f"create database {name}")
    run_sql(postgres_url, f"alter database {name} set search_path = nowhere")
    code, _, complaints = run("migrate", DATABASE_URL=named(postgres_url, name))
    [told] = complaints.splitlines()
    assert code == 1
    assert "; the search_path of DATABASE_URL, of its role or of the database names no" in told


async def test_a_right_that_goes_is_a_503_for_operators_too(
    database_url: str, guest_url: str
) -> None:
    run_sql(database_url, f"grant {ALL_TABLES} to guest")
    async with App(settings_for(), guest_url) as app:
        run_sql(database_url, NO_FUNCTIONS)
        answer = await Stage(app).ask("PUT", b'{"now":"2027-06-23T12:00:00Z"}')
    assert (answer.status, answer.json["reason"]) == (503, "database_unavailable")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_right_that_goes_while_players_are_served_is_a_503_with_its_cause(
    database_url: str, guest_url: str
) -> None:
    run_sql(database_url, f"grant {ALL_TABLES} to guest")
    async with App(settings_for(), guest_url) as app:
        run_sql(database_url, "revoke insert on player from guest")
        with capture_logs() as lines:
            answer = await app.request("POST", "/challenge/v1/challenges/initialize")
        assert (answer.status, answer.json["reason"]) == (503, "database_unavailable")
        assert [line["log_level"] for line in lines] == ["info"]
        assert "permission denied for table player" in lines[0]["cause"]
        run_sql(database_url, "grant insert on player to guest")
        assert (await app.request("POST", "/challenge/v1/challenges/initialize")).status == 200
