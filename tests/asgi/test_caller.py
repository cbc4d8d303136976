"""Who calls: found before the body, counted by a keyed hash, told apart by kind."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.callers import MockPlayers, ServiceTokens
from middleware.admission import Arrival, Class
from middleware.caller import Arrivals, Authenticator, Identify, Verify, prefer_wait_ns
from middleware.problem import Problem
from tests.asgi_client import http_scope

S = 1_000_000_000
TOKEN = "s3cret-s3cret-s3cret"
Headers = list[tuple[bytes, bytes]]

mock = MockPlayers()
locked = ServiceTokens(TOKEN)
unlocked = ServiceTokens(None)
arrivals = Arrivals()


def player(name: bytes) -> Headers:
    return [(b"x-mock-user-id", name)]


def bearer(token: str) -> Headers:
    return [(b"authorization", f"Bearer {token}".encode())]


async def state_after(authenticator: Authenticator, headers: Headers) -> dict[str, str]:
    """Return what the endpoint would find; Problem if it is never asked."""
    scope = await identified(authenticator, headers)
    found: list[dict[str, str]] = []

    async def endpoint(scope: Scope, _: Receive, __: Send) -> None:
        found.append(scope["state"])

    await Verify(endpoint)(scope, nothing, nothing)  # type: ignore[arg-type]
    return found[0]


async def identified(
    authenticator: Authenticator, headers: Headers, admission: Class = Class.GAMEPLAY
) -> Scope:
    """Return the scope as the gate finds it; nothing is read or answered before."""
    scope = http_scope("POST", "/", headers)

    async def gate(_: Scope, __: Receive, ___: Send) -> None:
        pass

    layer = Identify(gate, admission=admission, authenticator=authenticator)
    await layer(scope, nothing, nothing)  # type: ignore[arg-type]
    return scope


async def nothing(*_: Message) -> Message:
    raise AssertionError("nothing is read or answered here")


async def arrival(
    authenticator: Authenticator, headers: Headers, admission: Class = Class.GAMEPLAY
) -> Arrival:
    return arrivals(await identified(authenticator, headers, admission), 0.1)


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
        player(b"alice"),
        player(TOKEN.encode()),
    ],
)
async def test_nothing_else_does(headers: Headers) -> None:
    with pytest.raises(Problem) as raised:
        await identified(locked, headers)
    assert raised.value.reason == "unauthenticated"
    assert raised.value.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in raised.value.detail


@pytest.mark.parametrize("headers", [[], bearer("whatever"), [(b"authorization", b"Basic x")]])
async def test_where_no_token_is_set_none_is_asked_for(headers: Headers) -> None:
    assert await state_after(unlocked, headers) == {}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "unauthenticated"),
        (bearer(TOKEN), "unauthenticated"),
        (player(b""), "bad_request"),
        (player(b"x" * 101), "bad_request"),
        (player(b"\xff"), "bad_request"),
    ],
)
async def test_who_is_no_player_is_told_before_anything_is_read(
    headers: Headers, reason: str
) -> None:
    with pytest.raises(Problem) as raised:
        await identified(mock, headers)
    assert raised.value.reason == reason


async def test_a_player_is_who_the_header_says() -> None:
    assert await state_after(mock, player("Zoë".encode())) == {"player_id": "Zoë"}


async def test_the_same_credential_is_the_same_client_and_another_is_another() -> None:
    alice = await identified(mock, player(b"alice"))
    assert arrivals(alice, 0.1).key == arrivals(alice, 0.2).key
    assert arrivals(alice, 0.1).key != (await arrival(mock, player(b"bob"))).key
    assert arrivals(alice, 0.1).verified


async def test_a_key_says_nothing_about_its_credential_and_differs_between_processes() -> None:
    alice = await identified(mock, player(b"alice"))
    assert b"alice" not in arrivals(alice, 0.1).key  # type: ignore[operator]
    assert arrivals(alice, 0.1).key != Arrivals()(alice, 0.1).key


async def test_without_a_credential_the_address_is_the_key_and_reserves_nothing() -> None:
    anonymous = await identified(unlocked, [])
    assert not arrivals(anonymous, 0.1).verified
    assert arrivals(anonymous, 0.1).key == (await arrival(unlocked, bearer("other"))).key
    assert arrivals(anonymous, 0.1).key != (await arrival(mock, player(b"127.0.0.1"))).key
    arrivals({**anonymous, "client": None}, 0.1)


async def test_a_player_cannot_spend_a_service_s_quota() -> None:
    value = f"Bearer {TOKEN}"
    service = await arrival(locked, bearer(TOKEN), Class.EVENTS)
    assert (service.cls, service.verified) == (Class.EVENTS, True)
    assert service.key == (await arrival(locked, bearer(TOKEN))).key
    assert service.key != (await arrival(mock, player(value.encode()))).key


@pytest.mark.parametrize(("admission", "wait_ns"), [(Class.INITIALIZE, S), (Class.GAMEPLAY, None)])
async def test_only_initialize_may_shorten_its_wait(admission: Class, wait_ns: int | None) -> None:
    headers = [*player(b"alice"), (b"prefer", b"respond-async"), (b"prefer", b"wait=1")]
    assert (await arrival(mock, headers, admission)).wait_ns_max == wait_ns


@pytest.mark.parametrize(
    ("prefer", "wait_ns"),
    [
        (b"wait=1", S),
        (b"wait=0", 0),
        (b"respond-async, wait=10", 10 * S),
        (b"respond-async;WAIT = 3 ; x", 3 * S),
        (b"await=7", None),
        (b"wait=-1", None),
        (b"wait=1.5", None),
        (b"wait=12345678", None),
        (b"wait", None),
        (b"", None),
    ],
)
def test_prefer_wait_is_read_in_whole_seconds(prefer: bytes, wait_ns: int | None) -> None:
    assert prefer_wait_ns(prefer) == wait_ns


async def test_other_scopes_pass() -> None:
    passed: list[str] = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        passed.append(scope["type"])

    layer = Identify(Verify(app), admission=Class.GAMEPLAY, authenticator=mock)
    await layer({"type": "lifespan"}, nothing, nothing)  # type: ignore[arg-type]
    assert passed == ["lifespan"]
