"""A running service, reached over HTTP as a player, as the game's back end and as an operator."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec

from app.commands.season import Answer
from app.failures import CommandFailed
from app.routing import JSON

REQUEST_S_MAX: Final = 15.0
TRIES_MAX: Final = 5
RETRY_MS_MAX: Final = 5_000
BODY_BYTES_MAX: Final = 16_777_216

SOURCE: Final = "urn:headrace:demo"
EVENTS_TYPE: Final = "application/cloudevents-batch+json"


class Bearers(NamedTuple):
    """The tokens of whoever sends events, sets the clock and plays; None: none is asked for."""

    events: str | None = None
    operations: str | None = None
    player: str | None = None


NO_BEARERS: Final = Bearers()


class RunningService:
    """The service at two addresses, and one player. Raises `CommandFailed` if it is not there."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        operations_url: str,
        player: str,
        bearers: Bearers = NO_BEARERS,
    ) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._operations_url = operations_url.rstrip("/")
        self._player = player
        self._events_headers = _bearer(bearers.events)
        self._operations_headers = _bearer(bearers.operations)
        self._player_headers = _bearer(bearers.player) or {"x-mock-user-id": player}

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask as the player; `path` follows /challenge/v1."""
        url = f"{self._url}/challenge/v1{path}"
        return await self._request(method, url, body, self._player_headers)

    async def send(self, events: Sequence[Mapping[str, Any]]) -> Answer:
        """Send events of the player as the game's back end."""
        sender = {"specversion": "1.0", "source": f"{SOURCE}:{self._player}"}
        batch = [{**sender, "subject": self._player, **event} for event in events]
        url = f"{self._url}/challenge/v1/events"
        headers = {"Content-Type": EVENTS_TYPE, **self._events_headers}
        return await self._request("POST", url, batch, headers)

    async def today(self) -> datetime:
        """Return the moment of the service's database, whatever its clock is set to."""
        reading = (await self._clock("GET")).body
        return datetime.fromisoformat(reading["databaseNow"])

    async def set_clock(self, setting: Mapping[str, Any]) -> Answer:
        """Set the service's clock."""
        return await self._clock("PUT", setting)

    async def release_clock(self) -> None:
        """Give the service its own clock back."""
        await self._clock("DELETE")

    async def _clock(self, method: str, setting: Mapping[str, Any] | None = None) -> Answer:
        url = f"{self._operations_url}/clock"
        answer = await self._request(method, url, setting, self._operations_headers)
        if answer.status != HTTPStatus.OK:
            raise CommandFailed(
                f"the clock of {self._operations_url} cannot be set (status {answer.status}): the"
                " season needs a service in ENVIRONMENT local, or in test with OPERATIONS_TOKEN"
            )
        return answer

    async def _request(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask, and come back when told to, a few times."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": JSON, **(headers or {})} if data else headers
        for _ in range(TRIES_MAX):
            answer = await self._request_once(method, url, data, headers)
            if not isinstance(answer.body, dict) or "retry_after_ms" not in answer.body:
                return answer
            await asyncio.sleep(min(answer.body["retry_after_ms"], RETRY_MS_MAX) / 1000)
        raise CommandFailed(f"{method} {url} is refused again and again: {answer.body['detail']}")

    async def _request_once(
        self, method: str, url: str, data: bytes | None, headers: Mapping[str, str] | None
    ) -> Answer:
        try:
            async with self._session.request(method, url, data=data, headers=headers) as response:
                body = await response.content.read(BODY_BYTES_MAX)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CommandFailed(
                f"no service answers at {url}: {str(error) or type(error).__name__}; start one"
                " with `make run`, or name it with --url and --operations-url"
            ) from error
        try:
            return Answer(response.status, msgspec.json.decode(body) if body else None)
        except msgspec.DecodeError:
            raise CommandFailed(
                f"what answers {method} {url} (status {response.status}) is not Headrace"
            ) from None


def _bearer(token: str | None) -> Mapping[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}
