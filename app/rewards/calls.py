"""One call to the provider: observed, and how it ended written down."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Final

import structlog
from opentelemetry import trace

from app.domain.reward import (
    Call,
    ClaimState,
    Granted,
    GrantOutcome,
    Outbox,
    Refused,
    RewardProvider,
    Unknown,
)
from app.domain.settlement import settlement
from app.errors import Problem
from app.telemetry import Metrics

WRITERS_MAX: Final = 2
"""How many outcomes are written at once: few, since the gate leaves no connection for them."""

log = structlog.get_logger()


class Calls:
    """Asks the provider, and settles claims by what it says."""

    def __init__(
        self,
        provider: RewardProvider,
        outbox: Outbox,
        *,
        tries_max: int,
        metrics: Metrics,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._provider = provider
        self._outbox = outbox
        self._tries_max = tries_max
        self._metrics = metrics
        self._dice = dice
        self._writing = asyncio.Semaphore(WRITERS_MAX)
        self._tracer = trace.get_tracer("headrace.rewards")

    async def ask(self, call: Call) -> GrantOutcome:
        """Call the provider. A mistake of ours is not taken for an answer of the provider's."""
        started_ns = time.monotonic_ns()
        with self._tracer.start_as_current_span("reward.grant", kind=trace.SpanKind.CLIENT) as span:
            try:
                outcome = await self._provider.grant(call.claim)
            except Exception as failure:
                log.exception("reward_call_failed", claim_id=str(call.claim.claim_id))
                outcome = Unknown(f"our client failed: {type(failure).__name__}")
            if span.is_recording():
                span.set_attribute("headrace.claim_id", str(call.claim.claim_id))
                span.set_attribute("headrace.attempt", call.attempt)
                span.set_attribute("headrace.outcome", label(outcome))
        seconds = (time.monotonic_ns() - started_ns) / 1e9
        self._metrics.reward_calls.labels(label(outcome)).observe(seconds)
        return outcome

    async def settle(self, call: Call, outcome: GrantOutcome) -> ClaimState:
        """Write down how a call ended; return what became of the claim.

        A database that does not answer changes nothing about what is so: the lease runs out, and
        the relay asks the provider again under the same id.
        """
        settled = settlement(call, outcome, self._tries_max, self._dice())
        try:
            async with self._writing:
                newest = await self._outbox.settle(call, settled)
        except Problem as problem:
            log.warning("claim_not_settled", **_of(call), cause=repr(problem.__cause__))
            return settled.state
        if not newest:
            log.warning("claim_attempt_outdated", **_of(call), outcome=label(outcome))
        elif settled.state in {ClaimState.REFUSED, ClaimState.IN_DOUBT}:
            log.error("claim_needs_a_person", **_of(call), state=settled.state, error=settled.error)
        return settled.state


def label(outcome: GrantOutcome) -> str:
    """Return the outcome as metrics and spans name it."""
    match outcome:
        case Granted():
            return "granted"
        case Refused():
            return "refused"
        case Unknown():
            return "unknown"


def _of(call: Call) -> dict[str, object]:
    return {"claim_id": str(call.claim.claim_id), "attempt": call.attempt}
