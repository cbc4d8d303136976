"""A proxy before PostgreSQL that cuts a connection at the worst moment, when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

READ_BYTES = 65_536


class CuttingProxy:
    """Listens on a socket of its own and leads to the embedded server's.

    `cut_answer_after` is how many answers of the server still pass before one is withheld and its
    connection cut: what was asked for has happened then. `cut_next_request` cuts before it can.
    """

    def __init__(self, database_url: str, folder: Path) -> None:
        parts = urlsplit(database_url)
        query = dict(parse_qsl(parts.query))
        name = f".s.PGSQL.{query['port']}"
        self._server = Path(query["host"]) / name
        self._listen = folder / name
        self.url = urlunsplit(parts._replace(query=urlencode(query | {"host": str(folder)})))
        self.cut_answer_after: int | None = None
        self.cut_next_request = False
        self.cuts = 0

    @classmethod
    @asynccontextmanager
    async def running(cls, database_url: str, folder: Path) -> AsyncIterator[Self]:
        proxy = cls(database_url, folder)
        server = await asyncio.start_unix_server(proxy._serve, proxy._listen)
        try:
            yield proxy
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._server)
        pumps = [
            asyncio.ensure_future(self._pump(reader, back, self._cuts_request)),
            asyncio.ensure_future(self._pump(there, writer, self._cuts_answer)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        writer.transport.abort()
        back.close()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, cuts: object
    ) -> None:
        assert callable(cuts)
        with suppress(ConnectionError):
            while data := await source.read(READ_BYTES):
                if cuts():
                    self.cuts += 1
                    return
                sink.write(data)
                await sink.drain()

    def _cuts_request(self) -> bool:
        cut, self.cut_next_request = self.cut_next_request, False
        return cut

    def _cuts_answer(self) -> bool:
        if self.cut_answer_after is None:
            return False
        self.cut_answer_after -= 1
        if self.cut_answer_after >= 0:
            return False
        self.cut_answer_after = None
        return True
