"""Claims as they are stored, how the provider answers, and the ports around both.

    claim made ──► pending ──► granted
                    │   ▲
                    │   └───── a person asks for new attempts
                    ├────────► refused    the provider will not grant it; a person looks into it
                    └────────► in_doubt   nobody knows whether it was granted; a person decides

A claim is an outbox row as well: it is written in the statement that marks the goal claimed, and
whoever holds its newest attempt calls the provider. Every attempt of one claim carries the same id,
so a provider that knows ids grants once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from app.domain.facts import GoalFacts, Goals
from app.domain.goal import Reward
from app.domain.player import Player

ERROR_LENGTH_MAX = 200
"""How much is kept of what the provider said."""


class ClaimState(StrEnum):
    """What became of a claim's reward."""

    PENDING = "pending"
    GRANTED = "granted"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"


class Claim(NamedTuple):
    """A claim: whose, of what, and the reward as it was in the catalogue at that moment."""

    claim_id: UUID
    player_id: str
    goal_id: str
    period: str
    challenge_id: str
    namespace: str
    reward: Reward
    claimed_at_ms: int


class Call(NamedTuple):
    """The right to call the provider for a claim once.

    `attempt` counts all calls of this claim; only the newest may say how it ended, except that a
    grant is true whoever heard of it. `tries` leaves out those that certainly granted nothing, and
    those before a person asked for new ones. `uncertain` means that an earlier attempt may have
    granted without our knowing.
    """

    claim: Claim
    attempt: int
    tries: int
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """The provider has granted the reward, now or at an earlier attempt."""


@dataclass(frozen=True, slots=True)
class RefusedForGood:
    """The provider will never grant this; nothing was granted by this attempt."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotGranted:
    """Certainly nothing was granted by this attempt; a later one may, however many it takes."""

    reason: str
    retry_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """Whether the reward was granted is not known; the same id may be sent again after a while."""

    reason: str
    retry_after_ms: int = 0


GrantOutcome: TypeAlias = Granted | RefusedForGood | NotGranted | Unknown


class RewardProvider(Protocol):
    """Grants rewards, each claim id once."""

    async def grant(self, claim: Claim) -> GrantOutcome:
        """Ask for a grant, in bounded time. Raise nothing: not to know is an outcome."""


class Making(StrEnum):
    """What became of writing a claim."""

    MADE = "made"
    MADE_UNHELD = "made_unheld"
    """Made, but the answer was lost; the lease may be over, so the relay calls the provider."""
    LOST = "lost"
    """Somebody else wrote the player's row, or the player was deleted: read again."""
    ERASED = "erased"
    """The player claimed this before they had their data deleted."""
    CONFLICT = "conflict"
    """There is a claim of this id although the facts know of none: a bug, never expected."""


class Settlement(NamedTuple):
    """How an attempt ended, as the row is told. `delay_ms` is until the next one, if pending.

    An attempt that is not `counted` uses up none of the tries.
    """

    state: ClaimState
    error: str | None = None
    delay_ms: int = 0
    uncertain: bool = False
    counted: bool = True


class Erased(NamedTuple):
    """How many rows a deletion removed now, and how many claims stay until they are settled."""

    removed: int
    kept: int


class Undo(NamedTuple):
    """How a claim is taken out of its player's goals: the goal's facts with it, and without it."""

    goal_id: str
    claimed: GoalFacts
    before: GoalFacts


class Claims(Protocol):
    """The claims' rows, as far as a player's requests change them.

    Raises `Unavailable` if the database does not answer in time.
    """

    async def make(self, claimed: Player, claim: Claim, lease_ms: int | None) -> Making:
        """Write the goals of `claimed` and the claim, both or neither.

        With `lease_ms` the caller holds attempt 1 for so long; with None the claim is due at once.
        `claimed.version` is the one that was read. Guards: that version, the keys of deleted
        players' claims, and the claim's own key.
        """

    async def undo(self, call: Call, undo: Undo) -> bool:
        """Forget a claim that was refused, and take it out of the player's goals.

        Both or neither, under the lock of the player's row. If the player had their data deleted,
        the claim's key is forgotten, too: what was never granted may be claimed in another life.
        Return False, and change nothing, if `call` is not the claim's newest attempt any more.
        """

    async def erase(self, player_id: str) -> Erased:
        """Delete the player's row and settled claims; mark the other claims to go when settled.

        One transaction: first the player's row, then their claims in ascending order. Of every
        claim a keyed hash is kept, so that it cannot be made again.
        """


class Outbox(Protocol):
    """The claims' rows, as far as the provider's answers change them.

    Raises `Unavailable` if the database does not answer in time.
    """

    async def lease(self, limit: int, lease_ms: int) -> Sequence[Call]:
        """Take the right to call for up to `limit` claims that are due, for so long.

        Rows that somebody else has locked are left out, so two relays never take the same one.
        """

    async def settle(self, call: Call, settlement: Settlement) -> bool:
        """Write how an attempt ended; return False if it is not the claim's newest any more.

        A grant is written whichever attempt heard of it and whatever was decided meanwhile, unless
        the claim is granted already. The row of a deleted player's claim goes once it is granted or
        refused.
        """

    async def release(self, call: Call) -> None:
        """Give back the right to call, under which nobody called: the claim is due at once.

        Change nothing if `call` is not what holds the claim, or the claim was never made.
        """

    async def count_open(self) -> Mapping[ClaimState, int]:
        """Return how many claims are not granted, by state."""

    async def sweep(self) -> int:
        """Remove settled claims of deleted players that a crash left behind; return how many."""


class Deliveries(Protocol):
    """Calls the provider right after a claim was made, if a call may run now."""

    lease_ms: int

    async def reserve(self) -> bool:
        """Return whether a call may begin now; then `deliver` or `cancel` must follow."""

    def cancel(self, leased: Call | None = None) -> None:
        """Give a reservation back, and the right to call for a claim that may have been made.

        Returns at once; the claim, if there is one, is the relay's soon.
        """

    async def deliver(self, call: Call, undo: Undo) -> ClaimState:
        """Call the provider and wait for its answer no longer than a moment.

        Return granted; refused, if the claim was undone because of it; in_doubt, if there are to be
        no more attempts; or pending: the call goes on, or there will be another one, and what it
        brings is written down without the caller.
        """

    def leave(self) -> ClaimState:
        """Leave a claim without a reservation to the relay, at once; return pending."""


def restored(goals: Goals, undo: Undo) -> Goals:
    """Return the goals with one claim taken out of them, whatever else happened meanwhile."""
    goal_id, claimed, before = undo
    stored = goals.get(goal_id)
    if stored == claimed:
        return {**goals, goal_id: before}
    if stored is None or stored.claimed_at_ms != claimed.claimed_at_ms:
        return goals
    # The player deactivated the goal or activated it again meanwhile: its progress stays as frozen.
    return {**goals, goal_id: replace(stored, claimed_at_ms=None)}
