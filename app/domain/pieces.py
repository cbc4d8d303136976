"""How many events are committed at a time, so that a piece takes about as long as it may."""

from typing import Final

from app.domain.intake import EVENTS_MAX

PIECE_MS_MAX: Final = 20
"""How long a place is meant to be held: others wait for it."""

PIECE_MS_MIN: Final = 10
"""A full piece that took less leaves room for larger ones."""

EVENTS_FIRST: Final = 100

EVENTS_MIN: Final = 25
"""Below this a piece is the cost of its transaction, and smaller ones would only be more of them.
On a slow disk, or behind a lock, no size is quick."""


class PieceSize:
    """The number of events in the next piece. Halved at once, and grown by a quarter at a time.

    Pieces of several batches are on their way at once. That all of one size are slow is one lesson.
    """

    def __init__(self) -> None:
        self.events = EVENTS_FIRST

    def learn(self, events: int, took_ms: float, *, committed: bool = True) -> None:
        """Learn from a piece of so many events.

        A slow one says nothing if a smaller one would be no quicker, nor does one that was given up
        soon.
        """
        if took_ms > PIECE_MS_MAX:
            if events > EVENTS_MIN:
                half = max(events, self.events) // 2
                self.events = min(self.events, max(EVENTS_MIN, half))
        elif committed and took_ms < PIECE_MS_MIN and events >= self.events:
            self.events = min(EVENTS_MAX, self.events + self.events // 4 + 1)
