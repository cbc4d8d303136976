"""Events at a running service: bodies that never end, and what is stored when it does."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

from app.domain.facts import decode_stats
from app.events.cloudevents import LINES
from benchmarks.service import serving
from tests.database import run_sql
from tests.events import as_lines, login
from tests.eventually import eventually
from tests.raw_http import RawClient, request

TARGET = "/challenge/v1/events"
TOKEN = "s3cret-s3cret-s3cret"
HEADERS = (f"Content-Type: {LINES}", f"Authorization: Bearer {TOKEN}")


def settings_for(database_url: str) -> dict[str, str]:
    return {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "2",
        "BODY_S_MAX": "2",
        "DRAIN_DELAY_S": "0",
        "EVENTS_TOKEN": TOKEN,
        "ADMISSION_QUOTA": "10000",
    }


@pytest.fixture
def address(database_url: str, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Give the address of a service that waits for a body for two seconds."""
    with serving(settings_for(database_url), tmp_path / "log") as service:
        yield "127.0.0.1", service.port
    assert service.exit_status == 0


def post(*events: object, headers: tuple[str, ...] = HEADERS) -> bytes:
    return request("POST", TARGET, *headers, body=as_lines(*events)[1])


def remembered(database_url: str) -> str:
    return run_sql(database_url, "select count(*) from event_seen")[0]


def test_a_batch_that_never_ends_writes_nothing_and_the_same_one_counts_later(
    address: tuple[str, int], database_url: str
) -> None:
    whole = post(login("1"), login("2"))
    with RawClient(address) as client:
        half = client.ask(whole[:-60])
        assert (half.status, half.reason) == (408, "body_timeout")
        assert client.ends()
    assert remembered(database_url) == "0"
    with RawClient(address) as client:
        answer = client.ask(whole)
    assert [each["result"] for each in answer.json()["results"]] == ["accepted"] * 2


def test_ten_megabytes_are_refused_at_once_however_they_come(
    address: tuple[str, int], database_url: str
) -> None:
    with RawClient(address) as client:
        refused = client.ask(request("POST", TARGET, *HEADERS, "Content-Length: 10000000"))
        assert (refused.status, refused.reason) == (413, "body_too_large")
    piece = as_lines(*(login(f"{number:0150}") for number in range(60)))[1] + b"\n"
    with RawClient(address) as client:
        client.send(request("POST", TARGET, *HEADERS, "Transfer-Encoding: chunked"))
        try:
            for _ in range(10_000_000 // len(piece)):
                client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        except OSError:
            pass  # it does not read on
        else:
            assert client.answer().reason == "body_too_large"
    assert remembered(database_url) == "0"


def test_a_stranger_is_refused_before_the_body_is_read(address: tuple[str, int]) -> None:
    with RawClient(address) as client:
        head = (HEADERS[0], "Authorization: Bearer wrong-wrong-wrong", "Content-Length: 200000")
        refused = client.ask(request("POST", TARGET, *head))
        assert (refused.status, refused.reason) == (401, "unauthenticated")
        assert client.ends()


def test_what_was_acknowledged_is_stored_when_the_service_is_killed_and_counts_once(
    database_url: str, tmp_path: Path
) -> None:
    settings = settings_for(database_url)
    acknowledged: set[str] = set()
    batches = [[f"{number}-{place}" for place in range(5)] for number in range(400)]
    with (
        serving(settings, tmp_path / "first.log") as service,
        RawClient(("127.0.0.1", service.port)) as client,
    ):
        killer = Thread(target=kill_once, args=(service.pid, acknowledged, 50))
        killer.start()
        with suppress(ConnectionError):
            for names in batches:
                answer = client.ask(post(*(login(name) for name in names)))
                acknowledged.update(each["id"] for each in answer.json()["results"])
        killer.join()
    assert service.exit_status == -signal.SIGKILL
    assert len(acknowledged) <= counted(database_url) <= len(acknowledged) + 5
    assert counted(database_url) == logins_of_alice(database_url)
    with (
        serving(settings, tmp_path / "second.log") as service,
        RawClient(("127.0.0.1", service.port)) as client,
    ):
        for names in batches[: len(acknowledged) // 5 + 1]:
            client.ask(post(*(login(name) for name in names)))
    assert counted(database_url) == logins_of_alice(database_url) == len(acknowledged) + 5


def kill_once(pid: int, acknowledged: set[str], enough: int) -> None:
    eventually(lambda: len(acknowledged) >= enough)
    os.kill(pid, signal.SIGKILL)


def counted(database_url: str) -> int:
    """Return how many events are remembered; without a time, each is under two days."""
    return int(run_sql(database_url, "select count(distinct digest) from event_seen")[0])


def logins_of_alice(database_url: str) -> int:
    [stats] = run_sql(database_url, "select encode(stats, 'hex') from player")
    return int(decode_stats(bytes.fromhex(stats))["login:login_count"].value)
