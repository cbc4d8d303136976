"""Writes guarded by the version that was read: how often one is tried, and what it is told then."""

import random

from app.errors import Problem, Reason

# A round is lost only if somebody else won it, within its milliseconds: ten calls of one player at
# once need ten rounds at most.
ROUNDS_MAX = 12

# Its own retries would only meet each other again: they return spread out.
RETRY_AFTER_MS = (200, 1000)


def contended() -> Problem:
    """Return the problem of a guarded write that lost every round; nothing was written."""
    return Problem(
        Reason.DATABASE_UNAVAILABLE,
        "Others keep changing this player; try again shortly.",
        headers={"Retry-After": "1"},
        extra={"retry_after_ms": random.randint(*RETRY_AFTER_MS)},  # noqa: S311 - nothing secret
    )
