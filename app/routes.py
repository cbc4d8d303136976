"""Every route of the player port: one table, from which all else about them is made."""

from enum import StrEnum
from typing import Final, NamedTuple

from app.events.http import SEND, receive
from app.handlers import apidocs, challenges, claims, goals, health, player_data
from app.operation import Operation
from app.routing import Endpoint
from middleware.admission import Class

V1: Final = "/challenge/v1"
ALL: Final = f"{V1}/challenges"
ONE: Final = f"{ALL}/{{challenge_id}}"
GOAL: Final = f"{ONE}/goals/{{goal_id}}"


class Who(StrEnum):
    """Who may call a route."""

    PLAYER = "player"
    SERVICE = "service"
    ANYBODY = "anybody"


class Body(StrEnum):
    """Which bound the body of a request has."""

    SMALL = "small"
    EVENTS = "events"
    UNREAD = "unread"


class Row(NamedTuple):
    """A route. `admission` is None outside the gate.

    `reserved`: no later row sees this path, whatever the method.
    """

    method: str
    path: str
    endpoint: Endpoint
    operation: Operation
    admission: Class | None = Class.GAMEPLAY
    who: Who = Who.PLAYER
    body: Body = Body.SMALL
    reserved: bool = False


def _outside(path: str, endpoint: Endpoint, operation: Operation) -> Row:
    """Return the row of a route that answers whoever asks, also when the gate is full."""
    return Row("GET", path, endpoint, operation, None, Who.ANYBODY, Body.UNREAD)


# The first row is found fastest.
ROUTES: Final = (
    Row("GET", ALL, challenges.list_all, challenges.LIST),
    Row(
        "POST",
        f"{ALL}/initialize",
        challenges.initialize,
        challenges.INITIALIZE,
        Class.INITIALIZE,
        reserved=True,
    ),
    Row("POST", f"{V1}/events", receive, SEND, Class.EVENTS, Who.SERVICE, Body.EVENTS),
    Row("GET", ONE, challenges.show_one, challenges.SHOW),
    Row("GET", f"{ONE}/rotation", challenges.show_rotation, challenges.ROTATION),
    Row("POST", f"{ONE}/goals/batch-select", goals.select_batch, goals.SELECT_BATCH),
    Row("POST", f"{ONE}/goals/random-select", goals.select_random, goals.SELECT_RANDOM),
    Row("PUT", f"{GOAL}/active", goals.set_active, goals.SET_ACTIVE),
    Row("POST", f"{GOAL}/claim", claims.claim, claims.CLAIM),
    Row("DELETE", f"{V1}/users/me/data", player_data.delete, player_data.DELETE),
    _outside("/healthz", health.live, health.LIVE),
    _outside("/readyz", health.ready, health.READY),
    _outside("/challenge/healthz", health.challenge_healthz, health.HEALTHY),
    _outside("/challenge/apidocs/api.json", apidocs.show_document, apidocs.DOCUMENT),
)
