"""HTTP/1.1 over a bare socket: every byte that is sent is the test's own."""

import json
import socket
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.eventually import PATIENCE_S


class Answer(NamedTuple):
    """One answer as it came. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def reason(self) -> str:
        """The problem's reason, or nothing where the answer is bare."""
        return str(json.loads(self.body)["reason"]) if self.body else ""

    def json(self) -> Any:
        """Return the body's content."""
        return json.loads(self.body)


class RawClient:
    """One connection. Every wait is bounded, and a reset counts as an end."""

    def __init__(self, address: tuple[str, int], timeout_s: float = PATIENCE_S) -> None:
        self.socket = socket.create_connection(address, timeout=timeout_s)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.socket.sendall(data)

    def ask(self, data: bytes) -> Answer:
        """Send a request and return its answer."""
        self.send(data)
        return self.answer()

    def answer(self, *, to_head: bool = False) -> Answer:
        """Read one answer, whose end its own headers tell."""
        head = self._until(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head.split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        status = int(status_line.split(" ")[1])
        if to_head or status < 200 or status == 304:
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = self._chunks()
        else:
            body = self._exactly(int(headers["content-length"]))
        return Answer(status, headers, body)

    def ends(self) -> bool:
        """Wait for the server's end; return whether nothing more came before it."""
        return not self._received and not self._read()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._exactly(size)
            self._until(b"\r\n")
        self._until(b"\r\n")
        return body

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._received:
            self._more()
        found, _, self._received = self._received.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        pieces = [self._received]
        missing = size - len(self._received)
        while missing > 0:
            pieces.append(self._read())
            if not pieces[-1]:
                raise ConnectionError(f"the server closed with {missing} bytes missing")
            missing -= len(pieces[-1])
        data = b"".join(pieces)
        self._received = data[size:]
        return data[:size]

    def _more(self) -> None:
        data = self._read()
        if not data:
            raise ConnectionError(f"the server closed after {self._received!r}")
        self._received += data

    def _read(self) -> bytes:
        try:
            return self.socket.recv(1 << 16)
        except ConnectionResetError:
            return b""


def request(
    method: str = "GET", target: str = "/", *headers: str, body: bytes | None = None
) -> bytes:
    """Return a request's bytes, with Host, and Content-Length if there is a body."""
    lines = [f"{method} {target} HTTP/1.1", "Host: test", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
