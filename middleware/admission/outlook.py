"""How things stand, from what is known: how long a wait will be, how fast it drains, what binds."""

from middleware.admission.bucket import Bucket
from middleware.admission.decision import Bound, Class, Share
from middleware.admission.drain import Drain
from middleware.admission.line import Line
from middleware.admission.places import Places
from middleware.admission.settings import CLASSES_OF, SHARES, AdmissionSettings, share_of


class Outlook:
    """Looks at line, places, drain and bucket, and changes none of them."""

    def __init__(
        self, settings: AdmissionSettings, line: Line, places: Places, drain: Drain
    ) -> None:
        self.bucket = Bucket(settings.initialize_rate) if settings.initialize_rate else None
        self._line = line
        self._places = places
        self._drain = drain

    def reconfigure(self, settings: AdmissionSettings) -> None:
        """Change the initialize rate; tokens that were taken stay taken."""
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
        """Return how long nothing has ended, if this share has no place and all stands still.

        0 otherwise.
        """
        if self._places.free(share) > 0:
            return 0
        return self._drain.silence_ns(now_ns, [other for other in SHARES if self._places.of[other]])

    def binds(self, now_ns: int) -> Bound:
        """Return what those who wait wait for."""
        waiting = [share for share in SHARES if self._line.waiting_in(share)]
        if not waiting:
            return Bound.NOTHING
        if any(self.silence_ns(share, now_ns) for share in waiting):
            return Bound.STANDSTILL
        waiting = [share for share in waiting if self._places.free(share) > 0]
        if not waiting:
            return Bound.PLACES
        no_token = any(self.token_wait_ns(share, now_ns) for share in waiting)
        return Bound.RATE if no_token else Bound.KEY
