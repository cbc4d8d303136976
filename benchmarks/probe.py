"""The closed-loop probe: whether the database is really held at what a run will say.

A few workers, each with one kept connection and always one request in flight, call initialize
through a service without a gate: first with new players, then again with the same ones. What comes
out is what the database lets through, because the workers always want more.
"""

import asyncio
import http.client
import itertools
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from benchmarks.held import Held
from benchmarks.service import serving

WORKERS = 16
PROBE_S = 4.0
# The first moments after an idle time come at once, as many as the lag allows: not counted.
SETTLE_S = 0.5
TOLERANCE = 0.05
ANSWER_S_MAX = 10


class NotHeld(Exception):
    """The database does not do what it should be held at; a run would mean nothing."""


class Probe(msgspec.Struct, frozen=True):
    """What the closed loop got, first and returning initializes apart."""

    first_per_s: float
    returning_per_s: float
    taken_per_first: float
    taken_per_returning: float


def hold_and_confirm(held: Held, rate_per_s: int, settings: Mapping[str, str], log: Path) -> Probe:
    """Hold an empty database at `rate_per_s`, and see that it is by a service without a gate.

    Raise NotHeld unless it is.
    """
    asyncio.run(held.hold(rate_per_s))
    asyncio.run(held.empty())
    with serving({**settings, "ADMISSION_MODE": "off"}, log) as service:
        result = probe(service.port, lambda: asyncio.run(held.count()).taken)
    confirm(result, rate_per_s)
    return result


def probe(port: int, count_taken: Callable[[], int]) -> Probe:
    """Call the ungated service on `port`; `count_taken` tells how many moments were taken."""
    taken_before = count_taken()
    firsts, first_per_s = _closed_loop(port, players_max=None)
    taken_between = count_taken()
    returnings, returning_per_s = _closed_loop(port, players_max=firsts)
    taken_after = count_taken()
    return Probe(
        first_per_s=first_per_s,
        returning_per_s=returning_per_s,
        taken_per_first=round((taken_between - taken_before) / firsts, 4),
        taken_per_returning=round((taken_after - taken_between) / returnings, 4),
    )


def confirm(result: Probe, rate_per_s: int) -> None:
    """Raise NotHeld unless the probe got `rate_per_s` within 5 %, each player for one moment."""
    for kind, per_s, taken in (
        ("first", result.first_per_s, result.taken_per_first),
        ("returning", result.returning_per_s, result.taken_per_returning),
    ):
        if abs(per_s / rate_per_s - 1) > TOLERANCE:
            raise NotHeld(
                f"{kind} initializes: {per_s}/s came through, held is {rate_per_s}/s ± 5 %"
            )
        if abs(taken - 1) > TOLERANCE:
            raise NotHeld(f"{kind} initializes take {taken} moments each, not 1")


def _closed_loop(port: int, *, players_max: int | None) -> tuple[int, float]:
    """Return how many initializes were answered, and how many a second once settled."""
    numbers = itertools.count()
    start_s = time.monotonic()
    end_s = start_s + SETTLE_S + PROBE_S

    def work() -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S_MAX)
        answered_s = []
        while time.monotonic() < end_s:
            number = next(numbers)
            _initialize(connection, number if players_max is None else number % players_max)
            answered_s.append(time.monotonic())
        connection.close()
        return answered_s

    with ThreadPoolExecutor(WORKERS) as pool:
        workers = [pool.submit(work) for _ in range(WORKERS)]
        answered_s = [moment for worker in workers for moment in worker.result()]
    settled = sum(start_s + SETTLE_S <= moment < end_s for moment in answered_s)
    return len(answered_s), round(settled / PROBE_S, 1)


def _initialize(connection: http.client.HTTPConnection, number: int) -> None:
    try:
        connection.request(
            "POST",
            "/challenge/v1/challenges/initialize",
            body=b"{}",
            headers={
                "x-mock-user-id": f"probe-{number:06d}",
                "content-type": "application/json",
            },
        )
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotHeld(f"the probe got no answer: {error!r}") from error
    if answer.status != 200:
        raise NotHeld(f"the probe got {answer.status}: {body[:200]!r}")
