"""A roll-out in mid-burst: three services on one database, restarted one after another.

`python -m benchmarks.roll_out` sends 60 initialize calls a second for a minute to three services
that do 10 a second each, to each in turn, as a balancer that knows nobody does. At 20, 30 and 40 s
a new service takes the place of an old one. A refused client sleeps as long as it is told and sends
its ticket back. With --bare clients send no tickets. It says who got in, and whose moment was put
off.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from statistics import fmean
from typing import Final

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.database import bench_database
from benchmarks.service import Service, serving
from middleware.tickets import TICKET_HEADER, SignedTicket, Tickets

PODS: Final = 3
PER_POD_S: Final = 10
ARRIVALS_PER_S, SECONDS = 60, 60
RESTARTS_S: Final = (20.0, 30.0, 40.0)
SHARED: Final = "what all of these services sign with"
IDEAL_S: Final = ARRIVALS_PER_S * SECONDS / (PODS * PER_POD_S)
RETURNS_MAX: Final = 30
SETTINGS: Final[Mapping[str, str]] = {
    "ENVIRONMENT": "test",
    "DRAIN_DELAY_S": "0",
    "DATABASE_POOL_SIZE": "4",
    "ADMISSION_INITIALIZE_RATE": str(PER_POD_S),
    "ADMISSION_TICKET_SECRET": SHARED,
    "LOG_LEVEL": "warning",
}


class Arrival:
    """One client: how often it asked, which moments it was promised, and when it was in."""

    def __init__(self) -> None:
        self.attempts = 0
        self.promised_ms: list[int] = []
        self.in_s: float | None = None

    @property
    def put_off_s(self) -> float:
        """How much later than its first moment its last one was."""
        return (self.promised_ms[-1] - self.promised_ms[0]) / 1e3 if self.promised_ms else 0.0


class Fleet:
    """The services that there are, asked in turn."""

    def __init__(self, session: aiohttp.ClientSession, *, tickets: bool) -> None:
        self.ports: list[int] = []
        self._session = session
        self._tickets = tickets
        self._turn = count()
        self._reader = Tickets([SHARED])

    async def log_in(self, player: str, arrival: Arrival, start_s: float) -> None:
        """Ask until it is in, each time when it is told to."""
        ticket = ""
        for _ in range(RETURNS_MAX):
            arrival.attempts += 1
            port = self.ports[next(self._turn) % len(self.ports)]
            url = f"http://127.0.0.1:{port}/challenge/v1/challenges/initialize"
            headers = {"x-mock-user-id": player, TICKET_HEADER: ticket if self._tickets else ""}
            async with self._session.post(url, headers=headers) as answer:
                body = await answer.json()
                if answer.status == 200:
                    arrival.in_s = time.monotonic() - start_s
                    return
                ticket = answer.headers.get(TICKET_HEADER, "")
            read = self._reader.read(ticket.encode())
            if isinstance(read, SignedTicket):
                arrival.promised_ms.append(read.ticket.at_ms)
            await asyncio.sleep(body["retry_after_ms"] / 1e3)


@asynccontextmanager
async def beside(settings: Mapping[str, str], log: Path) -> AsyncIterator[Service]:
    """Run a service; its start and its end hold nobody up."""
    stack = ExitStack()
    service = await asyncio.to_thread(stack.enter_context, serving(settings, log))
    try:
        yield service
    finally:
        await asyncio.to_thread(stack.close)


async def play(database_url: str, folder: Path, *, tickets: bool) -> Sequence[Arrival]:
    """Let everybody come, and restart the services meanwhile."""
    settings = {**SETTINGS, "DATABASE_URL": database_url}
    arrivals = [Arrival() for _ in range(ARRIVALS_PER_S * SECONDS)]
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True, limit=0)
    ) as session:
        fleet, stacks = Fleet(session, tickets=tickets), []
        for number in range(PODS):
            stack = AsyncExitStack()
            service = await stack.enter_async_context(beside(settings, folder / f"{number}.log"))
            fleet.ports.append(service.port)
            stacks.append(stack)
        start_s = time.monotonic()

        async def restart(number: int, at_s: float) -> None:
            await asyncio.sleep(at_s)
            stack = AsyncExitStack()
            log = folder / f"{number}-new.log"
            service = await stack.enter_async_context(beside(settings, log))
            fleet.ports[number], old, stacks[number] = service.port, stacks[number], stack
            await old.aclose()

        tasks = [
            asyncio.create_task(restart(number, at_s)) for number, at_s in enumerate(RESTARTS_S)
        ]
        for number, arrival in enumerate(arrivals):
            await asyncio.sleep(max(0, start_s + number / ARRIVALS_PER_S - time.monotonic()))
            tasks.append(asyncio.create_task(fleet.log_in(f"user-{number}", arrival, start_s)))
        await asyncio.gather(*tasks)
        for stack in stacks:
            await stack.aclose()
    return arrivals


def report(arrivals: Sequence[Arrival]) -> Table:
    """Return the table that people read."""
    refused = [arrival for arrival in arrivals if arrival.attempts > 1]
    ins = [arrival.in_s for arrival in arrivals if arrival.in_s is not None]
    table = Table("figure", "value")
    table.add_row("in", f"{100 * len(ins) / len(arrivals):.2f} % of {len(arrivals):,}")
    table.add_row("attempts per refused client", f"{fmean(each.attempts for each in refused):.3f}")
    table.add_row("attempts, most", str(max(each.attempts for each in arrivals)))
    table.add_row("a moment put off, longest", f"{max(each.put_off_s for each in refused):.1f} s")
    table.add_row(f"last one in, beside {IDEAL_S:.0f} s", f"{max(ins) / IDEAL_S:.3f} x")
    return table


def main(arguments: Sequence[str]) -> int:
    """Play it and print; exit with 1 if somebody is not in."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.roll_out", description=__doc__)
    parser.add_argument("--bare", action="store_true", help="clients send no tickets")
    options = parser.parse_args(arguments)
    with bench_database() as (database_url, _), tempfile.TemporaryDirectory() as folder:
        arrivals = asyncio.run(play(database_url, Path(folder), tickets=not options.bare))
    Console(width=100).print(report(arrivals))
    return 0 if all(arrival.in_s is not None for arrival in arrivals) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
