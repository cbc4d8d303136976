"""What a route's description says that its row does not: for the OpenAPI document."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from middleware.problem import WireReason


class Tag(StrEnum):
    """Groups of operations."""

    CHALLENGES = "challenges"
    REWARDS = "rewards"
    PLAYER = "player"
    EVENTS = "events"
    SERVICE = "service"


class Asked(NamedTuple):
    """A request's body: content types, each with its type and an example."""

    meaning: str
    content: Mapping[str, tuple[Any, Any]]


class Operation(NamedTuple):
    """One route in words.

    `answer` is the type of what a 200 carries; `headers` go with it. `no_content` is what a 204
    means, where there is one. `refuses` are reasons of its own, besides those of every route in its
    place.
    """

    name: str
    tag: Tag
    summary: str
    description: str
    answers: str
    answer: Any
    example: Any
    asked: Asked | None = None
    parameters: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    not_modified: bool = False
    no_content: str = ""
    refuses: tuple[WireReason, ...] = ()
