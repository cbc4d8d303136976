"""Fetches a small document that somebody else keeps: from an address, or from a file."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeAlias

import aiohttp

from app.file_content import file_content

KEY_SET_BYTES_MAX: Final = 65_536
REVOCATIONS_BYTES_MAX: Final = 4_194_304
FETCH_S_MAX: Final = 2.0

Fetch: TypeAlias = Callable[[], Awaitable[bytes]]


class FetchFailed(Exception):
    """The document is not there, too large, too slow, or somewhere else; the text says which."""


def fetch_from(source: str, bytes_max: int, session: aiohttp.ClientSession) -> Fetch:
    """Return what fetches a document of at most `bytes_max` bytes. It raises `FetchFailed`."""
    if source.lower().startswith(("http://", "https://")):
        return lambda: _from_address(source, bytes_max, session)
    return lambda: _from_file(Path(source), bytes_max)


async def _from_address(url: str, bytes_max: int, session: aiohttp.ClientSession) -> bytes:
    try:
        # A redirect would let somebody else say which keys count.
        async with (
            asyncio.timeout(FETCH_S_MAX),
            session.get(url, allow_redirects=False, max_line_size=8_190) as answer,
        ):
            if answer.status != HTTPStatus.OK:
                raise FetchFailed(f"the answer is {answer.status}")
            content = bytearray()
            async for chunk in answer.content.iter_chunked(bytes_max + 1):
                content += chunk
                if len(content) > bytes_max:
                    raise FetchFailed(f"it has more than {bytes_max} bytes")
            return bytes(content)
    except TimeoutError:
        raise FetchFailed(f"it does not come within {FETCH_S_MAX:.0f} s") from None
    except (aiohttp.ClientError, OSError) as error:
        # Its text may show an address that holds a password.
        raise FetchFailed(f"no answer: {type(error).__name__}") from error


async def _from_file(path: Path, bytes_max: int) -> bytes:
    try:
        return await asyncio.to_thread(file_content, path, bytes_max)
    except OSError as error:
        raise FetchFailed(str(error.strerror)) from error
