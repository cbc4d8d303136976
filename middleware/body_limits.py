"""A request's whole body, read before anybody waits: bounded in bytes, in pieces and in time.

It stands before the gate. A slow client then holds a connection and no place, and a request that
waits in line hears of nothing but its client's leaving.
"""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from middleware.problem import HttpReason, Problem

PIECES_MAX: Final = 4096
"""A body in more pieces costs more to read than to serve: each takes as long as 1 kB."""

LENGTH_DIGITS_MAX: Final = 18

CLOSE: Final = {"Connection": "close"}
"""What a refusal says that leaves a part of the body unread."""


class BodyLimits:
    """Reads the body, refuses what is too large or too slow, and replays it to the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        bytes_max: int,
        seconds_max: float,
    ) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._seconds_max = seconds_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one scope, as an ASGI application. Raises `Problem`."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bytes_max = self._bytes_max
        if not has_body(scope, bytes_max):
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds_max):
                body = await self._read(receive, bytes_max)
        except TimeoutError:
            raise Problem(
                HttpReason.BODY_TIMEOUT,
                f"The body did not arrive within {self._seconds_max:g} s.",
                headers=CLOSE,
            ) from None
        if body is not None:
            await self._app(scope, Replay(body, receive), send)

    @staticmethod
    async def _read(receive: Receive, bytes_max: int) -> bytes | None:
        """Return the body, or None if the client left before its end."""
        pieces = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            more = message.get("more_body", False)
            if size > bytes_max:
                raise too_large(bytes_max)
            if len(pieces) > PIECES_MAX:
                raise Problem(
                    HttpReason.BODY_TOO_LARGE,
                    f"A body may come in {PIECES_MAX} pieces and no more.",
                    headers=CLOSE,
                )
        return b"".join(pieces)


class Replay:
    """The body as one message, and then what the client still has to say: that it left."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._message: Message | None = {
            "type": "http.request",
            "body": body,
            "more_body": False,
        }
        self._receive = receive

    async def __call__(self) -> Message:
        """Return the next message, as ASGI's `receive`."""
        message, self._message = self._message, None
        return await self._receive() if message is None else message


def has_body(scope: Scope, bytes_max: int) -> bool:
    """Return whether a body follows the head. Raises `Problem` if it says that it is too large."""
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return True
        if name == b"content-length":
            if not value.isdigit():
                raise Problem(
                    HttpReason.BAD_REQUEST, "Content-Length is not a number.", headers=CLOSE
                )
            # Not made a number first: Python refuses one of thousands of digits.
            size = bytes_max + 1 if len(value) > LENGTH_DIGITS_MAX else int(value)
            if size > bytes_max:
                raise too_large(bytes_max)
            return size > 0
    return False


def too_large(bytes_max: int) -> Problem:
    """Return the refusal of a body above the limit."""
    return Problem(
        HttpReason.BODY_TOO_LARGE, f"A body may have {bytes_max} bytes and no more.", headers=CLOSE
    )
