"""What is played against the real service: who comes, what the database can do, what goes wrong."""

import msgspec

from benchmarks.promise.real.standstill import Standstill
from benchmarks.returning import LATE_MS_MAX, Returning
from benchmarks.scenarios import FIXED, HELD_PER_S, LIMIT, RATE_PER_S

GAMEPLAY_PER_S = 200
SENDERS = 24
FEW_PLACES = 4
SLOW_PER_S = 30
STALL_HELD_PER_S = 150
STALL_RATE_PER_S = 100
# So long a client is patient, and some more: what is cut off was never going to be answered.
PATIENCE_S = 30
# Those who waited at the end of a story that is not played out are still heard of.
WAITING_S = 3


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How long everything takes: in full, and in a short form that only shows that it works."""

    beside_s: int
    stall_arrivals_s: int
    stall: Standstill
    burst_s: int
    burst_stall: Standstill
    burst_long_stall: Standstill


FULL = Size(
    beside_s=20,
    stall_arrivals_s=12,
    stall=Standstill(1, 7),
    burst_s=60,
    burst_stall=Standstill(20, 7),
    burst_long_stall=Standstill(20, 30),
)
SHORT = Size(
    beside_s=3,
    stall_arrivals_s=3,
    stall=Standstill(1, 2),
    burst_s=4,
    burst_stall=Standstill(2, 2),
    burst_long_stall=Standstill(2, 7),
)


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One story. What is 0 or None is not in it.

    `seconds` is how long new ones come. Unless it is `cut`, it goes on until everybody who comes
    again is in.
    """

    key: str
    title: str
    seconds: int
    limit: int = LIMIT
    rate_told_per_s: int = 0
    held_per_s: int = 0
    logins_per_s: int = 0
    returning: Returning = Returning.OBEDIENT
    gameplay_per_s: int = 0
    senders: int = 0
    standstill: Standstill | None = None
    cut: bool = False

    @property
    def settings(self) -> dict[str, str]:
        """The service's settings that make this story."""
        told = {"ADMISSION_INITIALIZE_RATE": f"{self.rate_told_per_s}/s"}
        return {
            **FIXED,
            "ADMISSION_MODE": "enforce",
            "ADMISSION_LIMIT": str(self.limit),
            **(told if self.rate_told_per_s else {}),
        }

    @property
    def logins(self) -> int:
        """How many come in all."""
        return self.seconds * self.logins_per_s

    @property
    def ideal_s(self) -> float:
        """When the last one would be in if what is held were idle in a standstill only."""
        stood_s = self.standstill.seconds if self.standstill else 0
        return max(self.seconds, self.logins / max(self.held_per_s, 1) + stood_s)

    @property
    def seconds_max(self) -> int:
        """When it is over at the latest."""
        if self.cut:
            return self.seconds + WAITING_S
        late_s = LATE_MS_MAX // 1000 if self.returning is Returning.LATE else 0
        return round(2 * self.ideal_s) + late_s + PATIENCE_S


def stories(size: Size) -> tuple[Story, ...]:
    """Return all of them, in the order in which they are played."""
    return (
        *(_beside_events(limit, size) for limit in (LIMIT, FEW_PLACES)),
        *(_beside_logins(limit, size) for limit in (LIMIT, FEW_PLACES)),
        Story(
            key="stall",
            title="Logins while the database stands still",
            seconds=size.stall_arrivals_s,
            held_per_s=STALL_HELD_PER_S,
            logins_per_s=STALL_RATE_PER_S,
            standstill=size.stall,
        ),
        _burst("burst", "The burst", size),
        _burst("burst-stall-7", "The burst, and a standstill", size, stall=size.burst_stall),
        _burst(
            "burst-stall-30", "The burst, and a long standstill", size, stall=size.burst_long_stall
        ),
        _burst(
            "burst-no-shows",
            "The burst, half of the clients never return",
            size,
            Returning.NO_SHOWS,
        ),
        _burst("burst-late", "The burst, half of the returns are late", size, Returning.LATE),
        _burst(
            "burst-pollers",
            "The burst, a fifth of the clients come every second",
            size,
            Returning.POLLERS,
        ),
    )


def _beside_events(limit: int, size: Size) -> Story:
    return Story(
        key=f"events-{limit}",
        title=f"Gameplay beside {SENDERS} senders of events, {limit} places",
        seconds=size.beside_s,
        limit=limit,
        gameplay_per_s=GAMEPLAY_PER_S,
        senders=SENDERS,
        cut=True,
    )


def _beside_logins(limit: int, size: Size) -> Story:
    return Story(
        key=f"logins-{limit}",
        title=f"Gameplay beside 20 times the logins that are held, {limit} places",
        seconds=size.beside_s,
        limit=limit,
        gameplay_per_s=GAMEPLAY_PER_S,
        held_per_s=SLOW_PER_S,
        logins_per_s=20 * SLOW_PER_S,
        cut=True,
    )


def _burst(
    key: str,
    title: str,
    size: Size,
    returning: Returning = Returning.OBEDIENT,
    *,
    stall: Standstill | None = None,
) -> Story:
    return Story(
        key=key,
        title=title,
        seconds=size.burst_s,
        rate_told_per_s=HELD_PER_S,
        held_per_s=HELD_PER_S,
        logins_per_s=RATE_PER_S,
        returning=returning,
        standstill=stall,
    )
