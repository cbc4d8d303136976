"""The places: how many there are, who holds them, and who may take one more."""

from collections import Counter
from collections.abc import Hashable  # noqa: TC003 - imported everywhere else

from middleware.admission.decision import Place, Share
from middleware.admission.settings import CLASS_TABLE, AdmissionSettings, share_of


class Places:
    """Counts what runs: in all, by share, and by client where a key is one client."""

    def __init__(self, settings: AdmissionSettings) -> None:
        self.running = 0
        self.of = dict.fromkeys(Share, 0)
        self._of_key: Counter[Hashable] = Counter()
        self.reconfigure(settings)

    def reconfigure(self, settings: AdmissionSettings) -> None:
        """Change how many there are. Who runs goes on, even if that is more."""
        self._limit = settings.limit
        self._others_max = settings.places_max(Share.LOGINS)
        self._per_key_max = settings.running_per_key

    def free(self, share: Share) -> int:
        """Return how many places this share may take now; negative after the limit was lowered.

        One place is lent to nobody but gameplay.
        """
        free = self._limit - self.running
        if share is Share.GAMEPLAY:
            return free
        others_free = self._others_max - self.running + self.of[Share.GAMEPLAY]
        return min(free, others_free)

    def is_below_cap(self, place: Place) -> bool:
        """Return whether the place's client may run one more."""
        return (
            not CLASS_TABLE[place.cls].one_client
            or self._of_key[place.arrival.key] < self._per_key_max
        )

    def start(self, place: Place) -> None:
        """Count a place as taken."""
        assert self.running < self._limit
        self.running += 1
        self.of[share_of(place.cls)] += 1
        if CLASS_TABLE[place.cls].one_client:
            self._of_key[place.arrival.key] += 1

    def end(self, place: Place) -> None:
        """Count a place as free."""
        self.running -= 1
        self.of[share_of(place.cls)] -= 1
        if CLASS_TABLE[place.cls].one_client:
            key = place.arrival.key
            self._of_key[key] -= 1
            if not self._of_key[key]:
                del self._of_key[key]
