"""A pooler before PostgreSQL, of sessions or of transactions, that is as strict as PgBouncer."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

KNOWN = {b"user", b"database", b"client_encoding", b"application_name"}
READY_IDLE = b"Z\0\0\0\x05I"
READ_BYTES = 65_536

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Pooler:
    """Gives each connection a session of its own, or all of them one, a transaction at a time.

    If it `says` why, it refuses all of them.
    """

    def __init__(self, server: Path, *, transactions: bool, says: str | None) -> None:
        self._server = server
        self._shared: Streams | None = None
        self._welcome = b""
        self._transactions = transactions
        self._says = says
        self._turn = asyncio.Lock()
        self._open: list[asyncio.StreamWriter] = []
        self._serving: list[asyncio.Task[None]] = []

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.append(writer)
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def close(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*self._serving)

    async def _connect(self) -> Streams:
        streams = await asyncio.open_unix_connection(self._server)
        self._open.append(streams[1])
        return streams

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            startup = await _packet(reader)
            unknown = [name for name in startup[8:].split(b"\0")[:-2:2] if name not in KNOWN]
            if self._says:
                writer.write(_refusal(self._says))
            elif unknown:
                writer.write(_refusal("unsupported startup parameter: " + unknown[0].decode()))
            elif self._transactions:
                await self._lend(startup, reader, writer)
            else:
                there, back = await self._connect()
                back.write(startup)
                await _either(_pump(reader, back), _pump(there, writer))
                back.close()
        writer.close()

    async def _lend(
        self, startup: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async with self._turn:
            if self._shared is None:
                self._shared = await self._connect()
                self._shared[1].write(startup)
                self._welcome = await _answer(self._shared[0])
        writer.write(self._welcome)
        there, back = self._shared
        while (first := await reader.readexactly(1)) != b"X":
            async with self._turn:
                back.write(first + await _packet(reader))
                await _either(_answer(there, writer), _pump(reader, back))


async def _packet(reader: asyncio.StreamReader) -> bytes:
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length) - 4)


async def _answer(there: asyncio.StreamReader, writer: asyncio.StreamWriter | None = None) -> bytes:
    """Pass on what the server says until it waits for a new transaction, and return it."""
    said = message = b""
    while message != READY_IDLE:
        message = await there.readexactly(1) + await _packet(there)
        said += message
        if writer is not None:
            writer.write(message)
    return said


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(READ_BYTES):
            sink.write(data)


async def _either(*running: Coroutine[None, None, object]) -> None:
    tasks = [asyncio.ensure_future(each) for each in running]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _refusal(text: str) -> bytes:
    """Return what PgBouncer answers before it closes a connection."""
    fields = f"SFATAL\0C08P01\0M{text}\0\0".encode()
    return b"E" + (len(fields) + 4).to_bytes(4) + fields


@asynccontextmanager
async def pooler(
    database_url: str, folder: Path, *, transactions: bool = False, says: str | None = None
) -> AsyncIterator[str]:
    """Yield the URL of a pooler before the database."""
    parts = urlsplit(database_url)
    query = dict(parse_qsl(parts.query))
    name = f".s.PGSQL.{query['port']}"
    pooling = Pooler(Path(query["host"]) / name, transactions=transactions, says=says)
    server = await asyncio.start_unix_server(pooling.accept, folder / name)
    try:
        yield urlunsplit(parts._replace(query=urlencode(query | {"host": str(folder)})))
    finally:
        server.close()
        await pooling.close()
