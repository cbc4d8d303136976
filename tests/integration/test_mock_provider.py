"""The provider of local runs and tests: its ledger can be believed, and its faults happen."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from app.rewards.mock_provider import Fault, Ledger, MockProvider, serving
from tests.eventually import until

KEY = "11111111-1111-1111-1111-111111111111"


class Client:
    """Speaks to the provider as anybody would."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._base = f"http://127.0.0.1:{port}"

    async def __call__(
        self, method: str, path: str, body: object = None, key: str | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        headers = {} if key is None else {"Idempotency-Key": key}
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        async with self._session.request(
            method, self._base + path, data=data, headers=headers
        ) as answer:
            return answer.status, await answer.json(), dict(answer.headers)

    async def grant(self, key: str | None = KEY, fault: str = "", **body: object) -> int:
        path = f"/grants?fault={fault}" if fault else "/grants"
        return (await self("POST", path, body or {"player": "ann"}, key))[0]

    async def ledger(self) -> dict[str, int]:
        return dict((await self("GET", "/ledger"))[1])


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[MockProvider, int]]:
    async with serving(tmp_path / "ledger", "127.0.0.1", 0) as served:
        yield served


@pytest.fixture
async def client(served: tuple[MockProvider, int]) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, served[1])


async def test_a_key_is_granted_once_and_for_one_thing(client: Client) -> None:
    assert [await client.grant(), await client.grant()] == [200, 200]
    assert await client.grant(player="bob") == 422
    assert await client.grant("another") == 200
    assert await client.ledger() == {"granted": 2, "repeated": 2, "conflicts": 1, "requests": 4}


async def test_what_is_no_grant_is_refused(client: Client) -> None:
    assert await client.grant(key=None) == 400
    assert (await client("POST", "/grants", b"[", KEY))[0] == 400
    assert (await client("GET", "/elsewhere"))[0] == 405
    assert (await client("POST", "/"))[0] == 405
    assert (await client.ledger())["granted"] == 0


@pytest.mark.parametrize("fault", list(Fault))
async def test_every_fault_grants_or_does_not_as_its_name_says(
    client: Client, served: tuple[MockProvider, int], fault: Fault
) -> None:
    asking = asyncio.create_task(client.grant(fault=fault))

    async def was_heard() -> bool:
        return served[0].requests == 1

    await until(was_heard)
    if fault in (Fault.SILENCE, Fault.SILENCE_AFTER):
        await asyncio.wait({asking}, timeout=0.1)
        assert not asking.done()
        asking.cancel()
    try:
        status = await asking
    except (aiohttp.ClientError, asyncio.CancelledError):
        status = 0
    expected = {
        Fault.ERROR: 500,
        Fault.ERROR_AFTER: 500,
        Fault.TOO_MANY: 429,
        Fault.REFUSE: 422,
        Fault.SLOW: 200,
    }
    assert status == expected.get(fault, 0)
    grants = fault is Fault.SLOW or fault.endswith("After")
    assert (KEY in served[0].ledger.grants) is grants


async def test_a_granted_key_is_not_refused_later(client: Client) -> None:
    await client.grant()
    assert await client.grant(fault="refuse") == 200


async def test_the_same_seed_brings_the_same_faults(client: Client) -> None:
    faults = {"shares": {"error": 0.3, "refuse": 0.2}, "seed": 3}

    async def run() -> list[int]:
        status, told, _ = await client("PUT", "/faults", faults)
        assert (status, told["seed"]) == (200, 3)
        return [await client.grant(f"key {number}") for number in range(30)]

    first, second = await run(), await run()
    assert {200, 422, 500} == set(first)
    assert [status == 500 for status in first] == [status == 500 for status in second]


@pytest.mark.parametrize(
    "faults",
    [
        b"[",
        {"shares": {"nonsense": 1}},
        {"shares": {"error": 2}},
        {"shares": {"cut": -1}},
        {"x": 1},
    ],
)
async def test_wrong_faults_are_refused_and_change_nothing(client: Client, faults: object) -> None:
    assert (await client("PUT", "/faults", faults))[0] == 400
    assert (await client("GET", "/faults"))[1]["shares"] == {}


async def test_too_many_says_when_to_return(client: Client) -> None:
    await client("PUT", "/faults", {"retryAfterS": 9})
    _, _, headers = await client("POST", "/grants?fault=tooMany", {}, KEY)
    assert headers["Retry-After"] == "9"


async def test_the_ledger_survives_the_end_of_its_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    assert ledger.grant("a", {"player": "ann"})
    # Killed: nothing was closed, and a line was cut off.
    with path.open("ab") as file:
        file.write(b'{"key": "b", "bo')
    again = Ledger(path)
    assert again.grants == {"a": {"player": "ann"}}
    assert again.grant("c", {"player": "cid"})
    assert not again.grant("a", {"player": "eve"})
    third = Ledger(path)
    assert set(third.grants) == {"a", "c"}
    for each in (ledger, again, third):
        each.close()


async def test_whoever_speaks_no_http_disturbs_nobody(
    client: Client, served: tuple[MockProvider, int]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served[1])
    writer.write(b"\x00\x01\x02 nonsense\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    assert (await client("GET", "/healthz"))[1] == {"status": "healthy"}
