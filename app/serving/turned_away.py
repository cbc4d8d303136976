"""Connections above the cap: told when to come back, with nothing built for them."""

import asyncio
from typing import Final, cast

from middleware.problem import CONTENT_TYPE, HttpReason, come_back

RETRY_AFTER_MS: Final = range(500, 1001)
"""All of them round up to `Retry-After: 1`."""

LINGER_BYTES_MAX: Final = 64 * 1024
"""How much such a client may go on sending while it reads its answer."""


def busy_answer(die: float) -> bytes:
    """Return a whole 503; `die`, from 0 to below 1, chooses the client's moment to come back."""
    retry_after_ms = RETRY_AFTER_MS[int(die * len(RETRY_AFTER_MS))]
    body = come_back(HttpReason.CONNECTIONS_FULL, retry_after_ms).body()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\n"
        f"Content-Type: {CONTENT_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Retry-After: 1\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body


class TurnedAway(asyncio.Protocol):
    """One refused connection. It counts in `lingering`; without it, it is closed at once."""

    def __init__(
        self, answer: bytes, lingering: "set[TurnedAway] | None", linger_s_max: float
    ) -> None:
        self._answer = answer
        self._lingering = lingering
        self._linger_s_max = linger_s_max
        self._dropped_bytes = 0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        if lingering is not None:
            lingering.add(self)

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer before anything was read."""
        self._transport = transport = cast("asyncio.Transport", transport)
        transport.write(self._answer)
        if self._lingering is None:
            transport.close()
        else:
            transport.write_eof()
            self._timer = asyncio.get_running_loop().call_later(self._linger_s_max, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Drop the request."""
        assert self._transport is not None
        self._dropped_bytes += len(data)
        if self._dropped_bytes > LINGER_BYTES_MAX:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Let go."""
        if self._timer is not None:
            self._timer.cancel()
        if self._lingering is not None:
            self._lingering.discard(self)
