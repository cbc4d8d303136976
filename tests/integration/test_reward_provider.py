"""What the provider's answers mean, by a real client against servers that answer as they like."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import msgspec
import pytest
from opentelemetry.sdk.trace import TracerProvider
from structlog.testing import capture_logs

from app.domain.goal import Reward
from app.domain.reward import (
    Claim,
    Granted,
    GrantOutcome,
    NotGranted,
    RefusedForGood,
    RewardProvider,
    Unknown,
)
from app.rewards.provider import open_provider
from tests.eventually import PATIENCE_S

CLAIM = Claim(
    UUID("12345678-1234-5678-9234-567812345678"),
    "änn",
    "win",
    "w2026-03-02",
    "challenge",
    "game",
    Reward("WALLET", "GOLD", 25),
    1_000,
)


class Canned:
    """A server that answers every request with the same bytes, and keeps what it was sent."""

    def __init__(self, *answers: bytes, then_close: bool = False) -> None:
        self._answers = list(answers)
        self._then_close = then_close
        self.requests: list[tuple[list[str], bytes]] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                [length] = [line for line in head if line.lower().startswith("content-length:")]
                body = await reader.readexactly(int(length.split(":")[1]))
                self.requests.append((head, body))
                writer.write(self._answers[0])
                if self._then_close:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    @property
    def headers(self) -> dict[str, str]:
        [(head, _), *_] = self.requests
        return dict(line.split(": ", 1) for line in head[1:] if line)


@asynccontextmanager
async def asking(
    server: Canned, *, timeout_s: float = PATIENCE_S, scheme: str = "http"
) -> AsyncIterator[RewardProvider]:
    async with AsyncExitStack() as stack:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        stack.callback(listening.close)
        port = listening.sockets[0].getsockname()[1]
        url = f"{scheme}://127.0.0.1:{port}/grants"
        yield await stack.enter_async_context(
            open_provider(url, timeout_s=timeout_s, concurrency=2)
        )


async def outcome_of(answer: bytes, *, then_close: bool = False) -> GrantOutcome:
    async with asking(Canned(answer, then_close=then_close)) as provider:
        return await provider.grant(CLAIM)


def http(status: int, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_a_2xx_is_a_grant(status: int) -> None:
    assert await outcome_of(http(status)) == Granted()


@pytest.mark.parametrize("status", [408, 409, 425, 500, 501, 502, 503, 504, 599, 600, 999])
async def test_what_may_change_is_unknown(status: int) -> None:
    assert await outcome_of(http(status)) == Unknown(str(status))


@pytest.mark.parametrize("status", [400, 402, 403, 404, 406, 410, 422, 499])
async def test_what_will_not_change_is_a_refusal(status: int) -> None:
    assert await outcome_of(http(status)) == RefusedForGood(str(status))


@pytest.mark.parametrize("status", [300, 301, 302, 304, 307, 308, 399, 401, 405, 407])
async def test_a_wrong_address_or_password_costs_no_reward_and_is_an_error_in_the_log(
    status: int,
) -> None:
    elsewhere = "Location: http://127.0.0.1:1/grants"
    with capture_logs() as lines:
        assert await outcome_of(http(status, b"", elsewhere)) == NotGranted(str(status))
    [line] = lines
    assert (line["event"], line["log_level"]) == ("reward_call_misdirected", "error")
    assert (line["status"], line["claim_id"]) == (status, str(CLAIM.claim_id))


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x16\x03\x01\x02",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc Fine\r\n\r\n",
        b"HTTP/1.1 200 Fine\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 Fi",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nthis is no chunk",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
async def test_what_is_no_answer_is_unknown(answer: bytes) -> None:
    assert isinstance(await outcome_of(answer, then_close=True), Unknown)


@pytest.mark.parametrize(
    "body",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        http(200, b"x" * 5_000_000),
        http(200, b'{"granted": false}'),
    ],
)
async def test_a_granted_reward_is_granted_whatever_becomes_of_the_body(body: bytes) -> None:
    assert await outcome_of(body, then_close=True) == Granted()


async def test_a_body_that_never_ends_does_not_keep_a_grant_waiting() -> None:
    endless = b"HTTP/1.1 201 OK\r\nContent-Length: 50\r\n\r\nhalf"
    async with asyncio.timeout(PATIENCE_S / 2), asking(Canned(endless)) as provider:
        assert await provider.grant(CLAIM) == Granted()


async def test_silence_is_unknown_after_the_time_out() -> None:
    async with asking(Canned(b""), timeout_s=0.1) as provider:
        assert await provider.grant(CLAIM) == Unknown("no answer in time")


async def test_where_nobody_is_nothing_was_granted() -> None:
    async with open_provider(
        "http://127.0.0.1:1/", timeout_s=PATIENCE_S, concurrency=1
    ) as provider:
        outcome = await provider.grant(CLAIM)
    assert isinstance(outcome, NotGranted)
    assert "127.0.0.1" in outcome.reason


async def test_who_cannot_be_trusted_was_not_asked() -> None:
    server = Canned(http(200))
    async with asking(server, scheme="https", timeout_s=0.5) as provider:
        assert isinstance(await provider.grant(CLAIM), NotGranted)
    assert server.requests == []


async def test_a_refusal_keeps_the_beginning_of_what_the_provider_said() -> None:
    outcome = await outcome_of(http(422, b"no such item \xff" + b"!" * 1_000))
    assert isinstance(outcome, RefusedForGood)
    assert outcome.reason.startswith("422: no such item \ufffd!!!")
    assert len(outcome.reason) < 150


@pytest.mark.parametrize(
    ("headers", "retry_after_ms"),
    [
        (["Retry-After: 7"], 7_000),
        (["Retry-After: 0"], 0),
        (["Retry-After: -5"], 0),
        (["Retry-After: 99999999999999999999"], 900_000),
        (["Retry-After: " + "9" * 5_000], 900_000),
        (["Retry-After: soon"], 0),
        (["Retry-After: \u0667"], 0),
        (["Retry-After: Fri, 31 Dec 2027 23:59:59 GMT"], 0),
        (
            [
                "Retry-After: Fri, 31 Dec 2027 23:59:59 GMT",
                "Date: Fri, 31 Dec 2027 23:59:29 GMT",
            ],
            30_000,
        ),
        (
            [
                "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT",
                "Date: Fri, 31 Dec 2027 23:59:29 GMT",
            ],
            0,
        ),
    ],
)
async def test_the_moment_to_return_is_bounded_and_by_the_provider_s_own_clock(
    headers: list[str], retry_after_ms: int
) -> None:
    assert await outcome_of(http(429, b"", *headers)) == NotGranted("429", retry_after_ms)


@pytest.mark.parametrize("reward", [Reward("WALLET", "GOLD", 25), Reward("ITEM", "sword", 1)])
async def test_what_is_sent_names_the_claim_and_the_reward(reward: Reward) -> None:
    server = Canned(http(200))
    async with asking(server) as provider:
        await provider.grant(CLAIM._replace(reward=reward))
    [(head, body)] = server.requests
    assert head[0] == "POST /grants HTTP/1.1"
    assert server.headers["Idempotency-Key"] == str(CLAIM.claim_id)
    assert server.headers["Content-Type"] == "application/json"
    assert msgspec.json.decode(body) == {
        "claimId": str(CLAIM.claim_id),
        "player": "änn",
        "namespace": "game",
        "type": reward.type,
        "rewardId": reward.reward_id,
        "quantity": reward.quantity,
    }


async def test_a_traced_call_carries_its_trace() -> None:
    server = Canned(http(200))
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    async with asking(server) as provider:
        with tracer.start_as_current_span("claim") as span:
            await provider.grant(CLAIM)
    assert f"{span.get_span_context().trace_id:032x}" in server.headers["traceparent"]


async def test_calls_one_after_the_other_share_a_connection() -> None:
    server = Canned(http(200, b"{}"))
    async with asking(server) as provider:
        for _ in range(5):
            assert await provider.grant(CLAIM) == Granted()
    assert (server.connections, len(server.requests)) == (1, 5)


async def test_a_request_is_sent_once_even_if_its_kept_connection_turns_out_to_be_closed() -> None:
    """Whether to repeat is decided by who counts the attempts."""
    server = Canned(http(200, b"{}"))
    async with asking(server) as provider:
        await provider.grant(CLAIM)
        server._then_close = True
        server._answers = [b""]
        assert isinstance(await provider.grant(CLAIM), Unknown)
    assert len(server.requests) == 2


async def test_an_error_never_shows_the_address_s_password() -> None:
    async with AsyncExitStack() as stack:
        server = Canned(b"HTTP/1.1 200 Fine\r\nno colon\r\n\r\n", then_close=True)
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        stack.callback(listening.close)
        port = listening.sockets[0].getsockname()[1]
        for target in (port, 1):
            url = f"http://me:s3cret@127.0.0.1:{target}/grants"
            async with open_provider(url, timeout_s=PATIENCE_S, concurrency=1) as provider:
                outcome = await provider.grant(CLAIM)
            assert isinstance(outcome, Unknown | NotGranted)
            assert "s3cret" not in outcome.reason
        assert server.headers["Authorization"].startswith("Basic ")


async def test_without_an_address_everything_is_granted() -> None:
    async with open_provider(None, timeout_s=PATIENCE_S, concurrency=1) as provider:
        assert await provider.grant(CLAIM) == Granted()
