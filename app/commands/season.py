"""A short season of one player, told as steps: what is asked, what is answered, what they then see.

    Monday      initialize, play, select, claim
    Tuesday     what rotates every day has rotated; play and claim again
    next week   what rotates every week has rotated; leave

It needs the sample catalogue, a service whose clock can be set, and a player nobody has met.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, NamedTuple, Protocol

from app.domain.period import DAY_S, instant_text
from app.failures import CommandFailed

TUTORIAL: Final = "winter-challenge-2025/goals/complete-tutorial"
SNOWMEN: Final = "winter-challenge-2025/goals/kill-10-snowmen"
KILLS: Final = "rotation-daily/goals/daily-challenges-goal-01"
WINS: Final = "rotation-daily/goals/daily-challenges-goal-02"
WINS_ONCE: Final = "rotation-daily/goals/daily-wins-no-reselect"
BOARD: Final = "daily-challenges/goals"
ME: Final = "/users/me/data"
EVENTS: Final = "POST /events"
NEEDED: Final = frozenset(
    path.rpartition("/")[2] for path in (TUTORIAL, SNOWMEN, KILLS, WINS, WINS_ONCE)
)

BODY_SHOWN_MAX: Final = 600
"""So many characters of an answer that was not expected are shown."""


class Answer(NamedTuple):
    """What the service answered: the status, and the body's JSON (None: no body)."""

    status: int
    body: Any


class Step(NamedTuple):
    """One thing that was asked. `seen` are all goals as the player sees them after it, by id."""

    name: str
    story: str
    request: str
    answer: Answer
    seen: Mapping[str, Mapping[str, Any]]


class Service(Protocol):
    """A running service as one player, the game's back end and an operator reach it."""

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask as the player; `path` follows /challenge/v1."""

    async def send(self, events: Sequence[Mapping[str, Any]]) -> Answer:
        """Send events of the player as the game's back end."""

    async def set_clock(self, setting: Mapping[str, Any]) -> Answer:
        """Set the service's clock as an operator."""


class Season:
    """Plays the season, step by step. Raises `CommandFailed` where the answer is another one."""

    def __init__(self, service: Service, today: datetime) -> None:
        self._service = service
        self._now = first_monday_after(today)
        self._events = 0

    async def play(self) -> AsyncIterator[Step]:
        """Yield the steps as they happen."""
        for day in (self._monday, self._tuesday, self._next_week):
            async for step in day():
                yield step

    async def _monday(self) -> AsyncIterator[Step]:
        yield await self._turn_clock("monday", {"now": self._text()})
        yield await self._ask(
            "initialize", "The game is opened for the first time.", "POST", "/challenges/initialize"
        )
        yield await self._send(
            "first events",
            "A login, a finished tutorial, ten kills and three wins; one event arrives twice.",
            [
                _login(),
                _statistic("tutorial_completed", 1),
                _statistic("kills", 10),
                _statistic("wins", 3),
            ],
            repeat_last=True,
        )
        yield await self._activate("activate", "One more goal is taken on.", SNOWMEN)
        yield await self._ask(
            "select",
            "Two goals are picked from the notice board.",
            "POST",
            f"/challenges/{BOARD}/batch-select",
            {"goalIds": ["daily-10-kills", "daily-3-matches"]},
        )
        yield await self._ask(
            "random",
            "The dice pick two more.",
            "POST",
            f"/challenges/{BOARD}/random-select",
            {"count": 2, "excludeActive": True},
        )
        yield await self._claim("claim", "The tutorial's reward is claimed.", TUTORIAL)
        yield await self._claim(
            "claim again", "A second claim is refused.", TUTORIAL, HTTPStatus.CONFLICT
        )
        yield await self._claim(
            "claim early", "So is one before the tenth snowman.", SNOWMEN, HTTPStatus.BAD_REQUEST
        )
        yield await self._claim("claim daily", "What can be had every day.", KILLS)
        yield await self._claim("claim once", "What can be had once in a lifetime.", WINS_ONCE)

    async def _tuesday(self) -> AsyncIterator[Step]:
        yield await self._turn_clock("tuesday", {"advanceSeconds": DAY_S})
        yield await self._claim(
            "claim late",
            "Yesterday's wins were not claimed in time.",
            WINS,
            HTTPStatus.BAD_REQUEST,
        )
        yield await self._send(
            "second events",
            "Ten snowmen thaw, and twelve more kills.",
            [_statistic("snowmen_killed", 10), _statistic("kills", 22, increase=12)],
        )
        yield await self._claim("claim snowmen", "The snowmen's reward is claimed.", SNOWMEN)
        yield await self._claim("claim daily again", "Today's kills are claimed, too.", KILLS)

    async def _next_week(self) -> AsyncIterator[Step]:
        yield await self._turn_clock("next week", {"advanceSeconds": 6 * DAY_S})
        yield await self._ask(
            "rotation",
            "When does the week's campaign rotate?",
            "GET",
            "/challenges/weekly-challenges/rotation",
        )
        yield await self._claim(
            "claim once again", "Once in a lifetime was enough.", WINS_ONCE, HTTPStatus.CONFLICT
        )
        yield await self._ask("delete", "The player wants to be forgotten.", "DELETE", ME)
        yield await self._ask("delete again", "Nothing is left to forget.", "DELETE", ME)

    async def _turn_clock(self, name: str, setting: Mapping[str, Any]) -> Step:
        answer = await self._service.set_clock(setting)
        self._now += timedelta(seconds=setting.get("advanceSeconds", 0))
        story = f"It is {self._now:%A, %d %B %Y}."
        return await self._step(name, story, "PUT /clock", answer)

    async def _activate(self, name: str, story: str, goal: str) -> Step:
        path = f"/challenges/{goal}/active"
        return await self._ask(name, story, "PUT", path, {"isActive": True})

    async def _claim(
        self, name: str, story: str, goal: str, expected: HTTPStatus = HTTPStatus.OK
    ) -> Step:
        path = f"/challenges/{goal}/claim"
        answer = await self._service.ask("POST", path)
        return await self._step(name, story, f"POST {path}", answer, expected)

    async def _ask(self, name: str, story: str, method: str, path: str, body: Any = None) -> Step:
        answer = await self._service.ask(method, path, body)
        return await self._step(name, story, f"{method} {path}", answer)

    async def _send(
        self,
        name: str,
        story: str,
        events: Sequence[Mapping[str, Any]],
        *,
        repeat_last: bool = False,
    ) -> Step:
        sent = [self._numbered(event) for event in events]
        answer = await self._service.send([*sent, sent[-1]] if repeat_last else sent)
        return await self._step(name, story, EVENTS, answer)

    async def _step(
        self,
        name: str,
        story: str,
        request: str,
        answer: Answer,
        expected: HTTPStatus = HTTPStatus.OK,
    ) -> Step:
        _expect(name, request, answer, expected)
        return Step(name, story, request, answer, await self._look(name))

    def _numbered(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        self._events += 1
        return {"id": str(self._events), "time": self._text(), **event}

    def _text(self) -> str:
        return instant_text(int(self._now.timestamp() * 1000))

    async def _look(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        listed = await self._service.ask("GET", "/challenges")
        _expect(name, "GET /challenges", listed, HTTPStatus.OK)
        return {
            goal["goalId"]: goal
            for challenge in listed.body["challenges"]
            for goal in challenge["goals"]
        }


def _expect(name: str, request: str, answer: Answer, expected: HTTPStatus) -> None:
    """Raise `CommandFailed` if the answer has another status."""
    if answer.status == expected:
        return
    body = json.dumps(answer.body, ensure_ascii=False)[:BODY_SHOWN_MAX]
    hint = (
        "; EVENTS_TOKEN must be set for this command as it is for the service"
        if answer.status == HTTPStatus.UNAUTHORIZED and request == EVENTS
        else ""
    )
    raise CommandFailed(
        f"the season stops at the step {name!r}: {request} is answered {answer.status}, not"
        f" {expected.value}: {body}{hint}"
    )


def first_monday_after(today: datetime) -> datetime:
    """Return 10:00 on the first Monday of the next month: no month ends within the season."""
    first = (today.astimezone(UTC).replace(day=1) + timedelta(days=32)).replace(day=1)
    monday = first + timedelta(days=-first.weekday() % 7)
    return monday.replace(hour=10, minute=0, second=0, microsecond=0)


def _login() -> Mapping[str, Any]:
    return {"type": "headrace.login"}


def _statistic(code: str, value: int, *, increase: int | None = None) -> Mapping[str, Any]:
    """Return a statistic's new value, and by how much it grew; from 0 unless said otherwise."""
    grown = value if increase is None else increase
    return {
        "type": "headrace.statistic",
        "data": {"statCode": code, "latestValue": value, "inc": grown},
    }
