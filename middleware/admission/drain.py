"""How fast places end: learnt from what ended well, and never set by one bad spell.

Little's law: a share that holds n places on average, each for s, ends one every s / n.
"""

from collections.abc import Iterable

from middleware.admission.decision import Share
from middleware.admission.settings import MILLISECOND_NS, SECOND_NS, AdmissionSettings

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

SEEN_SHARE_MIN = 2
"""A share that waits is taken to get at least this part of what its weight gives it: when others
held all places for a spell, it is given as much more afterwards."""

SILENCE_NS_MIN = 250 * MILLISECOND_NS
SILENCE_AVERAGES = 8
"""Nothing has ended for this long, and for so many times held: it stands still."""

STEP_NS_MAX = 1 * SECOND_NS
"""How much one step of the clock adds to a silence: a process that was stopped saw nothing."""


class _PlacesHeld:
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
        self._served_ns = dict.fromkeys(Share, HELD_NS_PRIOR)
        self._sign_of_life_ns = dict.fromkeys(Share, 0)
        self._rests_since_ns = dict.fromkeys(Share, -1)
        self._seen_ns = 0
        self.reconfigure(settings)

    def reconfigure(self, settings: AdmissionSettings) -> None:
        """Begin anew with how many places each share gets; what they are held for stays."""
        self._least = {share: settings.places_min(share) for share in Share}
        self._bound = {share: _PlacesHeld(settings.places_max(share)) for share in Share}

    # ── learning ────────────────────

    def pass_time(self, now_ns: int, bound: Iterable[tuple[Share, int]]) -> int:
        """Note until when the shares that wait have held so many places; return the time since."""
        span_ns, self._seen_ns = now_ns - self._seen_ns, now_ns
        for share, places in bound:
            self._bound[share].add(places, min(span_ns, WINDOW_NS))
        if span_ns > STEP_NS_MAX:
            for share in Share:
                self._sign_of_life_ns[share] += span_ns - STEP_NS_MAX
        return span_ns

    def rest(self, share: Share) -> None:
        """Note that the share holds no place any more."""
        self._rests_since_ns[share] = self._seen_ns

    def start_from_rest(self, share: Share) -> None:
        """Note that the share takes a place and holds no other: nothing could end until now.

        Where its only place has just been handed on, it was not at rest.
        """
        if self._rests_since_ns[share] < self._seen_ns:
            self._sign_of_life_ns[share] = self._seen_ns

    def end(self, share: Share, held_ns: int) -> None:
        """Learn from a place that ended well, or was handed on."""
        self._held_ns[share] = _learn(self._held_ns[share], held_ns)
        self._sign_of_life_ns[share] = self._seen_ns

    def serve(self, share: Share, held_ns: int) -> None:
        """Learn for how long somebody who was served held places in all."""
        self._served_ns[share] = _learn(self._served_ns[share], held_ns)

    # ── what was learnt ────────────────────

    def held_ns(self, share: Share) -> int:
        """Return what a place of this share is held for on average."""
        return self._held_ns[share]

    def interval_ns(self, share: Share) -> int:
        """Return the time in which one of this share is served while it waits for places."""
        least, parts = self._least[share]
        bound = self._bound[share]
        seen_ns = bound.held_ns * SEEN_SHARE_MIN * parts
        least_ns = bound.waited_ns * least
        if seen_ns < least_ns:
            return max(1, self._served_ns[share] * SEEN_SHARE_MIN * parts // least)
        return max(1, self._served_ns[share] * bound.waited_ns // bound.held_ns)

    def silence_ns(self, share: Share, now_ns: int) -> int:
        """Return how long no place of this share has ended well, if that is much too long.

        0 otherwise. It has a meaning only while the share holds places.
        """
        silence_ns = now_ns - self._sign_of_life_ns[share]
        longest_ns = max(SILENCE_NS_MIN, SILENCE_AVERAGES * self._held_ns[share])
        return silence_ns if silence_ns >= longest_ns else 0


def _learn(average_ns: int, sample_ns: int) -> int:
    sample_ns = min(sample_ns, SAMPLE_AVERAGES_MAX * average_ns)
    return max(1, average_ns + ((sample_ns - average_ns) >> SAMPLE_SHIFT))
