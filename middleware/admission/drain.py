"""How fast places end: learnt from what ended well, and never set by one bad spell.

Little's law: a share that holds n places on average, each for s, ends one every s / n.
"""

from collections.abc import Iterable

from middleware.admission.decision import Share
from middleware.admission.settings import MILLISECOND_NS, AdmissionSettings

HELD_NS_PRIOR = 20 * MILLISECOND_NS
"""What a place is taken to be held for before the first one has ended, and at most if all is well:
events are committed in pieces of this length."""

SAMPLE_SHIFT = 4
"""The time held is an exponential average in which each sample weighs 1/16."""

SAMPLE_AVERAGES_MAX = 2
"""A sample counts as at most so many averages: one bad spell is not the rule. A real slow-down of
four times is learnt within 23 samples all the same."""

WINDOW_NS = 500 * MILLISECOND_NS
"""How much time of a share's waiting there is until the older half counts half as much."""

SILENCE_NS_MIN = 250 * MILLISECOND_NS
SILENCE_AVERAGES = 8
"""Nothing has ended for this long, and for so many times held: it stands still."""


class _Bound:
    """How many places a share holds while it waits for more: place-time over time."""

    __slots__ = ("held_ns", "waited_ns")

    def __init__(self, places: int) -> None:
        # A guess that the first milliseconds of waiting outweigh.
        self.waited_ns = MILLISECOND_NS
        self.held_ns = places * MILLISECOND_NS

    def add(self, places: int, span_ns: int) -> None:
        self.waited_ns += span_ns
        self.held_ns += places * span_ns
        if self.waited_ns > WINDOW_NS:
            self.waited_ns //= 2
            self.held_ns //= 2


class Drain:
    """What each share's places are held for, how many it gets, and whether anything ends at all."""

    def __init__(self, settings: AdmissionSettings) -> None:
        self._held_ns = dict.fromkeys(Share, HELD_NS_PRIOR)
        self._sign_of_life_ns = 0
        self._seen_ns = 0
        self.reconfigure(settings)

    def reconfigure(self, settings: AdmissionSettings) -> None:
        """Begin anew with how many places each share gets; what they are held for stays."""
        self._limit = settings.limit
        self._weights = settings.weights
        self._weights_sum = sum(settings.weights[share] for share in Share)
        self._bound = {share: _Bound(settings.places_max(share)) for share in Share}

    # ── learning ────────────────────

    def pass_time(self, now_ns: int, bound: Iterable[tuple[Share, int]]) -> None:
        """Note until when the shares that wait have held so many places."""
        span_ns, self._seen_ns = now_ns - self._seen_ns, now_ns
        for share, places in bound:
            self._bound[share].add(places, min(span_ns, WINDOW_NS))

    def start_from_idle(self, now_ns: int) -> None:
        """Note that a place was taken while no other was: nothing could end until now."""
        self._sign_of_life_ns = now_ns

    def end(self, share: Share, held_ns: int) -> None:
        """Learn from a place that ended well."""
        average_ns = self._held_ns[share]
        sample_ns = min(held_ns, SAMPLE_AVERAGES_MAX * average_ns)
        self._held_ns[share] = max(1, average_ns + ((sample_ns - average_ns) >> SAMPLE_SHIFT))

    def live(self, now_ns: int) -> None:
        """Note that something ended, other than by being too slow."""
        self._sign_of_life_ns = now_ns

    # ── what was learnt ────────────────────

    def held_ns(self, share: Share) -> int:
        """Return what a place of this share is held for on average."""
        return self._held_ns[share]

    def charge_ns_max(self, share: Share) -> int:
        """Return the most that a hold is charged: no share pays for a standstill."""
        return max(HELD_NS_PRIOR, SAMPLE_AVERAGES_MAX * self._held_ns[share])

    def interval_ns(self, share: Share) -> int:
        """Return the time between two ends of this share while it waits for places.

        It gets at least what its weight gives it while all others wait, too.
        """
        held_ns, bound = self._held_ns[share], self._bound[share]
        least_places = self._limit * self._weights[share]
        longest_ns = held_ns * self._weights_sum // least_places
        seen_ns = held_ns * bound.waited_ns // max(1, bound.held_ns)
        return max(1, min(longest_ns, seen_ns))

    def silence_ns(self, now_ns: int, running: Iterable[Share]) -> int:
        """Return how long nothing of what runs has ended, if that is much longer than it should be.

        0 otherwise.
        """
        held_ns = max(map(self._held_ns.__getitem__, running), default=None)
        if held_ns is None:
            return 0
        silence_ns = now_ns - self._sign_of_life_ns
        return silence_ns if silence_ns >= max(SILENCE_NS_MIN, SILENCE_AVERAGES * held_ns) else 0
