"""Tokens at every route: the good ones are somebody, and no other is anybody."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import main
from app.main import create_app
from app.parts import create_core
from app.routes import ROUTES, Row, Who
from app.serving.loop_lag import LoopLag
from app.telemetry import Metrics
from app.tokens.fetching import FetchFailed
from app.tokens.tokens import Looked, Tokens, TokenSources
from tests.app import HERE, settings_for
from tests.asgi_client import Exchange, http_scope
from tests.hostile_tokens import Headers, hostile
from tests.issuer import DROPPED, NOW_S, bearer, key_set, token
from tests.unit.test_token_verification import RULES

SHARED = "events-token-of-16"
SETTINGS = settings_for(
    AUTH_ENABLED="true",
    AUTH_KEYS="/keys-that-tests-bring-along",
    EVENTS_TOKEN=SHARED,
    EVENTS_CLIENT_IDS="events-handler, another",
    EVENTS_PERMISSION="NAMESPACE:{namespace}:CHALLENGE:EVENTS",
)
BEHIND = [row for row in ROUTES if row.who is not Who.ANYBODY]


async def say_who(request: Request[Any]) -> Response:
    """Stand at every endpoint, and say whom it sees."""
    return JSONResponse({"sees": getattr(request.state, "player_id", None)})


@pytest.fixture(autouse=True)
def without_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "ROUTES", tuple(row._replace(endpoint=say_who) for row in ROUTES))


class Door:
    """The application before endpoints that say whom they see."""

    def __init__(self, content: bytes | None) -> None:
        self._content = content
        self.looks: Counter[Looked] = Counter()
        self.tokens = Tokens(
            RULES, lambda _: TokenSources(self._fetch), lambda: float(NOW_S), self._looked
        )
        self.metrics = Metrics()
        self.app = create_app(
            SETTINGS,
            metrics=self.metrics,
            loop_lag=LoopLag(),
            core=create_core(SETTINGS),
            clock=HERE,
            tokens=self.tokens,
        )

    def _looked(self, looked: Looked) -> None:
        self.looks[looked] += 1

    async def _fetch(self) -> bytes:
        if self._content is None:
            raise FetchFailed("the answer is 503")
        return self._content

    async def reaches_the_endpoint(self, row: Row, headers: Headers, player: str | None) -> None:
        answer = await self.ask(row, headers)
        assert (answer.status, answer.json) == (200, {"sees": player}), row.path

    def metrics_of(self, name: str) -> dict[str, float]:
        """Return the series of a metric that are not 0."""
        return {
            str(sample.labels): sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == name and sample.value
        }

    async def ask(self, row: Row, headers: Headers, query: bytes = b"") -> Exchange:
        path = row.path.format(challenge_id="c", goal_id="g")
        scope = http_scope(row.method, path, headers)
        scope["query_string"] = query
        scope["state"] = {}
        exchange = Exchange(self.app, scope, b"")
        await exchange.task
        return exchange


@asynccontextmanager
async def opened(content: bytes | None = None) -> AsyncIterator[Door]:
    door = Door(content)
    async with door.tokens.refreshing():
        yield door


def service(**changes: Any) -> Headers:
    """Return the credential of a service: it has no subject, or itself."""
    return [bearer(token("", **{"sub": DROPPED, "client_id": "events-handler", **changes}))]


async def test_no_hostile_token_is_let_in_anywhere() -> None:
    headers = list(hostile())
    async with opened(key_set("rsa")) as door:
        for row in BEHIND:
            for name, sent in headers:
                answer = await door.ask(row, sent, b"access_token=" + token())
                is_good = name.startswith(("extend_namespace", "sub"))
                refused = {401, 403} if is_good else {401}
                assert answer.status in refused, (row.path, name, answer.body)
                assert answer.json["errorCode"] in {"UNAUTHORIZED", "FORBIDDEN"}, name
        assert door.metrics_of("admission_decisions_total") == {}


@pytest.mark.parametrize("row", [row for row in BEHIND if row.who is Who.PLAYER])
async def test_a_player_s_token_opens_the_routes_of_players(row: Row) -> None:
    async with opened(key_set("rsa")) as door:
        for scheme in (b"Bearer ", b"bearer ", b"BEARER   "):
            await door.reaches_the_endpoint(row, [(b"authorization", scheme + token())], "alice")
        assert (await door.ask(row, service())).status == 401
        assert (await door.ask(row, [bearer(SHARED.encode())])).status == 401


async def test_services_show_the_shared_token_or_one_of_their_own() -> None:
    [events] = [row for row in BEHIND if row.who is Who.SERVICE]
    permission = SETTINGS.events_permission
    async with opened(key_set("rsa")) as door:
        for headers in (
            [bearer(SHARED.encode())],
            service(),
            service(sub="events-handler"),
            service(client_id="another"),
            service(client_id="anybody", permissions=[{"Resource": permission, "Action": 1}]),
        ):
            for _ in range(2):
                await door.reaches_the_endpoint(events, headers, None)
        for headers in (
            [bearer(token())],
            service(client_id="anybody"),
            service(client_id=""),
            service(sub="alice"),
            service(client_id="anybody", permissions=["another", permission]),
            service(client_id="anybody", permissions=[{"Resource": permission, "Action": 2}]),
            service(sub="alice", client_id="anybody", permissions=[{"Resource": permission}]),
            service(client_id="\ud800"),
        ):
            for _ in range(2):
                answer = await door.ask(events, headers)
                assert (answer.status, answer.json["reason"]) == (403, "forbidden")
        assert (await door.ask(events, [bearer(SHARED.encode() + b"x")])).status == 401


async def test_without_keys_it_says_when_to_come_again_and_lets_nobody_in() -> None:
    async with opened() as door:
        for row in BEHIND:
            answer = await door.ask(row, service() if row.who is Who.SERVICE else [bearer(token())])
            assert (answer.status, answer.json["reason"]) == (503, "token_keys_unavailable")
            assert answer.headers["retry-after"] == "5"
        assert (await door.ask(BEHIND[0], [])).status == 401


async def test_what_a_client_is_told_of_a_bad_token_is_in_the_standard_s_header() -> None:
    async with opened(key_set("rsa")) as door:
        assert (await door.ask(BEHIND[0], [])).headers["www-authenticate"] == "Bearer"
        for _ in range(2):
            expired = await door.ask(BEHIND[0], [bearer(token(exp=NOW_S - 600))])
            assert expired.headers["www-authenticate"] == 'Bearer error="invalid_token"'
            assert expired.json["detail"] == "The token has expired."
