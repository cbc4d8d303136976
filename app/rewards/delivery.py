"""The call right after a claim: its player waits a moment for it, the call itself longer.

    granted                                settled, and the player is told
    refused, and the player still waits    undone, and the player is told
    unknown, or the moment is over         settled; the player was told that it is pending

A call belongs to no request: if its player leaves, it goes on. Neither does giving back a lease
that nobody called under.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from app.background import Background
from app.domain.reward import Call, ClaimState, RefusedForGood, Undo
from app.rewards.calls import Calls, log_unfinished
from app.rewards.pace import Pace
from app.telemetry import Metrics

WAIT_S_MAX: Final = 0.3
"""How long a player waits for the provider."""


class _PlayerWaits:
    """Whether a player still waits, and whether the claim is being undone meanwhile."""

    over = False
    undoing = False


class ClaimDeliveries:
    """Runs these calls, as many as the pace allows. The port `Deliveries` has its promises."""

    def __init__(
        self,
        calls: Calls,
        pace: Pace,
        *,
        lease_ms: int,
        metrics: Metrics,
        wake_relay: Callable[[], None],
        wait_s_max: float,
    ) -> None:
        self.lease_ms = lease_ms
        self._calls = calls
        self._pace = pace
        self._metrics = metrics
        self._wake_relay = wake_relay
        self._wait_s_max = wait_s_max
        # Bounded by the pace. What breaks is logged also if somebody waits, and raises it.
        self._background = Background(log_unfinished)

    async def reserve(self) -> bool:
        """Take a place for a call, if one is free now."""
        return await self._pace.try_begin()

    def cancel(self, leased: Call | None = None) -> None:
        """Give the place back; with a lease, after the claim is due to the relay."""
        if leased is None:
            self._pace.cancel()
        else:
            self._background.start(self._release(leased))

    def leave(self) -> ClaimState:
        """Leave a claim that is due to the relay."""
        self._metrics.claims.labels(ClaimState.PENDING).inc()
        self._wake_relay()
        return ClaimState.PENDING

    async def deliver(self, call: Call, undo: Undo) -> ClaimState:
        """Call the provider; wait a moment for the answer, and to the end for an undoing."""
        waiting = _PlayerWaits()
        running = self._background.start(self._run(call, undo, waiting))
        try:
            await asyncio.wait({running}, timeout=self._wait_s_max)
            if waiting.undoing:
                # Decided already: the player must not hear anything else. Bounded by the database.
                await asyncio.wait({running})
            state = running.result() if running.done() else ClaimState.PENDING
        finally:
            # Also if the player has left: a claim that nobody hears of is not undone.
            waiting.over = True
        self._metrics.claims.labels(state).inc()
        return state

    async def close(self, wait_s_max: float) -> None:
        """Let running calls end, in bounded time; whatever is cut is called again by a relay."""
        await self._background.close(wait_s_max)

    async def _run(self, call: Call, undo: Undo, waiting: _PlayerWaits) -> ClaimState:
        try:
            outcome = await self._calls.ask(call)
            if isinstance(outcome, RefusedForGood) and not waiting.over:
                waiting.undoing = True
                undone = await self._calls.undo(call, undo)
                return ClaimState.REFUSED if undone else ClaimState.PENDING
            return await self._calls.settle(call, outcome)
        finally:
            self._pace.end()

    async def _release(self, leased: Call) -> None:
        try:
            await self._calls.release(leased)
        finally:
            self._pace.cancel()
        self._wake_relay()
