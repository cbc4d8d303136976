"""Whose turn it is: the time that places are held, divided among the shares by weight.

Start-time fair queueing with several places at once, SFQ(D): Goyal, Vin, Cheng, "Start-time fair
queuing", 1997 (https://doi.org/10.1109/90.649569), and Jin, Chase, Kaur, "Interposed proportional
sharing for a storage service utility", 2004 (https://doi.org/10.1145/1012888.1005694). A start is
charged what its share's places are held for on average; the end corrects that to what it was.

Each share has an account: the virtual moment at which its next start is due. The share whose next
start is due first goes first. The virtual clock stands at the start tag of the latest start.
"""

from collections.abc import Collection, Iterable, Mapping

from middleware.admission.decision import Share
from middleware.admission.settings import SECOND_NS

SCALE = 1 << 10
"""Virtual nanoseconds are divided by weights, so they have ten more bits."""

LEAD_NS_MAX = 1 * SECOND_NS
"""How much place-time a share may be ahead by. Gameplay's own place puts it ahead without end where
its weight gives it less than one place."""


class Shares:
    """The accounts. Nobody gathers credit while idle: who begins to wait is due now or later."""

    def __init__(self, weights: Mapping[Share, int]) -> None:
        self._weights = dict(weights)
        self._due = dict.fromkeys(Share, 0)
        self._clock = 0
        self._contending: frozenset[Share] = frozenset()

    def reconfigure(self, weights: Mapping[Share, int]) -> None:
        """Change the weights; what was charged under the old ones is forgotten."""
        self._weights = dict(weights)
        self._due = dict.fromkeys(Share, self._clock)

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
        """Charge a start."""
        if share not in self._contending:
            self._lift(share)
        tag = self._due[share]
        # A share that starts before others are served their due does so from a place that only it
        # may use: that does not move the clock.
        first = min(map(self._due.__getitem__, self._contending), default=tag)
        self._clock = max(self._clock, min(tag, first))
        lead_max = LEAD_NS_MAX * SCALE // self._weights[share]
        self._due[share] = min(tag + self._virtual(share, charge_ns), self._clock + lead_max)

    def end(self, share: Share, correction_ns: int) -> None:
        """Correct what a start was charged by what it held longer, or less if negative."""
        self._due[share] += self._virtual(share, correction_ns)

    def _lift(self, share: Share) -> None:
        self._due[share] = max(self._due[share], self._clock)

    def _virtual(self, share: Share, place_ns: int) -> int:
        return place_ns * SCALE // self._weights[share]
