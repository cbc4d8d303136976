"""Game servers that send events: connections that each post one batch after another.

`python -m benchmarks.promise.real.senders < sending.json > sent.json`. A closed loop, as game
servers are: who waits for an answer sends nothing. A batch that is refused is sent again when told.
The statistics are those that the load tests' catalogue has goals for, and the players are drawn
with replacement.
"""

import http.client
import os
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import msgspec

from benchmarks.answers import Outcome, Verdict, judge
from benchmarks.rules.client import ANSWER_S_MAX, BATCH, EVENTS, LOOPBACK
from benchmarks.rules.season import PER_STEP
from benchmarks.schedule import NS_PER_S
from benchmarks.stats import Spread, spread_ms

ACCEPTED = "accepted"
STATS = tuple(PER_STEP)
# After no answer, or one that is not understood: no loop turns without a rest.
FAILED_REST_MS = 100


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: to which port, from which moment on, by how many connections, of whom."""

    port: int
    start_ns: int
    seconds: int
    connections: int
    batch_events: int
    players: int
    source: str


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. Batches and events are those that were answered while sending went on."""

    batches: int
    refused: int
    events: dict[str, int]
    failed: dict[str, int]
    answered_ms: Spread
    cpu_s: float

    @property
    def wrong(self) -> str:
        """Return what was neither accepted nor refused with a moment; empty if nothing was."""
        counts = {name: count for name, count in self.events.items() if name != ACCEPTED}
        return ", ".join(f"{count} {name}" for name, count in (self.failed | counts).items())


class _Result(msgspec.Struct):
    result: str


class _Results(msgspec.Struct):
    results: list[_Result]


_decode_results = msgspec.json.Decoder(_Results).decode


class Senders:
    """All connections together, each a thread. They make batches and count answers in turns."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._end_ns = sending.start_ns + sending.seconds * NS_PER_S
        self._dice = random.Random(1)
        self._values: Counter[tuple[int, str]] = Counter()
        self._made = 0
        self._refused = 0
        self._took_ns: list[int] = []
        self._events: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def run(self) -> Sent:
        """Send until the end; what is under way then is waited for, and not counted."""
        time.sleep(max(0, self._sending.start_ns - time.monotonic_ns()) / NS_PER_S)
        with ThreadPoolExecutor(self._sending.connections) as pool:
            workers = [pool.submit(self._send_on) for _ in range(self._sending.connections)]
            for worker in workers:
                worker.result()
        return Sent(
            batches=len(self._took_ns),
            refused=self._refused,
            events=dict(self._events),
            failed=dict(self._failed),
            answered_ms=spread_ms(self._took_ns),
            cpu_s=round(time.process_time(), 2),
        )

    def _send_on(self) -> None:
        connection = http.client.HTTPConnection(LOOPBACK, self._sending.port, timeout=ANSWER_S_MAX)
        batch = b""
        while (started_ns := time.monotonic_ns()) < self._end_ns:
            with self._lock:
                batch = batch or self._make()
            status, body = _post(connection, batch)
            with self._lock:
                rest_ms = self._count(status, body, started_ns)
            if status == 200:
                batch = b""
            time.sleep(rest_ms / 1000)
        connection.close()

    def _make(self) -> bytes:
        """Return a batch; each value is one more than the player's last of this statistic."""
        events = []
        for _ in range(self._sending.batch_events):
            player, stat = self._dice.randint(1, self._sending.players), self._dice.choice(STATS)
            self._values[player, stat] += 1
            self._made += 1
            data = f'{{"statCode":"{stat}","latestValue":{self._values[player, stat]},"inc":1}}'
            events.append(
                f'{{"specversion":"1.0","id":"{self._made}","source":"{self._sending.source}",'
                f'"type":"headrace.statistic","subject":"{player_name(player)}","data":{data}}}'
            )
        return f"[{','.join(events)}]".encode()

    def _count(self, status: int, body: bytes, started_ns: int) -> int:
        """Count an answer; return for how many ms its connection rests."""
        now_ns = time.monotonic_ns()
        if status == 200:
            if now_ns <= self._end_ns:
                self._took_ns.append(now_ns - started_ns)
                self._events.update(one.result for one in _decode_results(body).results)
            return 0
        verdict = judge(status, body, full=False) if status else Verdict(Outcome.RESET)
        if verdict.retry_after_ms is None:
            self._failed[f"{status} {verdict.reason}"] += 1
            return FAILED_REST_MS
        self._refused += 1
        left_ms = max(0, self._end_ns - now_ns) // 1_000_000
        return min(verdict.retry_after_ms, left_ms)


def player_name(number: int) -> str:
    """Return the name of a player from 1 on, as the generator of the other load gives it."""
    return f"user-{number:06d}"


def _post(connection: http.client.HTTPConnection, batch: bytes) -> tuple[int, bytes]:
    """Return status and body of the answer; 0 for none."""
    try:
        connection.request("POST", EVENTS, batch, {"content-type": BATCH})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0, b""


def main() -> int:
    """Read what to send from standard input, send it, write what came of it to standard output."""
    sending = msgspec.json.decode(sys.stdin.buffer.read(), type=Sending)
    sent = Senders(sending).run()
    sys.stdout.buffer.write(msgspec.json.encode(sent) + b"\n")
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
