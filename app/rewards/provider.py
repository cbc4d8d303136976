"""The reward provider: who is asked, how, and what the answers mean.

    POST REWARD_URL, Idempotency-Key: the claim's id, every time the same
    {"claimId", "player", "namespace", "type", "rewardId", "quantity"}

| Answer | Means |
|---|---|
| 2xx, whatever the body | granted |
| 408, 409 (still at it), 425, 5xx; no answer, half an answer, no HTTP | unknown: asked again |
| no connection, 429 | not granted: asked again for as long as it takes |
| 3xx, 401, 405, 407 | the same, and an error in the log: the address or the password is wrong |
| any other | refused for ever |

A provider remembers by key what it granted, and never what it refused: a claim that was refused and
undone may be made again, under the same key and perhaps with another body.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import aiohttp
import msgspec
import structlog
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.domain.reward import (
    Claim,
    Granted,
    GrantOutcome,
    NotGranted,
    RefusedForGood,
    RewardProvider,
    Unknown,
)
from app.domain.settlement import BACKOFF_MS_MAX

BODY_BYTES_MAX: Final = 16_384
"""How much of an answer is read, so that its connection can be used again."""

BODY_S_MAX: Final = 0.2
"""How long that may take: the status has said everything."""

SHOWN_BYTES_MAX: Final = 120
"""How much of the body of an answer that is not a grant is kept for people."""

KEEP_ALIVE_S: Final = 10.0

CONNECT_SHARE: Final = 0.5
"""Which part of the time-out connecting may take: who did not connect has certainly not asked."""

SECONDS_DIGITS_MAX: Final = 9

SUCCESS: Final = range(200, 300)
FINAL: Final = range(300, 500)
AGAIN: Final = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
    }
)
REDIRECTS: Final = range(300, 400)
OUR_FAULT: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
    }
)

log = structlog.get_logger()


class LoggingProvider:
    """Grants everything and says so in the log. For local and test environments only."""

    async def grant(self, claim: Claim) -> GrantOutcome:
        """Grant."""
        log.info(
            "reward_granted_by_log",
            claim_id=str(claim.claim_id),
            type=claim.reward.type,
            reward_id=claim.reward.reward_id,
            quantity=claim.reward.quantity,
        )
        return Granted()


class HttpProvider:
    """Asks by HTTP, within its time-out, connecting and reading included."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def grant(self, claim: Claim) -> GrantOutcome:
        """Send one request. Redirects are not followed: nobody else may be asked for a grant."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(claim.claim_id)}
        TraceContextTextMapPropagator().inject(headers)
        try:
            async with self._session.post(
                self._url, data=_body(claim), headers=headers, allow_redirects=False
            ) as answer:
                said = await _drain(answer)
                if _is_our_fault(answer.status):
                    log.error(
                        "reward_call_misdirected",
                        claim_id=str(claim.claim_id),
                        status=answer.status,
                    )
                return _meaning(answer.status, answer.headers, said)
        except aiohttp.ClientResponseError as failure:
            # Its text would show the address, which may hold a password.
            return Unknown(f"no HTTP: {type(failure).__name__}")
        except aiohttp.ConnectionTimeoutError:
            return NotGranted("no connection in time")
        except (aiohttp.ClientConnectorError, aiohttp.ClientConnectorCertificateError) as failure:
            return NotGranted(f"{type(failure).__name__}: {failure}")
        except TimeoutError:
            return Unknown("no answer in time")
        except (aiohttp.ClientError, OSError) as failure:
            return Unknown(f"{type(failure).__name__}: {failure}")


@asynccontextmanager
async def open_provider(
    url: str | None, *, timeout_s: float, concurrency: int
) -> AsyncIterator[RewardProvider]:
    """Yield a provider with its connections, which are kept for the next calls."""
    if url is None:
        yield LoggingProvider()
        return
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency, keepalive_timeout=KEEP_ALIVE_S),
        timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=timeout_s * CONNECT_SHARE),
        cookie_jar=aiohttp.DummyCookieJar(),
        # What is compressed would be read as it is: nothing to unpack, nothing to blow up.
        auto_decompress=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "headrace"},
    ) as session:
        yield HttpProvider(session, url)


def _body(claim: Claim) -> bytes:
    return msgspec.json.encode(
        {
            "claimId": str(claim.claim_id),
            "player": claim.player_id,
            "namespace": claim.namespace,
            "type": claim.reward.type,
            "rewardId": claim.reward.reward_id,
            "quantity": claim.reward.quantity,
        }
    )


async def _drain(answer: aiohttp.ClientResponse) -> str:
    """Read the body, within bounds, and return its beginning; what goes wrong changes nothing."""
    beginning = b""
    size = 0
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for chunk in answer.content.iter_any():
                beginning = (beginning + chunk)[:SHOWN_BYTES_MAX]
                size += len(chunk)
                if size > BODY_BYTES_MAX:
                    break
    except (aiohttp.ClientError, OSError):
        pass
    if not answer.content.at_eof():
        answer.close()
    return beginning.decode("utf-8", "replace")


def _meaning(status: int, headers: Mapping[str, str], said: str) -> GrantOutcome:
    if status in SUCCESS:
        return Granted()
    reason = f"{status}: {said}" if said else str(status)
    if status == HTTPStatus.TOO_MANY_REQUESTS or _is_our_fault(status):
        return NotGranted(reason, _retry_after_ms(headers))
    if status in AGAIN or status not in FINAL:
        return Unknown(reason, _retry_after_ms(headers))
    return RefusedForGood(reason)


def _is_our_fault(status: int) -> bool:
    return status in OUR_FAULT or status in REDIRECTS


def _retry_after_ms(headers: Mapping[str, str]) -> int:
    """Return how long the provider asks to be left alone: seconds, or a date beside its own."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        # More digits are more than the bound in any case.
        return min(int(text[:SECONDS_DIGITS_MAX]) * 1000, BACKOFF_MS_MAX)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return 0
    return max(0, min(int(wait.total_seconds() * 1000), BACKOFF_MS_MAX))
