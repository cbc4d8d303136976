"""Sets the moment, so that a person can stand at any date and see goals rotate.

For local and test environments only: elsewhere these routes do not exist.

    GET     /clock    which moment it is
    PUT     /clock    {"now": "2026-12-01T00:00:00Z"} or {"advanceSeconds": 3600}
    DELETE  /clock    let it be the database's clock again
"""

from typing import Final

import msgspec
import structlog
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.domain.clock import Clock
from app.domain.intake import HORIZON_DAYS, MARGIN_DAYS, days_kept
from app.domain.period import instant_text
from app.domain.timestamp import read_rfc3339
from app.handlers.body import decode
from app.operations.guard import MayChange
from app.routing import json_response
from app.state import Services
from middleware.body_limits import BodyLimits
from middleware.problem import DETAIL_MAX, HttpReason, Problem

BYTES_MAX: Final = 1024
READ_S_MAX: Final = 5.0

FIRST_MS: Final = 0
LAST_MS: Final = read_rfc3339("9000-12-31T23:59:59Z")
"""A period that begins before the end must end before the calendar does."""

NOTE: Final = "This process alone stands at this moment, and time runs on from it."
NOTE_BACK: Final = (
    "Time went back: players who were written later than this moment keep their own; what they see"
    " and what is written of them stays there until this clock is past it. Events of days more"
    f" than {HORIZON_DAYS + MARGIN_DAYS} days before the database's clock are forgotten ten minutes"
    " after this clock has left, or while another process runs: sent again, they count again."
)

log = structlog.get_logger()


class Move(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where to set the moment: to a timestamp, or on (or back) from where it is."""

    now: str | None = None
    advance_seconds: float | None = None


class Reading(msgspec.Struct, frozen=True, rename="camel"):
    """Which moment it is, and how far from the database's clock."""

    now: str
    database_now: str
    offset_seconds: float
    is_set: bool
    note: str


def clock_route(token: str | None) -> Route:
    """Return the route; `token` is asked for before anything is changed, if there is one."""
    layers = [
        Middleware(MayChange, token=token),
        Middleware(BodyLimits, bytes_max=BYTES_MAX, seconds_max=READ_S_MAX),
    ]
    return Route("/clock", _answer, methods=["GET", "PUT", "DELETE"], middleware=layers)


async def _answer(request: Request[Services]) -> Response:
    clock, events = request.state["clock"], request.state["event_store"]
    move = _read_move(await request.body()) if request.method == "PUT" else Move()
    before_ms = await events.now_ms()
    database_ms = before_ms - clock.offset_ms
    if request.method == "PUT":
        moment_ms = _target_ms(move, before_ms)
        # First, so that no event finds the moment without its days.
        await events.make_days(days_kept(moment_ms))
        clock.set(moment_ms, database_ms)
    elif request.method == "DELETE":
        clock.release()
    reading = _reading(clock, database_ms, before_ms)
    if request.method != "GET":
        log.warning("clock_set", now=reading.now, offset_s=reading.offset_seconds)
    return json_response(reading, {"Cache-Control": "no-store"})


def _reading(clock: Clock, database_ms: int, before_ms: int) -> Reading:
    moment_ms = clock.moment_ms(database_ms)
    return Reading(
        now=instant_text(moment_ms),
        database_now=instant_text(database_ms),
        offset_seconds=clock.offset_ms / 1000,
        is_set=clock.is_set,
        note=f"{NOTE} {NOTE_BACK}" if moment_ms < before_ms else NOTE,
    )


def _target_ms(move: Move, before_ms: int) -> int:
    if move.now is not None:
        try:
            moment_ms = read_rfc3339(move.now)
        except ValueError:
            raise _refusal("now must be a timestamp such as 2026-12-01T00:00:00Z.") from None
    else:
        assert move.advance_seconds is not None
        # Checked before it is made whole: no integer has the size of 1e308 for nothing.
        if not -LAST_MS <= move.advance_seconds * 1000 <= LAST_MS:
            raise _refusal("advanceSeconds leads out of the years 1970 to 9000.")
        moment_ms = before_ms + round(move.advance_seconds * 1000)
    if not FIRST_MS <= moment_ms <= LAST_MS:
        raise _refusal("The moment must lie in the years 1970 to 9000.")
    return moment_ms


def _read_move(body: bytes) -> Move:
    move = decode(body, Move)
    if (move.now is None) is (move.advance_seconds is None):
        raise _refusal('The body must have either "now" or "advanceSeconds".')
    return move


def _refusal(detail: str) -> Problem:
    return Problem(HttpReason.BAD_REQUEST, detail[:DETAIL_MAX])
