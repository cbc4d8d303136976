"""The token of the studio's services: what it opens, and what it does not."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.callers import MockAuthenticator, ServiceAuthenticator
from middleware.admission import Class
from middleware.auth import AuthMiddleware
from middleware.classifier import Classifier
from middleware.problem import Problem
from tests.asgi_client import http_scope

TOKEN = "s3cret-s3cret-s3cret"
EVENTS = ("POST", "/challenge/v1/events")
Headers = list[tuple[bytes, bytes]]

locked = ServiceAuthenticator(TOKEN)
unlocked = ServiceAuthenticator(None)
classifier = Classifier({EVENTS: Class.EVENTS}, MockAuthenticator(), {Class.EVENTS: locked})


def bearer(token: str) -> Headers:
    return [(b"authorization", f"Bearer {token}".encode())]


async def state_after(authenticator: ServiceAuthenticator, headers: Headers) -> dict[str, str]:
    """Return what the handler would find; Problem if it is never asked."""
    found: list[dict[str, str]] = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        found.append(scope["state"])

    async def receive() -> Message:
        raise AssertionError("nothing is read here")

    async def send(_: Message) -> None:
        raise AssertionError("nothing is answered here")

    scope = http_scope(*EVENTS, headers)
    await AuthMiddleware(app, authenticator=authenticator)(scope, receive, send)
    return found[0]


@pytest.mark.parametrize(
    "value", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER {TOKEN}", f"Bearer   {TOKEN} "]
)
async def test_the_token_opens_and_makes_nobody_a_player(value: str) -> None:
    assert await state_after(locked, [(b"authorization", value.encode())]) == {}


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", TOKEN.encode())],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer \xff\xfe")],
        [(b"authorization", f"Basic {TOKEN}".encode())],
        [(b"authorization", f"Bearer {TOKEN}, Bearer {TOKEN}".encode())],
        bearer(TOKEN) + bearer(TOKEN),
        bearer(TOKEN) + bearer("other"),
        bearer(TOKEN[:-1]),
        bearer(TOKEN + "x"),
        bearer(TOKEN.upper()),
        bearer("x" * 10_000),
        [(b"x-mock-user-id", b"alice")],
        [(b"x-mock-user-id", TOKEN.encode())],
    ],
)
async def test_nothing_else_does(headers: Headers) -> None:
    with pytest.raises(Problem) as raised:
        await state_after(locked, headers)
    assert raised.value.reason == "unauthenticated"
    assert raised.value.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in raised.value.detail


@pytest.mark.parametrize("headers", [[], bearer("whatever"), [(b"authorization", b"Basic x")]])
async def test_where_no_token_is_set_none_is_asked_for(headers: Headers) -> None:
    assert await state_after(unlocked, headers) == {}


async def test_the_token_makes_nobody_a_player() -> None:
    mock = MockAuthenticator()
    credential = mock.credential(http_scope("GET", "/", bearer(TOKEN)))
    with pytest.raises(Problem) as raised:
        await mock.authenticate(credential)
    assert raised.value.reason == "unauthenticated"


def test_the_gate_knows_a_service_by_its_token_and_a_player_by_his() -> None:
    service = classifier(http_scope(*EVENTS, bearer(TOKEN)), 0.1)
    assert (service.cls, service.verified) == (Class.EVENTS, True)
    assert service.key == classifier(http_scope(*EVENTS, bearer(TOKEN)), 0.1).key
    stranger = classifier(http_scope(*EVENTS, bearer("other")), 0.1)
    assert not stranger.verified
    assert stranger.key != service.key


def test_a_player_cannot_spend_a_services_quota() -> None:
    value = f"Bearer {TOKEN}".encode()
    service = classifier(http_scope(*EVENTS, [(b"authorization", value)]), 0.1)
    player = classifier(http_scope("GET", "/x", [(b"x-mock-user-id", value)]), 0.1)
    both = classifier(http_scope(*EVENTS, [(b"x-mock-user-id", value)]), 0.1)
    assert len({service.key, player.key, both.key}) == 3
    assert not both.verified
