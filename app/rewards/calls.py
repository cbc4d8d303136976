"""One call to the provider: observed, and how it ended written down by one of few writers."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from opentelemetry import trace

from app.domain.errors import Unavailable
from app.domain.reward import (
    Call,
    Claims,
    ClaimState,
    Granted,
    GrantOutcome,
    NotGranted,
    Outbox,
    RefusedForGood,
    RewardProvider,
    Undo,
    Unknown,
)
from app.domain.settlement import settlement
from app.telemetry import Metrics

WRITERS_MAX: Final = 2
"""How many outcomes are written at once: few, since the gate leaves no connection for them."""

WRITER_WAIT_S_MAX: Final = 5.0
"""How long one is waited for: less than a lease has left when its call has ended."""

log = structlog.get_logger()


class Calls:
    """Asks the provider, and settles claims by what it says."""

    def __init__(
        self,
        provider: RewardProvider,
        outbox: Outbox,
        claims: Claims,
        *,
        tries_max: int,
        metrics: Metrics,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._provider = provider
        self._outbox = outbox
        self._claims = claims
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
            async with self._writer():
                newest = await self._outbox.settle(call, settled)
        except (Unavailable, TimeoutError) as failure:
            _log_unwritten("claim_not_settled", call, failure)
            return settled.state
        if not newest:
            log.warning("claim_attempt_outdated", **_of(call), outcome=label(outcome))
        elif settled.state in {ClaimState.REFUSED, ClaimState.IN_DOUBT}:
            log.error("claim_needs_a_person", **_of(call), state=settled.state, error=settled.error)
        return settled.state

    async def undo(self, call: Call, undo: Undo) -> bool:
        """Undo a refused claim; return whether that was done. Raises `Unavailable`."""
        try:
            async with self._writer():
                return await self._claims.undo(call, undo)
        except TimeoutError as failure:
            _log_unwritten("claim_not_undone", call, failure)
            return False

    async def release(self, call: Call) -> None:
        """Give back the right to call. If the database does not answer, the lease runs out."""
        try:
            async with self._writer():
                await self._outbox.release(call)
        except (Unavailable, TimeoutError) as failure:
            _log_unwritten("claim_not_released", call, failure)

    @asynccontextmanager
    async def _writer(self) -> AsyncIterator[None]:
        """Hold a writer's place. Raises TimeoutError if none becomes free in time."""
        async with asyncio.timeout(WRITER_WAIT_S_MAX):
            await self._writing.acquire()
        try:
            yield
        finally:
            self._writing.release()


def label(outcome: GrantOutcome) -> str:
    """Return the outcome as metrics and spans name it."""
    match outcome:
        case Granted():
            return "granted"
        case RefusedForGood():
            return "refused"
        case NotGranted():
            return "not_granted"
        case Unknown():
            return "unknown"


def log_unfinished(running: asyncio.Task[object]) -> None:
    """Log what broke a call's task. The lease runs out, and the relay goes on."""
    if not running.cancelled() and running.exception() is not None:
        log.warning("claim_call_not_finished", cause=repr(running.exception()))


def _log_unwritten(event: str, call: Call, failure: Exception) -> None:
    cause = failure.__cause__ if isinstance(failure, Unavailable) else "no writer was free"
    log.warning(event, **_of(call), cause=repr(cause))


def _of(call: Call) -> dict[str, object]:
    return {"claim_id": str(call.claim.claim_id), "attempt": call.attempt}
