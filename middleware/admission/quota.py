"""Each client's own rate, in bounded memory."""

from collections import OrderedDict
from collections.abc import Hashable

from middleware.admission import bucket
from middleware.admission.settings import Rate

KEYS_MAX = 200_000


class Quotas:
    """One token bucket per key. A bucket that is full again holds no information and is dropped.

    The keys stand in the order of their last take. Above `keys_max` buckets that are not full,
    strangers share one: an attacker with many keys slows other strangers down, never the clients
    already known.
    """

    def __init__(self, rate: Rate, keys_max: int = KEYS_MAX) -> None:
        self._rate = rate
        self._keys_max = keys_max
        self._full_at_ns: OrderedDict[Hashable, int] = OrderedDict()
        self._strangers_full_at_ns = 0

    def __len__(self) -> int:
        return len(self._full_at_ns)

    def wait_ns(self, key: Hashable, now_ns: int) -> int:
        """Return how long this key must wait for its next token; 0 if it may go now."""
        return bucket.wait_ns(self._state(key, now_ns), self._rate, now_ns)

    def take(self, key: Hashable, now_ns: int) -> None:
        """Take one of this key's tokens, into debt if need be."""
        full_at_ns = bucket.full_at_after_take(self._state(key, now_ns), self._rate, now_ns)
        if key in self._full_at_ns or self._has_room(now_ns):
            self._full_at_ns[key] = full_at_ns
            self._full_at_ns.move_to_end(key)
        else:
            self._strangers_full_at_ns = full_at_ns

    def reconfigure(self, rate: Rate) -> None:
        """Change the rate; what each key has used so far stays."""
        self._rate = rate

    def _state(self, key: Hashable, now_ns: int) -> int:
        full_at_ns = self._full_at_ns.get(key)
        if full_at_ns is not None:
            return full_at_ns
        return 0 if self._has_room(now_ns) else self._strangers_full_at_ns

    def _has_room(self, now_ns: int) -> bool:
        # Two per call: the table shrinks at least as fast as it can grow, at a bounded cost.
        for _ in range(2):
            oldest = next(iter(self._full_at_ns), None)
            if oldest is None or self._full_at_ns[oldest] > now_ns:
                break
            del self._full_at_ns[oldest]
        return len(self._full_at_ns) < self._keys_max
