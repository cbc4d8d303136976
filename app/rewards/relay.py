"""Calls the provider for every claim that is due, until it is granted or nobody can know.

    look ─► lease what is due, in one statement, committed ─► call, each under its claim's id
     ▲                                                          │
     └── after a moment, or when woken                        settle, if it is news

Any number of relays may run. A relay that dies holds nothing but leases, which run out.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from app.domain.errors import Unavailable
from app.domain.reward import Call, ClaimState, Outbox
from app.rewards.calls import Calls, log_unfinished
from app.rewards.pace import Pace
from app.telemetry import Metrics

BATCH_MAX: Final = 32
"""How many claims one statement leases."""

POLL_S: Final = 1.0
"""How long a relay that found nothing waits; with the dice, so that pods do not ask in step."""

COUNT_S: Final = 15.0
"""How often open claims are counted."""

OPEN_STATES: Final = (ClaimState.PENDING, ClaimState.REFUSED, ClaimState.IN_DOUBT)

log = structlog.get_logger()


class Relay:
    """One process's share of the outbox. `start` it once, `close` it once."""

    def __init__(
        self,
        calls: Calls,
        outbox: Outbox,
        pace: Pace,
        *,
        lease_ms: int,
        metrics: Metrics,
        poll_s: float = POLL_S,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._calls = calls
        self._outbox = outbox
        self._pace = pace
        self._lease_ms = lease_ms
        self._metrics = metrics
        self._poll_s = poll_s
        self._dice = dice
        self._woken = asyncio.Event()
        self._closing = False
        self._loop: asyncio.Task[None] | None = None
        # Bounded by the pace.
        self._running: set[asyncio.Task[None]] = set()
        self._batch = 1
        self._count_at_s = 0.0

    def start(self) -> None:
        """Begin to look for claims."""
        self._loop = asyncio.create_task(self._look())

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def close(self, wait_s_max: float) -> None:
        """Take no more claims, and let running calls end, in bounded time."""
        self._closing = True
        self.wake()
        tasks = self._running | ({self._loop} if self._loop is not None else set())
        if not tasks:
            return
        _, cut = await asyncio.wait(tasks, timeout=wait_s_max)
        for running in cut:
            running.cancel()
        await asyncio.gather(*cut, return_exceptions=True)

    async def _look(self) -> None:
        while not self._closing:
            self._woken.clear()
            try:
                await self._count()
                found = await self._take()
            except Unavailable as failure:
                log.warning(
                    "relay_waits_for_the_database", cause=repr(failure.__cause__ or failure)
                )
                found = 0
            except Exception:
                # Whatever it is, players' rewards wait for this loop: it goes on and is heard.
                log.exception("relay_failed")
                found = 0
            if not found:
                await self._wait()

    async def _take(self) -> int:
        """Lease what is due and begin a call for each; return how many."""
        await self._pace.begin()
        places = 1
        try:
            while places < self._batch and await self._pace.try_begin():
                places += 1
            due = [] if self._closing else await self._outbox.lease(places, self._lease_ms)
            # Places that turn out to be unneeded are missed by claims meanwhile: begin with one.
            self._batch = min(2 * self._batch, BATCH_MAX) if len(due) == places else 1
            for call in due:
                places -= 1
                running = asyncio.create_task(self._run(call))
                self._running.add(running)
                running.add_done_callback(self._done)
        finally:
            for _ in range(places):
                self._pace.cancel()
        return len(due)

    async def _run(self, call: Call) -> None:
        try:
            outcome = await self._calls.ask(call)
            await self._calls.settle(call, outcome)
        finally:
            self._pace.end()

    def _done(self, running: asyncio.Task[None]) -> None:
        self._running.discard(running)
        log_unfinished(running)

    async def _count(self) -> None:
        """Show what is open, and remove what a crash left of deleted players, now and then."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._count_at_s:
            return
        self._count_at_s = now_s + COUNT_S
        await self._outbox.sweep()
        counts = await self._outbox.count_open()
        for state in OPEN_STATES:
            self._metrics.claims_open.labels(state).set(counts.get(state, 0))

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._poll_s * (0.5 + self._dice())):
                await self._woken.wait()
        except TimeoutError:
            return
