"""What the clients of a run do after a refusal: a few kinds of them, drawn by seed.

    never      nobody returns
    obedient   each returns at the moment it was told
    no_shows   half of the clients never return, the others when told
    late       half of the returns are late, by up to 55 s
    pollers    a fifth of the clients come every second, or when told if that is sooner

Those that do not do as they are told are the *wilful* ones: the no-shows, or the pollers. Being
late is no kind of client, since each return is drawn anew.
"""

import random
from enum import StrEnum

LATE_SHARE = 0.5
LATE_MS_MAX = 55_000
POLL_EVERY_MS = 1_000


class Returning(StrEnum):
    """Who comes back, and when."""

    NEVER = "never"
    OBEDIENT = "obedient"
    NO_SHOWS = "no_shows"
    LATE = "late"
    POLLERS = "pollers"


WILFUL_SHARES = {Returning.NO_SHOWS: 0.5, Returning.POLLERS: 0.2}


class Clients:
    """The clients of a run, one for each arrival."""

    def __init__(self, returning: Returning, arrivals: int, seed: int) -> None:
        self._returning = returning
        self._dice = random.Random(seed)
        share = WILFUL_SHARES.get(returning, 0.0)
        # Drawn before anybody comes: the order of the answers must not decide who is who.
        self._wilful = bytes(self._dice.random() < share for _ in range(arrivals))

    def is_wilful(self, arrival: int) -> bool:
        """Return whether this client does otherwise than it is told."""
        return bool(self._wilful[arrival])

    def return_after_ms(self, arrival: int, told_ms: int) -> int | None:
        """Return how long after its refusal a client comes again; None for never."""
        if self._returning is Returning.NEVER:
            return None
        if self._returning is Returning.LATE:
            is_late = self._dice.random() < LATE_SHARE
            return told_ms + (self._dice.randint(0, LATE_MS_MAX) if is_late else 0)
        if not self.is_wilful(arrival):
            return told_ms
        return min(told_ms, POLL_EVERY_MS) if self._returning is Returning.POLLERS else None
