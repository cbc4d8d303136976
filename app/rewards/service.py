"""Puts the calls, the deliveries and the relay together, and takes them apart in order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.domain.reward import Claims, Deliveries, Outbox
from app.rewards.calls import Calls
from app.rewards.delivery import WAIT_S_MAX, ClaimDeliveries
from app.rewards.pace import Pace
from app.rewards.provider import open_provider
from app.rewards.relay import Relay
from app.settings import Settings
from app.telemetry import Metrics

LEASE_MARGIN_MS: Final = 10_000
"""How much longer than its call a lease lasts: for what comes before and after it."""

CLOSE_S_MAX: Final = 3.0
"""How long running calls are waited for at the end. What is cut is called again by a relay."""


@asynccontextmanager
async def open_rewards(
    settings: Settings, outbox: Outbox, claims: Claims, metrics: Metrics
) -> AsyncIterator[Deliveries]:
    """Run a relay, and yield what calls the provider right after a claim."""
    lease_ms = settings.reward_timeout_ms + LEASE_MARGIN_MS
    pace = Pace(concurrency=settings.reward_concurrency, rate_per_s=settings.reward_rate_max)
    async with open_provider(
        settings.reward_url,
        timeout_s=settings.reward_timeout_ms / 1e3,
        concurrency=settings.reward_concurrency,
    ) as provider:
        calls = Calls(
            provider, outbox, claims, tries_max=settings.reward_attempts_max, metrics=metrics
        )
        relay = Relay(calls, outbox, pace, lease_ms=lease_ms, metrics=metrics)
        deliveries = ClaimDeliveries(
            calls,
            pace,
            lease_ms=lease_ms,
            metrics=metrics,
            wake_relay=relay.wake,
            wait_s_max=WAIT_S_MAX,
        )
        relay.start()
        try:
            yield deliveries
        finally:
            await asyncio.gather(relay.close(CLOSE_S_MAX), deliveries.close(CLOSE_S_MAX))
