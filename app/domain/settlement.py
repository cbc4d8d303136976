"""The rule of attempts: what one answer of the provider makes of a claim, and when to ask again."""

from app.domain.reward import (
    ERROR_LENGTH_MAX,
    Call,
    ClaimState,
    Granted,
    GrantOutcome,
    NotGranted,
    RefusedForGood,
    Settlement,
)
from app.domain.text import visible

BACKOFF_MS_MIN = 1_000
BACKOFF_MS_MAX = 900_000
"""With 20 attempts, this spreads them over two to three hours."""

JITTER_SHARE = 0.5
"""Which part of each delay is drawn, so that claims that failed together do not return so."""


def settlement(call: Call, outcome: GrantOutcome, tries_max: int, die: float) -> Settlement:
    """Return what becomes of the claim; `die`, from 0 to below 1, draws the delay.

    A refusal after an attempt whose end is unknown proves nothing about that attempt: in doubt.
    An attempt that certainly granted nothing leaves everything as it was but the delay, so that a
    long outage makes no claim doubtful.
    """
    match outcome:
        case Granted():
            return Settlement(ClaimState.GRANTED)
        case RefusedForGood(reason):
            state = ClaimState.IN_DOUBT if call.uncertain else ClaimState.REFUSED
            return Settlement(state, _bounded(reason), uncertain=call.uncertain)
        case NotGranted(reason, retry_after_ms):
            delay_ms = max(retry_after_ms, backoff_ms(call.attempt, die))
            return Settlement(
                ClaimState.PENDING,
                _bounded(reason),
                delay_ms,
                uncertain=call.uncertain,
                counted=False,
            )
    error = _bounded(outcome.reason)
    if call.tries >= tries_max:
        return Settlement(ClaimState.IN_DOUBT, error, uncertain=True)
    delay_ms = max(outcome.retry_after_ms, backoff_ms(call.tries, die))
    return Settlement(ClaimState.PENDING, error, delay_ms, uncertain=True)


def backoff_ms(tries: int, die: float) -> int:
    """Return the delay after so many tries: twice as long each time, up to the most."""
    # Beyond this many doublings the shift would only make a big number.
    doublings = min(tries - 1, BACKOFF_MS_MAX.bit_length())
    delay_ms = min(BACKOFF_MS_MAX, BACKOFF_MS_MIN << doublings)
    return int(delay_ms * (1 - JITTER_SHARE * die))


def _bounded(text: str) -> str:
    """Return the text as a row can have it: short, valid Unicode, no control characters."""
    return visible(text.encode("utf-8", "replace").decode())[:ERROR_LENGTH_MAX]
