"""What a roll-out keeps: a moment that one process promised is kept by the next."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.service import serving
from tests.database import run_sql
from tests.eventually import eventually

INITIALIZE = "/challenge/v1/challenges/initialize"
FIXED = {
    "ENVIRONMENT": "test",
    "DRAIN_DELAY_S": "0",
    "DATABASE_POOL_SIZE": "2",
    "ADMISSION_INITIALIZE_RATE": "1",
    "ADMISSION_WAIT_MS_MAX": "0",
}


@contextmanager
def process(database_url: str, log: Path, **settings: str) -> Iterator[httpx.Client]:
    with (
        serving({**FIXED, "DATABASE_URL": database_url, **settings}, log) as service,
        httpx.Client(base_url=f"http://127.0.0.1:{service.port}") as client,
    ):
        yield client


def initialize(client: httpx.Client, player: str, ticket: str = "") -> httpx.Response:
    headers = {"x-mock-user-id": player} | ({"admission-ticket": ticket} if ticket else {})
    return client.post(INITIALIZE, headers=headers)


def noted(database_url: str) -> bool:
    """Return whether a process has noted until when it has promised moments."""
    return bool(run_sql(database_url, "select 1 from gate_booking"))


def refused_of(client: httpx.Client, names: list[str]) -> list[httpx.Response]:
    answers = [initialize(client, name) for name in names]
    return [answer for answer in answers if answer.status_code == 503]


def test_a_moment_survives_the_process_that_promised_it_and_the_key_that_signed_it(
    database_url: str, tmp_path: Path
) -> None:
    old, new = "o" * 32, "n" * 32
    with process(database_url, tmp_path / "1", ADMISSION_TICKET_SECRET=old) as client:
        *_, told = refused_of(client, [f"player{number}" for number in range(7)])
        assert told.headers["admission-ticket"] == told.json()["admission_ticket"]
        moment_s = time.monotonic() + told.json()["retry_after_ms"] / 1e3
        eventually(lambda: noted(database_url))
    ticket = told.json()["admission_ticket"]
    secrets = {"ADMISSION_TICKET_SECRET": new, "ADMISSION_TICKET_SECRET_BEFORE": old}
    with process(database_url, tmp_path / "2", **secrets) as client:
        others = refused_of(client, [f"other{number}" for number in range(3)])
        # Behind all that were promised before the roll-out.
        left_s = moment_s - time.monotonic()
        assert min(other.json()["retry_after_ms"] for other in others) / 1e3 > left_s
        early = initialize(client, "player6", ticket)
        assert early.json()["reason"] == "slot_early"
        stolen = initialize(client, "mallory", ticket)
        assert stolen.json()["admission_ticket_ignored"] == "owner_differs"
        eventually(lambda: initialize(client, "player6", ticket).status_code == 200)
