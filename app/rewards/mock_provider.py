"""A reward provider for local runs and tests: it keeps a ledger of its own, and fails on demand.

    POST /grants    grants once per Idempotency-Key, and writes it down before it answers
    PUT /faults     which share of the requests meets which fault; GET shows it
    GET /ledger     how many grants, repetitions, conflicts and requests there were
    GET /healthz

The ledger is a file of one JSON object a line, only ever appended to, and on the disk before the
grant is answered. So it survives the end of the process, and is the judge of what was granted.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

import h11
import msgspec

BODY_BYTES_MAX: Final = 65_536
READ_BYTES: Final = 16_384
GARBAGE: Final = b"\x16\x03\x01 this is no HTTP \xff\xfe\r\n\r\n"


class Fault(StrEnum):
    """What goes wrong with one request; `after` means that the reward was granted all the same."""

    ERROR = "error"
    ERROR_AFTER = "errorAfter"
    SILENCE = "silence"
    SILENCE_AFTER = "silenceAfter"
    CUT = "cut"
    CUT_AFTER = "cutAfter"
    GARBAGE = "garbage"
    GARBAGE_AFTER = "garbageAfter"
    TOO_MANY = "tooMany"
    SLOW = "slow"
    REFUSE = "refuse"


GRANTING: Final = {
    Fault.ERROR_AFTER,
    Fault.SILENCE_AFTER,
    Fault.CUT_AFTER,
    Fault.GARBAGE_AFTER,
    Fault.SLOW,
}

ON_THE_WIRE: Final = {
    Fault.SILENCE,
    Fault.SILENCE_AFTER,
    Fault.CUT,
    Fault.CUT_AFTER,
    Fault.GARBAGE,
    Fault.GARBAGE_AFTER,
}


Answer: TypeAlias = tuple[int, dict[str, str], Any]
"""Status, headers, and what is sent as JSON."""


class Faults(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The share of requests, from 0 to 1, that meets each fault; which ones, the seed decides."""

    shares: dict[Fault, float] = {}
    seed: int = 0
    slow_ms: int = 200
    retry_after_s: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for shares that are none."""
        if min(self.shares.values(), default=0) < 0 or sum(self.shares.values()) > 1:
            raise ValueError("shares are at least 0 and together at most 1")


class Ledger:
    """What was granted, by key. Appended to a file, and on the disk when `grant` returns."""

    def __init__(self, path: Path) -> None:
        self.grants: dict[str, Any] = {}
        self.repeated = 0
        self.conflicts = 0
        written = path.read_bytes() if path.exists() else b""
        for line in written.splitlines():
            try:
                grant = msgspec.json.decode(line)
            except msgspec.DecodeError:
                continue  # cut off by the end of the process: it was not answered
            self.grants[grant["key"]] = grant["body"]
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if written and not written.endswith(b"\n"):
            os.write(self._file, b"\n")

    def grant(self, key: str, body: Any) -> bool:
        """Grant, unless it was done; return False if the key was used for something else."""
        if key in self.grants:
            self.repeated += 1
            same = bool(self.grants[key] == body)
            self.conflicts += not same
            return same
        os.write(self._file, msgspec.json.encode({"key": key, "body": body}) + b"\n")
        os.fsync(self._file)
        self.grants[key] = body
        return True

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class MockProvider:
    """The provider. Each of its connections is served by `serve_connection`."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.requests = 0
        self.faults = Faults()
        self._dice = random.Random(0)  # noqa: S311 - the same faults for the same seed

    async def answer(self, method: str, target: str, key: str, body: bytes) -> Answer | Fault:
        """Return the answer, or what happens on the wire instead of one."""
        parts = urlsplit(target)
        match method, parts.path:
            case "POST", "/grants":
                self.requests += 1
                return await self._grant(self._fault(parts.query), key, body)
            case "PUT", "/faults":
                try:
                    self.faults = msgspec.json.decode(body, type=Faults)
                except msgspec.DecodeError as error:
                    return 400, {}, {"message": str(error)}
                self._dice = random.Random(self.faults.seed)  # noqa: S311 - as above
                return 200, {}, self.faults
            case "GET", "/faults":
                return 200, {}, self.faults
            case "GET", "/ledger":
                ledger = self.ledger
                counts = {
                    "granted": len(ledger.grants),
                    "repeated": ledger.repeated,
                    "conflicts": ledger.conflicts,
                    "requests": self.requests,
                }
                return 200, {}, counts
            case "GET", "/healthz":
                return 200, {}, {"status": "healthy"}
        # Not 404, which is a provider's last word about a reward: no claim is refused for an
        # address that is wrong.
        message = (
            "POST /grants, PUT /faults, GET /ledger or GET /healthz; REWARD_URL ends in /grants"
        )
        return 405, {"Allow": "POST"}, {"message": message}

    def _fault(self, query: str) -> Fault | None:
        """Return what goes wrong with the next request: by its own query, or by the dice."""
        asked = parse_qs(query).get("fault", [""])[0]
        if asked in set(Fault):
            return Fault(asked)
        die = self._dice.random()
        for fault, share in self.faults.shares.items():
            if die < share:
                return fault
            die -= share
        return None

    async def _grant(self, fault: Fault | None, key: str, body: bytes) -> Answer | Fault:
        try:
            content = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            return 400, {}, {"message": str(error)}
        if not key:
            return 400, {}, {"message": "no Idempotency-Key"}
        if fault is Fault.REFUSE and key not in self.ledger.grants:
            return 422, {}, {"message": "a refusal on demand"}
        if fault is None or fault in GRANTING:
            if not self.ledger.grant(key, content):
                return 422, {}, {"message": "this key was used for something else"}
            if fault is Fault.SLOW:
                await asyncio.sleep(self.faults.slow_ms / 1e3)
        if fault in ON_THE_WIRE:
            return fault
        if fault is Fault.TOO_MANY:
            return 429, {"Retry-After": str(self.faults.retry_after_s)}, {}
        if fault in {Fault.ERROR, Fault.ERROR_AFTER}:
            return 500, {}, {"message": "a fault on demand"}
        return 200, {}, {"granted": True}

    async def serve_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one client's requests, one after the other, until it leaves or is cut."""
        connection = h11.Connection(h11.SERVER)
        try:
            while (request := await _read_request(connection, reader)) is not None:
                answer = await self.answer(*request)
                if isinstance(answer, Fault):
                    await _happen(answer, reader, writer)
                    return
                writer.write(_encode(connection, *answer))
                if connection.our_state is not h11.DONE:
                    return
                connection.start_next_cycle()
        except (h11.RemoteProtocolError, ConnectionError):
            return
        finally:
            writer.close()


async def _happen(fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if fault in {Fault.GARBAGE, Fault.GARBAGE_AFTER}:
        writer.write(GARBAGE)
    elif fault in {Fault.SILENCE, Fault.SILENCE_AFTER}:
        await reader.read(1)  # until the client has enough


async def _read_request(
    connection: h11.Connection, reader: asyncio.StreamReader
) -> tuple[str, str, str, bytes] | None:
    """Return method, target, idempotency key and body, or None if the client has left."""
    request: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        match event:
            case h11.NEED_DATA:
                data = await reader.read(READ_BYTES)
                connection.receive_data(data)
            case h11.Request():
                request = event
            case h11.Data():
                body += event.data
                if len(body) > BODY_BYTES_MAX:
                    return None
            case h11.EndOfMessage():
                assert request is not None
                headers = dict(request.headers)
                key = headers.get(b"idempotency-key", b"").decode("latin-1")
                return request.method.decode(), request.target.decode("latin-1"), key, body
            case _:
                return None


def _encode(
    connection: h11.Connection, status: int, headers: dict[str, str], content: Any
) -> bytes:
    body = msgspec.json.encode(content)
    fields = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    events = (
        h11.Response(status_code=status, headers=[*fields, *headers.items()]),
        h11.Data(data=body),
        h11.EndOfMessage(),
    )
    return b"".join(connection.send(event) or b"" for event in events)


@asynccontextmanager
async def serving(ledger: Path, host: str, port: int) -> AsyncIterator[tuple[MockProvider, int]]:
    """Serve until the block ends; yield the provider, and its port if `port` is 0."""
    provider = MockProvider(Ledger(ledger))
    server = await asyncio.start_server(provider.serve_connection, host, port)
    try:
        yield provider, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        provider.ledger.close()


async def serve(ledger: Path, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    """Serve until cancelled; `on_ready` hears the port."""
    async with serving(ledger, host, port) as (_, bound):
        on_ready(bound)
        await asyncio.Event().wait()
