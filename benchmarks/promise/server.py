"""What the simulated service can do: how long each kind of request holds its place."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from middleware.admission import Outcome, Share

S = 1_000_000_000
MS = 1_000_000
TIMEOUT_NS = 5 * S
"""After so long PostgreSQL gives a statement up."""


@dataclass
class Server:
    """Holds of so many ms by share, 20 % more or less; logins, if `held_per_s`, one after another.

    During a `stall` (from, until; in seconds) nothing moves on. Before a `slow` spell is over
    (a rate, and until when in seconds) logins go at that rate.
    """

    held_ms: Mapping[Share, float]
    held_per_s: float | None = None
    stall_s: tuple[float, float] | None = None
    slow: tuple[float, float] | None = None
    _free_ns: int = 0

    def end(self, share: Share, now_ns: int, dice: random.Random) -> tuple[int, Outcome]:
        """Return when a request that starts now ends, and how."""
        if share is Share.LOGINS and self.held_per_s:
            per_s = self.held_per_s
            if self.slow is not None and now_ns < self.slow[1] * S:
                per_s = self.slow[0]
            end_ns = self._work(max(self._free_ns, now_ns), round(S / per_s))
            if end_ns - now_ns <= TIMEOUT_NS:
                self._free_ns = end_ns
        else:
            spread = 0.8 + 0.4 * dice.random()
            end_ns = self._work(now_ns, round(self.held_ms[share] * spread * MS))
        if end_ns - now_ns > TIMEOUT_NS:
            return now_ns + TIMEOUT_NS, Outcome.OVERLOAD
        return end_ns, Outcome.SUCCESS

    def _work(self, start_ns: int, work_ns: int) -> int:
        end_ns = start_ns + work_ns
        if self.stall_s is None:
            return end_ns
        from_ns, until_ns = (round(second * S) for second in self.stall_s)
        if start_ns >= until_ns or end_ns <= from_ns:
            return end_ns
        return end_ns + until_ns - max(from_ns, start_ns)
