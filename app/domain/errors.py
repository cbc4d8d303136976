"""What goes wrong between a player's wish and the facts. Nothing here knows HTTP.

Unavailable                 the request may be right: trying it again is of use
everything else             the request asks for what cannot be
"""

from typing import NamedTuple
from uuid import UUID

from app.domain.claim import Refusal
from app.domain.goal import Status


class Unavailable(Exception):
    """What is stored cannot be reached, or not in time. What caused it is its cause."""

    def __init__(self, text: str = "the database does not answer in time") -> None:
        super().__init__(text)


class TimedOut(Unavailable):
    """The database did not answer in time, or no connection became free."""


class Contended(Unavailable):
    """A guarded write lost every round to others; nothing was written."""

    def __init__(self, text: str = "others keep writing the same row") -> None:
        super().__init__(text)


class NewerLayout(Unavailable):
    """A newer release wrote the facts in a layout of its own; its pods can read them."""


class ChallengeUnknown(Exception):
    """The catalogue has no such challenge."""

    def __init__(self, challenge_id: str) -> None:
        super().__init__(challenge_id)
        self.challenge_id = challenge_id


class GoalUnknown(Exception):
    """The challenge has no such goal; `elsewhere`: another challenge of the catalogue has it."""

    def __init__(self, challenge_id: str, goal_id: str, *, elsewhere: bool) -> None:
        super().__init__(challenge_id, goal_id)
        self.challenge_id = challenge_id
        self.goal_id = goal_id
        self.elsewhere = elsewhere


class GoalNamedTwice(Exception):
    """A selection names one goal more than once."""

    def __init__(self, goal_id: str) -> None:
        super().__init__(goal_id)
        self.goal_id = goal_id


class NothingToSelect(Exception):
    """No goal of the challenge may be drawn."""


class WhyNoClaim(NamedTuple):
    """Why a goal's reward cannot be claimed, with what is known about it.

    `claim_id` and `claimed_at_ms` are of the claim that stands in the way; of one that was
    forgotten with its player the moment is not known. `missing` are prerequisites.
    """

    refusal: Refusal
    status: Status
    claim_id: UUID | None = None
    claimed_at_ms: int | None = None
    missing: tuple[str, ...] = ()


class ClaimRefused(Exception):
    """A reward cannot be claimed by this player now."""

    def __init__(self, why: WhyNoClaim) -> None:
        super().__init__(why)
        self.why = why


class GrantRefused(Exception):
    """The reward provider refused for good, and the claim is undone."""

    def __init__(self, claim_id: UUID) -> None:
        super().__init__(claim_id)
        self.claim_id = claim_id
