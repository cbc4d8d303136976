"""How much CPU may go into work that is not part of serving anybody: a share of one core.

A token bucket whose tokens are nanoseconds of CPU. What a piece of work takes is known only when it
is done, so it is spent afterwards: the bucket may go below empty by one piece. No work may begin
unless something is left.
"""

from typing import Final

FULL_NS: Final = 100_000_000
"""What may be saved up while nothing is spent."""


class CpuBudget:
    """A share of a core, in parts of a million."""

    def __init__(self, share_ppm: int) -> None:
        self._share_ppm = share_ppm
        self._left_ns = FULL_NS if share_ppm else 0
        self._at_ns = 0

    def has_left(self, now_ns: int) -> bool:
        """Return whether another piece of work may begin."""
        self._refill(now_ns)
        return self._left_ns > 0

    def spend(self, cpu_ns: int, now_ns: int) -> None:
        """Note what a piece of work took."""
        self._refill(now_ns)
        self._left_ns -= cpu_ns

    def give_back(self, cpu_ns: int) -> None:
        """Take a piece of work for part of serving somebody after all."""
        self._left_ns = min(self._left_ns + cpu_ns, FULL_NS)

    def _refill(self, now_ns: int) -> None:
        span_ns, self._at_ns = max(0, now_ns - self._at_ns), max(now_ns, self._at_ns)
        # Longer spans fill it anyway, whatever the share.
        gained_ns = min(span_ns, FULL_NS * 1_000_000) * self._share_ppm // 1_000_000
        self._left_ns = min(self._left_ns + gained_ns, FULL_NS)
