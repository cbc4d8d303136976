"""Whose turn it is: the time that places are held, divided among the shares by weight.

Start-time fair queueing with several places at once, SFQ(D): Goyal, Vin, Cheng, "Start-time fair
queuing", 1997 (https://doi.org/10.1109/90.649569), and Jin, Chase, Kaur, "Interposed proportional
sharing for a storage service utility", 2004 (https://doi.org/10.1145/1012888.1005694). A start is
charged in advance what its share's places are held for on average. What is held longer is charged
while it is held, however it ends: a share whose places are slow takes no more of them. What ends
sooner is paid back.

Each share has an account: the virtual moment at which its next start is due. The share whose next
start is due first goes first. The virtual clock stands at the start tag of the latest start.
"""

from collections.abc import Collection, Iterable, Mapping

from middleware.admission.decision import Share
from middleware.admission.settings import SECOND_NS

SCALE = 1 << 10
"""Virtual nanoseconds are divided by weights, so they have ten more bits."""

LEAD_NS_MAX = 5 * SECOND_NS
STILL_LEAD_NS_MAX = 1 * SECOND_NS
"""How long all places may serve others before a share that is ahead is due again. Five seconds are
the longest that a transaction waits for a row. While everything stands still it is one: whoever
runs holds its places for as long as that lasts, and does not take them from others. Gameplay's own
place puts gameplay ahead without end where its weight gives it less than one place."""


class Shares:
    """The accounts. Nobody gathers credit while idle: who begins to wait is due now or later."""

    def __init__(self, weights: Mapping[Share, int], limit: int) -> None:
        self._weights = dict(weights)
        self._limit = limit
        self._due = dict.fromkeys(Share, 0)
        # What was charged in advance for places that are held now, and not yet used up.
        self._advance_ns = dict.fromkeys(Share, 0)
        self._clock = 0
        self._contending: frozenset[Share] = frozenset()

    def reconfigure(self, weights: Mapping[Share, int], limit: int) -> None:
        """Change weights and limit; what was charged under the old ones is forgotten."""
        self._weights = dict(weights)
        self._limit = limit
        self._due = dict.fromkeys(Share, self._clock)
        self._advance_ns = dict.fromkeys(Share, 0)

    def contend(self, shares: Collection[Share]) -> None:
        """Say who waits for a place and could use one; who begins to is due now or later."""
        if shares or self._contending:
            contending = frozenset(shares)
            for share in contending - self._contending:
                self._lift(share)
            self._contending = contending

    def first(self, shares: Iterable[Share]) -> Share:
        """Return which of these shares is due first."""
        return min(shares, key=self._due.__getitem__)

    def start(self, share: Share, charge_ns: int) -> None:
        """Charge a start in advance."""
        if share not in self._contending:
            self._lift(share)
        tag = self._due[share]
        # A share that starts before others are served their due does so from a place that only it
        # may use: that does not move the clock.
        first = min(map(self._due.__getitem__, self._contending), default=tag)
        self._clock = max(self._clock, min(tag, first))
        self._advance_ns[share] += charge_ns
        self.charge(share, charge_ns, still=False)

    def use(self, share: Share, place_ns: int) -> int:
        """Use up what was charged in advance, and return how much more places were held for."""
        left_ns = self._advance_ns[share] - place_ns
        self._advance_ns[share] = max(0, left_ns)
        return max(0, -left_ns)

    def charge(self, share: Share, place_ns: int, *, still: bool) -> None:
        """Charge place-time, up to a bound that is lower while everything stands still."""
        lead_ns_max = self._limit * (STILL_LEAD_NS_MAX if still else LEAD_NS_MAX)
        due = self._due[share]
        latest = max(due, self._clock + self._virtual(share, lead_ns_max))
        self._due[share] = min(due + self._virtual(share, place_ns), latest)

    def end(self, share: Share, unused_ns: int) -> None:
        """Pay back what was charged in advance for a place that was held shorter by so much."""
        unused_ns = min(unused_ns, self._advance_ns[share])
        self._advance_ns[share] -= unused_ns
        self._due[share] -= self._virtual(share, unused_ns)

    def _lift(self, share: Share) -> None:
        self._due[share] = max(self._due[share], self._clock)

    def _virtual(self, share: Share, place_ns: int) -> int:
        return place_ns * SCALE // self._weights[share]
