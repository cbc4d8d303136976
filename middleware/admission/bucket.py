"""A token bucket whose whole state is one integer: the moment at which it will be full again.

The generic cell rate algorithm (ITU-T I.371;
https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm)
in integer nanoseconds. It returns the wait instead of sleeping.
"""

from middleware.admission.settings import Rate


def wait_ns(full_at_ns: int, rate: Rate, now_ns: int, tokens: int = 1) -> int:
    """Return how long until the `tokens`-th token from now is there; 0 if it is already."""
    after_ns = max(full_at_ns, now_ns) + tokens * rate.interval_ns
    return max(0, after_ns - rate.burst * rate.interval_ns - now_ns)


def full_at_after_take(full_at_ns: int, rate: Rate, now_ns: int) -> int:
    """Return the state after one token was taken."""
    return max(full_at_ns, now_ns) + rate.interval_ns


class Bucket:
    """One bucket."""

    __slots__ = ("full_at_ns", "rate")

    def __init__(self, rate: Rate, full_at_ns: int = 0) -> None:
        self.rate = rate
        self.full_at_ns = full_at_ns

    def wait_ns(self, now_ns: int, tokens: int = 1) -> int:
        """Return how long until the `tokens`-th token from now is there."""
        return wait_ns(self.full_at_ns, self.rate, now_ns, tokens)

    def take(self, now_ns: int) -> None:
        """Take one token. The caller has seen `wait_ns` return 0."""
        self.full_at_ns = full_at_after_take(self.full_at_ns, self.rate, now_ns)
