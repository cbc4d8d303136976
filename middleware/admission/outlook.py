"""How things stand, from what is known: how long a wait will be, how fast it drains, what binds."""

from middleware.admission.bucket import Bucket
from middleware.admission.decision import Bound, Class, Share
from middleware.admission.drain import Drain
from middleware.admission.line import Line
from middleware.admission.places import Places
from middleware.admission.settings import (
    CLASSES_OF,
    MILLISECOND_NS,
    SHARES,
    AdmissionSettings,
    share_of,
)

WAIT_SHARE = (19, 20)
"""Whoever expects to need more than this share of its budget does not wait: the expectation is an
average, and to be refused after waiting is the slowest way to be refused."""

UNSLOTTED_NS = (200 * MILLISECOND_NS, 800 * MILLISECOND_NS)
"""Classes without slots return after the first, plus a random part of the second: within 1 s."""

STILL_LINE_LIMITS = 4
"""While it stands still, nobody joins a line longer than so many times the limit."""

STILL_NS = 3_500 * MILLISECOND_NS
STILL_SHARE = 2
"""While it stands still, nobody is told to come sooner than after the first, or after half as long
as it has stood: sooner is in vain too often, and later leaves places empty when it goes on. Half of
the horizon is as far as this goes."""


class Outlook:
    """Looks at line, places, drain and bucket, and changes none of them."""

    def __init__(
        self, settings: AdmissionSettings, line: Line, places: Places, drain: Drain
    ) -> None:
        self.bucket = Bucket(settings.initialize_rate) if settings.initialize_rate else None
        self._line = line
        self._places = places
        self._drain = drain
        self._limit = settings.limit

    def reconfigure(self, settings: AdmissionSettings) -> None:
        """Change limit and initialize rate; tokens that were taken stay taken."""
        self._limit = settings.limit
        if settings.initialize_rate is None:
            self.bucket = None
        elif self.bucket is None:
            self.bucket = Bucket(settings.initialize_rate)
        else:
            self.bucket.rate = settings.initialize_rate

    def ahead_of(self, cls: Class) -> int:
        """Return how many of its share would be served before a newcomer of this class."""
        return sum(self._line.waiting(other) for other in CLASSES_OF[share_of(cls)] if other <= cls)

    def wait_ns(self, cls: Class, promised: int, now_ns: int) -> int:
        """Return how long a newcomer should wait behind its share's line and so many promised."""
        share = share_of(cls)
        ahead = self.ahead_of(cls) + promised
        ends = max(0, ahead + 1 - max(0, self._places.free(share)))
        wait_ns = ends * self._drain.interval_ns(share)
        return max(wait_ns, self.token_wait_ns(share, now_ns, ahead + 1))

    def token_wait_ns(self, share: Share, now_ns: int, tokens: int = 1) -> int:
        """Return how long until the `tokens`-th token of the initialize rate is there."""
        if self.bucket is None or share is not Share.LOGINS:
            return 0
        return self.bucket.wait_ns(now_ns, tokens)

    def login_interval_ns(self) -> int:
        """Return the time between two logins while they have to wait."""
        interval_ns = self._drain.interval_ns(Share.LOGINS)
        return max(interval_ns, self.bucket.rate.interval_ns) if self.bucket else interval_ns

    def silence_ns(self, share: Share, now_ns: int) -> int:
        """Return how long nothing has ended well that would give this share a place, if it is long.

        0 otherwise. What counts is its own places; if it holds none, all that are held.
        """
        places = self._places
        if places.free(share) > 0:
            return 0
        holding = [share] if places.of[share] else [other for other in SHARES if places.of[other]]
        return min((self._drain.silence_ns(each, now_ns) for each in holding), default=0)

    def all_still(self, now_ns: int) -> bool:
        """Return whether nothing that runs has ended well for long."""
        held = self._places.of
        return all(self._drain.silence_ns(share, now_ns) for share in SHARES if held[share])

    def line_takes(self, share: Share, now_ns: int) -> bool:
        """Return whether one more may join the share's line: a long one does not grow in vain."""
        if self._line.waiting_in(share) < STILL_LINE_LIMITS * self._limit:
            return True
        return not self.silence_ns(share, now_ns)

    def booked_behind_ns(self, cls: Class, horizon_ns: int, now_ns: int) -> int:
        """Return how far away the first moment may be that is given to somebody of this class."""
        behind_ns = self.wait_ns(cls, 0, now_ns)
        silence_ns = self.silence_ns(share_of(cls), now_ns)
        if not silence_ns:
            return behind_ns
        still_ns = max(STILL_NS, silence_ns // STILL_SHARE)
        return max(behind_ns, min(still_ns, horizon_ns // STILL_SHARE))

    def binds(self, share: Share, now_ns: int) -> Bound:
        """Return what those of a share who wait wait for."""
        if not self._line.waiting_in(share):
            return Bound.NOTHING
        if self._places.free(share) <= 0:
            return Bound.STANDSTILL if self.silence_ns(share, now_ns) else Bound.PLACES
        return Bound.RATE if self.token_wait_ns(share, now_ns) else Bound.KEY


def fits(wait_ns: int, budget_ns: int) -> bool:
    """Return whether somebody with such a budget joins a line with such an expected wait."""
    return wait_ns * WAIT_SHARE[1] <= budget_ns * WAIT_SHARE[0]


def unslotted_ns(jitter: float) -> int:
    """Return when a client without a moment of its own comes again."""
    base_ns, spread_ns = UNSLOTTED_NS
    return base_ns + int(jitter * spread_ns)
