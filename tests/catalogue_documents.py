"""Catalogue files as JSON, made of parts that tests break, and what is told of them."""

import json
import re
from typing import Any

import pytest

from app.catalogue.parse import parse_catalogue
from app.domain.identity import CatalogueInvalid

MISSING: Any = object()
ROTATION = {"enabled": True, "type": "global", "schedule": "daily"}


def goal(goal_id: str = "g0", /, **changes: Any) -> dict[str, Any]:
    members = {
        "goalId": goal_id,
        "name": "Goal",
        "eventSource": "statistic",
        "requirement": requirement(),
        "reward": reward(),
        **changes,
    }
    return {name: value for name, value in members.items() if value is not MISSING}


def requirement(**changes: Any) -> dict[str, Any]:
    members = {"statCode": "kills", "operator": ">=", "targetValue": 3, **changes}
    return {name: value for name, value in members.items() if value is not MISSING}


def reward(**changes: Any) -> dict[str, Any]:
    return {"type": "ITEM", "rewardId": "sword", "quantity": 1, **changes}


def challenge(*goals: Any, **changes: Any) -> dict[str, Any]:
    return {"challengeId": "c0", "name": "Challenge", "goals": list(goals), **changes}


def errors(document: Any) -> tuple[str, ...]:
    """Return the errors without the ids that follow their places."""
    return tuple(re.sub(r" \((?:goal|challenge) .*?\):", ":", each) for each in told(document))


def told(document: Any) -> tuple[str, ...]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(CatalogueInvalid) as caught:
        parse_catalogue(data)
    return caught.value.errors


def goal_errors(*goals: Any) -> tuple[str, ...]:
    return errors({"challenges": [challenge(*goals)]})
