"""Small catalogues for tests, from as few words as possible."""

from hashlib import sha256
from typing import Any

import msgspec

from app.domain.goal import Catalogue, Challenge, Goal, Requirement, Reward, Source


def make_goal(goal_id: str, *, default: bool = False, **changes: Any) -> Goal:
    """Return a goal of 10 wins."""
    fields: dict[str, Any] = {
        "goal_id": goal_id,
        "challenge_id": "challenge",
        "name": goal_id.title(),
        "description": "",
        "source": Source.STATISTIC,
        "requirement": Requirement("wins", ">=", 10),
        "reward": Reward("WALLET", "GOLD", 5),
        "default_assigned": default,
    }
    return Goal(**fields | changes)


def make_catalogue(*goals: Goal) -> Catalogue:
    """Return a catalogue of one challenge with these goals."""
    challenges = (Challenge("challenge", "Challenge", "", goals),)
    return Catalogue(challenges, sha256(msgspec.json.encode(challenges)).digest())


def defaults(*goal_ids: str) -> Catalogue:
    """Return a catalogue in which these goals are given by default."""
    return make_catalogue(*(make_goal(goal_id, default=True) for goal_id in goal_ids))
