"""A closed loop: some kept connections, each with a request under way always, until time is up.

`python -m benchmarks.rules.closed_loop < loop.json > looped.json`, a process of its own. A closed
loop keeps a server busy and says nothing about waiting: it is for CPU per request under saturation.
The CPU of the processes named in the plan is read when the counted span begins and when it ends, so
that starting up and connecting are not in it.
"""

import itertools
import select
import socket
import sys
import time

import msgspec

from benchmarks.answers import Answer
from benchmarks.processes import cpu_s
from benchmarks.schedule import NS_PER_S
from benchmarks.stats import Spread, spread_ms

LOOPBACK = "127.0.0.1"
READ_BYTES = 256 * 1024
POLL_S = 0.05
SILENCE_S_MAX = 10
WRONG_BYTES_SHOWN = 200
GENERATOR = "generator"
# How the head of a request ends, and what follows it.
BODY = {"GET": "\r\n", "POST": "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"}


class Loop(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask and how long. Players are `prefix` and a number; 0 of them: each is a new one.

    `beginning` is what every body must begin with; `roots` are the processes whose CPU is read,
    each with all below it.
    """

    port: int
    method: str
    path: str
    prefix: str
    players: int
    beginning: str
    roots: dict[str, int]
    seconds: float
    connections: int = 16
    warm_s: float = 0.5


class Looped(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it within the counted span; `cpu_s` has the generator's own, too.

    `wrong` is the first answer that was not what it should be, which also ends the loop.
    """

    answers: int
    seconds: float
    latency_ms: Spread
    body_bytes: int
    cpu_s: dict[str, float]
    wrong: str = ""


class WrongAnswer(Exception):
    """A server did not answer, or not what it should."""


class Connection:
    """One kept connection, and when its request left."""

    __slots__ = ("answer", "sent_ns", "sock")

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection((LOOPBACK, port), timeout=SILENCE_S_MAX)
        self.answer = Answer()
        self.sent_ns = 0


class Runner:
    """Runs one loop; what it counts is there afterwards."""

    def __init__(self, loop: Loop) -> None:
        self.latencies_ns: list[int] = []
        self.body_bytes = 0
        self._loop = loop
        self._numbers = itertools.count()
        self._epoll = select.epoll()
        self._by_fd: dict[int, Connection] = {}
        self._counting = False

    def run(self) -> Looped:
        """Keep every connection busy until the time is up."""
        loop, wrong = self._loop, ""
        used_s: dict[str, float] = {}
        span_ns = [0, 0]
        try:
            for _ in range(loop.connections):
                self._connect()
            self._turn(loop.warm_s)
            used_s = _used_s(loop.roots)
            self._counting = True
            span_ns[0] = time.monotonic_ns()
            self._turn(loop.seconds)
        except (OSError, WrongAnswer, ValueError) as error:
            wrong = str(error) or type(error).__name__
        span_ns[1] = time.monotonic_ns()
        ended_s = _used_s(loop.roots)
        for connection in self._by_fd.values():
            connection.sock.close()
        self._epoll.close()
        return Looped(
            answers=len(self.latencies_ns),
            seconds=round((span_ns[1] - span_ns[0]) / NS_PER_S, 4) if self._counting else 0.0,
            latency_ms=spread_ms(self.latencies_ns),
            body_bytes=self.body_bytes,
            cpu_s={
                name: round(now_s - used_s.get(name, now_s), 4) for name, now_s in ended_s.items()
            },
            wrong=wrong,
        )

    def _turn(self, seconds: float) -> None:
        now_ns = heard_ns = time.monotonic_ns()
        end_ns = now_ns + int(seconds * NS_PER_S)
        while now_ns < end_ns:
            ready = self._epoll.poll(POLL_S)
            for fd, _ in ready:
                self._read(self._by_fd[fd])
            now_ns = time.monotonic_ns()
            if ready:
                heard_ns = now_ns
            elif now_ns - heard_ns > SILENCE_S_MAX * NS_PER_S:
                raise WrongAnswer(f"no answer for {SILENCE_S_MAX} s")

    def _read(self, connection: Connection) -> None:
        data = connection.sock.recv(READ_BYTES)
        if not data:
            raise WrongAnswer("the connection was closed without an answer")
        answer = connection.answer
        if not answer.feed(data):
            return
        body = answer.body()
        if answer.status != 200 or not body.startswith(self._loop.beginning.encode()):
            raise WrongAnswer(f"{answer.status} {body[:WRONG_BYTES_SHOWN]!r}")
        if self._counting:
            self.latencies_ns.append(time.monotonic_ns() - connection.sent_ns)
            self.body_bytes = max(self.body_bytes, len(body))
        if answer.closes:
            del self._by_fd[connection.sock.fileno()]
            connection.sock.close()
            self._connect()
        else:
            self._ask(connection)

    def _connect(self) -> None:
        connection = Connection(self._loop.port)
        self._by_fd[connection.sock.fileno()] = connection
        self._epoll.register(connection.sock.fileno(), select.EPOLLIN)
        self._ask(connection)

    def _ask(self, connection: Connection) -> None:
        number = next(self._numbers)
        if self._loop.players:
            number %= self._loop.players
        request = (
            f"{self._loop.method} {self._loop.path} HTTP/1.1\r\nhost: {LOOPBACK}\r\n"
            f"x-mock-user-id: {self._loop.prefix}{number:06d}\r\n{BODY[self._loop.method]}"
        )
        connection.answer = Answer()
        connection.sent_ns = time.monotonic_ns()
        connection.sock.sendall(request.encode())


def _used_s(roots: dict[str, int]) -> dict[str, float]:
    return {GENERATOR: time.process_time()} | {name: cpu_s(pid) for name, pid in roots.items()}


def main() -> int:
    """Read a loop from standard input, run it, write what came of it to standard output."""
    loop = msgspec.json.decode(sys.stdin.buffer.read(), type=Loop)
    sys.stdout.buffer.write(msgspec.json.encode(Runner(loop).run()) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
