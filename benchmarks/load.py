"""The load generator: an open loop of HTTP/1.1 requests to one port on this machine.

`python -m benchmarks.load < plan.json > summary.json`, a process of its own, so that it shares
neither loop nor interpreter lock with what it measures.

    Schedule ──► Attempt ──► connect, send ──► epoll ──► Answer ──► outcome ──► Schedule, if told
                                             └─ patience over: timeout

It speaks to sockets and epoll itself: no event loop stands between a moment in the schedule and
the bytes that leave. On loopback a connection is made before `connect` returns, so the request
usually goes out at once.

Each attempt in flight is an open file: the limit is the parent's, which raises it.
"""

import contextlib
import errno
import gc
import os
import select
import socket
import sys
import time
from collections import deque

import msgspec

from benchmarks.answers import (
    FULL_CHECK_EVERY,
    REFUSED,
    Answer,
    Call,
    Outcome,
    Verdict,
    judge,
)
from benchmarks.returning import Clients
from benchmarks.schedule import NS_PER_MS, NS_PER_S, Attempt, Plan, Schedule, players
from benchmarks.stats import Summary, summarise
from benchmarks.tokens import read_tokens, token_of

LOOPBACK = "127.0.0.1"
READ_BYTES = 64 * 1024
# So few events per turn that the next start is never late by more than their handling.
EVENTS_PER_TURN = 32
# A break before the first arrival: the process is warm, and nothing is late from the outset.
HEAD_START_NS = 200 * NS_PER_MS
# What stands before the player of each kind of request, and what behind.
REQUESTS = {
    Call.INITIALIZE: (
        "POST /challenge/v1/challenges/initialize",
        "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    ),
    Call.LIST: ("GET /challenge/v1/challenges", "\r\n"),
}


class Connection:
    """One socket and the attempt that it carries; None while it is kept idle."""

    __slots__ = ("answer", "attempt", "request", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.answer = Answer()
        self.attempt: Attempt | None = None
        # What is still to be sent; empty once the request is out.
        self.request = b""


class Generator:
    """Runs one plan to its end; `attempts` then holds every attempt that was started."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.attempts: list[Attempt] = []
        self.in_flight_max = 0
        self.full_checks = 0
        self._in_flight = 0
        self._answers_ok = 0
        self._timeout_ns = plan.timeout_s * NS_PER_S
        self.players = players(plan)
        self._tokens = read_tokens(plan.tokens)
        self._clients = Clients(plan.returning, plan.arrivals, plan.seed)
        self._address = (LOOPBACK, plan.port)
        self._epoll = select.epoll()
        self._by_fd: dict[int, Connection] = {}
        # The connection of each attempt in flight, oldest intended start first: the next time-out.
        self._waiting: deque[tuple[Attempt, Connection]] = deque()
        self._idle: list[Connection] = []
        self._schedule = Schedule(plan, 0)

    def run(self) -> int:
        """Run the plan; return the moment of the first arrival in ns of the monotonic clock."""
        start_ns = self.plan.start_ns or time.monotonic_ns() + HEAD_START_NS
        end_ns = start_ns + self.plan.seconds_max * NS_PER_S
        self._schedule = Schedule(self.plan, start_ns)
        while (now_ns := time.monotonic_ns()) < end_ns:
            self._start_due(now_ns)
            self._expire(now_ns)
            wake_ns = self._next_wake_ns()
            if wake_ns is None:
                break
            wait_s = max(0, min(wake_ns, end_ns) - time.monotonic_ns()) / NS_PER_S
            for fd, events in self._epoll.poll(wait_s, EVENTS_PER_TURN):
                self._handle(fd, events)
        self._cut_off()
        return start_ns

    def _next_wake_ns(self) -> int | None:
        """Return when the loop must turn at the latest; None when nothing is left to do."""
        due_ns = self._schedule.next_ns()
        if not self._waiting:
            return due_ns
        expiry_ns = self._waiting[0][0].intended_ns + self._timeout_ns
        return expiry_ns if due_ns is None else min(due_ns, expiry_ns)

    def _start_due(self, now_ns: int) -> None:
        while (due_ns := self._schedule.next_ns()) is not None and due_ns <= now_ns:
            attempt = self._schedule.pop()
            now_ns = attempt.started_ns = time.monotonic_ns()
            self.attempts.append(attempt)
            self._in_flight += 1
            self.in_flight_max = max(self.in_flight_max, self._in_flight)
            self._start(attempt)

    def _start(self, attempt: Attempt) -> None:
        connection = self._idle.pop() if self._idle else self._connect()
        if connection is None:
            self._end(attempt, Verdict(Outcome.NO_CONNECTION))
            return
        connection.attempt = attempt
        connection.answer = Answer()
        connection.request = self._request(attempt)
        self._waiting.append((attempt, connection))
        self._send(connection)

    def _request(self, attempt: Attempt) -> bytes:
        close = "" if self.plan.kept else "connection: close\r\n"
        head, body = REQUESTS[self.plan.call]
        return (
            f"{head} HTTP/1.1\r\nhost: {LOOPBACK}\r\n{self._credential(attempt)}\r\n{close}{body}"
        ).encode()

    def _credential(self, attempt: Attempt) -> str:
        if self._tokens:
            token = token_of(self._tokens, attempt.arrival, attempt.number)
            return f"authorization: Bearer {token}"
        return f"x-mock-user-id: {self.players[attempt.arrival]}"

    def _connect(self) -> Connection | None:
        try:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError:
            return None
        if sock.connect_ex(self._address) not in (0, errno.EINPROGRESS):
            sock.close()
            return None
        connection = Connection(sock)
        self._by_fd[sock.fileno()] = connection
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        return connection

    def _send(self, connection: Connection) -> None:
        try:
            sent = connection.sock.send(connection.request)
        except BlockingIOError:
            # The connection is not made yet: the accept queue is full, or the SYN was dropped.
            self._epoll.modify(connection.sock.fileno(), select.EPOLLIN | select.EPOLLOUT)
        except ConnectionRefusedError:
            self._finish(connection, Verdict(Outcome.NO_CONNECTION))
        except OSError as error:
            self._finish(connection, Verdict(Outcome.RESET, reason=error.strerror or ""))
        else:
            connection.request = connection.request[sent:]

    def _handle(self, fd: int, events: int) -> None:
        connection = self._by_fd.get(fd)
        if connection is None:
            return
        if events & select.EPOLLOUT and connection.request:
            self._send(connection)
            if not connection.request:
                self._epoll.modify(fd, select.EPOLLIN)
        if events & ~select.EPOLLOUT and fd in self._by_fd:
            self._read(connection)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            never_made = bool(connection.request)
            outcome = Outcome.NO_CONNECTION if never_made else Outcome.RESET
            self._finish(connection, Verdict(outcome, reason=error.strerror or ""))
            return
        if not data:
            self._finish(connection, Verdict(Outcome.RESET, reason="closed"))
            return
        try:
            whole = connection.answer.feed(data)
        except ValueError as error:
            self._finish(connection, Verdict(Outcome.BAD_BODY, reason=str(error)))
            return
        if whole:
            self._finish(connection, self._judge(connection.answer), keep=self.plan.kept)

    def _judge(self, answer: Answer) -> Verdict:
        full = False
        if answer.status == 200:
            full = self._answers_ok % FULL_CHECK_EVERY == 0
            self._answers_ok += 1
            self.full_checks += full
        return judge(answer.status, answer.body(), full=full, call=self.plan.call)

    def _finish(self, connection: Connection, verdict: Verdict, *, keep: bool = False) -> None:
        """End the attempt that `connection` carries; close the connection unless it is kept."""
        attempt, connection.attempt = connection.attempt, None
        if keep and not connection.answer.closes:
            self._idle.append(connection)
        else:
            self._close(connection, idle=attempt is None)
        if attempt is not None:
            self._end(attempt, verdict)

    def _close(self, connection: Connection, *, idle: bool) -> None:
        if idle:
            with contextlib.suppress(ValueError):
                self._idle.remove(connection)
        del self._by_fd[connection.sock.fileno()]
        connection.sock.close()

    def _end(self, attempt: Attempt, verdict: Verdict) -> None:
        attempt.end(verdict.outcome, time.monotonic_ns(), verdict.reason)
        self._in_flight -= 1
        if verdict.outcome in REFUSED and verdict.retry_after_ms is not None:
            after_ms = self._clients.return_after_ms(attempt.arrival, verdict.retry_after_ms)
            if after_ms is not None:
                self._schedule.come_back(attempt, after_ms)

    def _expire(self, now_ns: int) -> None:
        """Give up on attempts whose patience is over, and forget those that have ended."""
        limit_ns = now_ns - self._timeout_ns
        while self._waiting:
            attempt, connection = self._waiting[0]
            if attempt.outcome is None:
                if attempt.intended_ns > limit_ns:
                    return
                self._finish(connection, Verdict(Outcome.TIMEOUT))
            self._waiting.popleft()

    def _cut_off(self) -> None:
        for connection in list(self._by_fd.values()):
            self._finish(connection, Verdict(Outcome.CUT_OFF))
        self._epoll.close()


def generate(plan: Plan) -> Summary:
    """Run `plan` and return what came of it."""
    generator = Generator(plan)
    cpu_started_ns = time.process_time_ns()
    start_ns = generator.run()
    cpu_ns = time.process_time_ns() - cpu_started_ns
    return summarise(
        plan,
        generator.attempts,
        player_of=generator.players,
        start_ns=start_ns,
        generator_cpu_ns=cpu_ns,
        in_flight_max=generator.in_flight_max,
        full_checks=generator.full_checks,
    )


def main() -> int:
    """Read a plan from standard input, run it, write the summary to standard output."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    # A collection would stop the schedule; the attempts of one run are small and hold no cycles.
    gc.disable()
    summary = generate(plan)
    sys.stdout.buffer.write(msgspec.json.encode(summary) + b"\n")
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
