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

from app.background import Background
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
        # One loop, and calls that the pace bounds.
        self._background = Background(log_unfinished)
        self._batch = 1
        self._count_at_s = 0.0

    def start(self) -> None:
        """Begin to look for claims."""
        self._background.start(self._look())

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def close(self, wait_s_max: float) -> None:
        """Take no more claims, and let running calls end, in bounded time."""
        self._closing = True
        self.wake()
        await self._background.close(wait_s_max)

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
                self._background.start(self._run(call))
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
