"""What becomes of a service whose log nobody reads: the reader is gone, or stuck.

Standard error is a pipe. Its reader leaves as soon as the service is ready, or stays and never
reads, so that the pipe is full soon. Then players ask for their lists over a few kept connections;
each answer is a line for the log.
"""

import asyncio
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec

from benchmarks.faults.embedded import SETTINGS, conditions_of, settings_on
from benchmarks.processes import rss_mib
from benchmarks.rules.client import ANSWER_S_MAX, CHALLENGES, LOOPBACK
from benchmarks.rules.figures import Part, Row, Table, Target
from benchmarks.service import serving

KEY = "log"
READERS = ("gone", "stuck")
CONNECTIONS = 4
BEGINNING = b'{"challenges":[{'
# The service keeps 10,000 lines for a reader that is slow. 90,000 more would be over 20 MiB.
GROWTH_MIB_MAX = 5


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one reader did to the service; `early` is after the first tenth of the requests."""

    wrong: int
    per_s: float
    rss_early_mib: float
    rss_mib: float
    pipe_full: bool
    exit_status: int


def measure(folder: Path, requests: int) -> Part:
    """Try each reader with a service of its own."""
    found = {reader: _try(folder, reader, requests) for reader in READERS}
    settings = SETTINGS | {"requests": str(requests), "connections": str(CONNECTIONS)}
    return Part(
        key=KEY,
        title="A log that nobody reads",
        conditions=conditions_of(folder, settings),
        targets=[one for reader in READERS for one in _targets(reader, found[reader], requests)],
        tables=[
            Table(f"{requests:,} lists each", list(READERS), list(_rows(list(found.values()))))
        ],
        void="" if found["stuck"].pipe_full else "the pipe that nobody reads was never full",
    )


def _try(folder: Path, reader: str, requests: int) -> Found:
    read_end, write_end = os.pipe()
    ends = {read_end, write_end}
    early = requests // 10
    try:
        with serving(settings_on(folder), folder / f"{reader}.log", write_end) as service:
            if reader == "gone":
                os.close(read_end)
                ends.remove(read_end)
            began_s = time.monotonic()
            wrong = asyncio.run(_ask(service.port, early))
            rss_early_mib = rss_mib(service.pid)
            wrong += asyncio.run(_ask(service.port, requests - early))
            took_s = time.monotonic() - began_s
            rss_end_mib = rss_mib(service.pid)
            pipe_full = not select.select([], [write_end], [], 0)[1]
    finally:
        for end in ends:
            os.close(end)
    return Found(
        wrong=wrong,
        per_s=round(requests / took_s, 1),
        rss_early_mib=round(rss_early_mib, 1),
        rss_mib=round(rss_end_mib, 1),
        pipe_full=pipe_full,
        exit_status=service.exit_status,
    )


async def _ask(port: int, requests: int) -> int:
    """Ask for so many lists; return how many answers were none, or wrong."""
    url = f"http://{LOOPBACK}:{port}{CHALLENGES}"
    left = iter(range(requests))

    async def ask_on(player: str) -> int:
        wrong = 0
        for _ in left:
            try:
                async with session.get(url, headers={"x-mock-user-id": player}) as answer:
                    body = await answer.read()
                    wrong += answer.status != 200 or not body.startswith(BEGINNING)
            except (aiohttp.ClientError, TimeoutError, OSError):
                wrong += 1
        return wrong

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_S_MAX)) as session:
        return sum(await asyncio.gather(*(ask_on(f"reader-{n}") for n in range(CONNECTIONS))))


def _targets(reader: str, found: Found, requests: int) -> Iterator[Target]:
    grown_mib = round(found.rss_mib - found.rss_early_mib, 1)
    after = f"after {requests // 10:,} requests"
    for name, unit, bound, value in (
        (f"memory gained {after}", "MiB", GROWTH_MIB_MAX, grown_mib),
        ("wrong answers", "", 0, found.wrong),
        ("ends with another status than 0", "", 0, int(found.exit_status != 0)),
    ):
        yield Target(name=f"reader {reader}: {name}", unit=unit, bound=bound, values=[value])


def _rows(found: list[Found]) -> Iterator[Row]:
    yield Row("requests a second", "", [[one.per_s] for one in found])
    yield Row("wrong answers", "", [[one.wrong] for one in found])
    yield Row("RSS after the first tenth", "MiB", [[one.rss_early_mib] for one in found])
    yield Row("RSS at the end", "MiB", [[one.rss_mib] for one in found])
    yield Row("exit status after SIGTERM", "", [[one.exit_status] for one in found])
