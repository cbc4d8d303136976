"""Which share of the promised moments is kept: some clients never come back, some come late.

Of the last `DUE` moments whose windows began, some owners came in time. Of the others it is known
only when their grace is over whether they will come, a minute later. Until then the rate at which
the missing do come tells how many of them still will: so many in all the time they have been
missing, as if lateness were exponential.
"""

from collections import deque

from middleware.admission.settings import SECOND_NS

DUE = 256
SHARE_MIN = (1, 2)


class Kept:
    """The share of moments that are kept. What was learnt is forgotten with the last promise."""

    def __init__(self, grace_ns: int) -> None:
        self._grace_ns = grace_ns
        self._seen_ns = 0
        self.forget()

    def forget(self) -> None:
        """Take every promise to be kept again: one evening says nothing about the next."""
        self._came = deque([True] * DUE, maxlen=DUE)
        self._in_time = DUE
        self._missing = 0
        self._missing_ns = 0
        self._late = 0
        self._elsewhere = 0

    def reconfigure(self, grace_ns: int) -> None:
        """Change how long after its window a promise is still kept."""
        self._grace_ns = grace_ns

    def came(self, now_ns: int) -> None:
        """Note that an owner came before its window was over."""
        self._pass_time(now_ns)
        self._note(came=True)

    def came_from_elsewhere(self, now_ns: int) -> None:
        """Note that somebody came to whom another process had promised the moment.

        As many will have gone there whom this one promised theirs: they are not missing.
        """
        self._pass_time(now_ns)
        self._elsewhere = min(self._elsewhere + 1, DUE)

    def missed(self, now_ns: int) -> bool:
        """Note that a window is over and its owner did not come; return whether it is missing.

        It is not if it can be taken to have gone to another process.
        """
        self._pass_time(now_ns)
        is_missing = not self._elsewhere
        self._elsewhere -= not is_missing
        self._note(came=not is_missing)
        self._missing += is_missing
        return is_missing

    def came_late(self, now_ns: int) -> None:
        """Note that one of the missing came."""
        self._pass_time(now_ns)
        self._missing -= 1
        self._late += 1

    def lapsed(self, now_ns: int) -> None:
        """Note that the grace of one of the missing is over."""
        self._pass_time(now_ns)
        self._missing -= 1

    def of(self, parts: int) -> int:
        """Return how many of so many promises will be kept; at least half of them are counted on.

        Never more than `parts`.
        """
        missed = DUE - self._in_time
        late_parts = parts
        if self._missing_ns:
            late_parts = min(parts, parts * self._late * self._grace_ns // self._missing_ns)
        elif not self._late:
            late_parts = 0
        kept = (self._in_time * parts + missed * late_parts) // DUE
        return max(kept, parts * SHARE_MIN[0] // SHARE_MIN[1])

    def _note(self, *, came: bool) -> None:
        self._in_time += came - self._came[0]
        self._came.append(came)

    def _pass_time(self, now_ns: int) -> None:
        span_ns, self._seen_ns = now_ns - self._seen_ns, now_ns
        self._missing_ns += self._missing * span_ns
        if self._missing_ns > DUE * max(self._grace_ns, SECOND_NS):
            self._missing_ns //= 2
            self._late //= 2
