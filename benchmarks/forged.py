"""Forged tokens beside players: 5,000 a second of a known key, in this process, in real time.

`python -m benchmarks.forged` lets requests through the layers between the route and its endpoint,
which holds its place for 3 ms. Players who are known ask 200 times a second, and new ones 50 times,
with a token that nobody has looked at; who is refused comes back when told. It says who got in.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.callers import PlayerTokens
from app.tokens.mock_issuer import MockIssuer
from app.tokens.tokens import Tokens, TokenSources
from app.tokens.verification import TokenRules
from middleware.admission import AdmissionCore, AdmissionSettings, Class, Rate
from middleware.caller import Arrivals, Identify, Verify, verify
from middleware.gate import AdmissionGate
from middleware.problem import Problem

ISSUER: Final = "http://issuer.bench"
HOLD_S: Final = 0.003
SECONDS: Final = 10
KNOWN_PER_S, NEW_PER_S, FORGED_PER_S = 200, 50, 5_000
RETURNS_MAX: Final = 20
TICK_S: Final = 0.005


class Asked:
    """A player's request: how often it was sent, how long its last answer took, what it was."""

    def __init__(self) -> None:
        self.attempts = 0
        self.took_s = 0.0
        self.status = 0


class Door:
    """The layers of one class of requests."""

    def __init__(self, tokens: Tokens) -> None:
        quota = Rate.per_second(1_000_000, burst=1_000_000)
        core = AdmissionCore(AdmissionSettings(limit=10, initialize_rate=None, quota=quota))
        gate = AdmissionGate(core=core, classify=Arrivals(), verify=verify)
        self._app: ASGIApp = Identify(
            gate.around(Verify(_endpoint)),
            admission=Class.GAMEPLAY,
            authenticator=PlayerTokens(tokens),
        )

    async def ask(self, token: str) -> tuple[int, float]:
        """Return the status, and when to come again."""
        headers = [(b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "state": {}}
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        try:
            await self._app(scope, asyncio.Event().wait, send)  # type: ignore[arg-type]
        except Problem as problem:
            return problem.reason.status, problem.extra.get("retry_after_ms", 0) / 1e3
        status = sent[0]["status"]
        body = json.loads(sent[-1]["body"] or b"{}")
        return status, body.get("retry_after_ms", 0) / 1e3

    async def ask_until_in(self, token: str, asked: Asked) -> None:
        """Ask, and come back when told."""
        for _ in range(RETURNS_MAX):
            asked.attempts += 1
            started_s = time.monotonic()
            asked.status, after_s = await self.ask(token)
            asked.took_s = time.monotonic() - started_s
            if asked.status not in {429, 503}:
                return
            await asyncio.sleep(after_s)


async def _endpoint(_: Scope, __: Receive, send: Send) -> None:
    await asyncio.sleep(HOLD_S)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def flood(seconds: int) -> dict[str, Any]:
    """Let everybody come, and return what came of it."""
    issuer = MockIssuer(ISSUER)
    keys = json.dumps(issuer.key_set()).encode()

    async def fetch() -> bytes:
        return keys

    rules = TokenRules(frozenset({"RS256"}), ISSUER, None, "extend_namespace", "local", 30, 86_400)
    tokens = Tokens(
        rules,
        lambda _: TokenSources(fetch),
        lambda: time.clock_gettime(time.CLOCK_REALTIME),
        lambda _: None,
    )
    known_tokens = [issuer.token(player=f"known-{number}") for number in range(200)]
    new_tokens = [issuer.token(player=f"new-{number}") for number in range(NEW_PER_S * seconds)]
    genuine = known_tokens[0][:-12]
    async with tokens.refreshing():
        for token in known_tokens:
            tokens.verify(token.encode())
        door = Door(tokens)
        known: list[Asked] = []
        new: list[Asked] = []
        forged: list[asyncio.Task[tuple[int, float]]] = []
        tasks: list[asyncio.Task[None]] = []
        cpu_s, start_s = time.process_time(), time.monotonic()
        while (now_s := time.monotonic() - start_s) < seconds:
            while len(known) < now_s * KNOWN_PER_S:
                known.append(Asked())
                token = known_tokens[len(known) % len(known_tokens)]
                tasks.append(asyncio.create_task(door.ask_until_in(token, known[-1])))
            while len(new) < now_s * NEW_PER_S:
                new.append(Asked())
                tasks.append(
                    asyncio.create_task(door.ask_until_in(new_tokens[len(new) - 1], new[-1]))
                )
            while len(forged) < now_s * FORGED_PER_S:
                forged.append(asyncio.create_task(door.ask(f"{genuine}{len(forged):012x}")))
            await asyncio.sleep(TICK_S)
        cpu_s = time.process_time() - cpu_s
        statuses = [status for status, _ in await asyncio.gather(*forged)]
        await asyncio.gather(*tasks)
    return {
        "known": known,
        "new": new,
        "forged": statuses,
        "core": cpu_s / seconds,
    }


def report(found: dict[str, Any], seconds: int) -> Table:
    """Return the table that people read."""
    table = Table("who", "asked", "in", "with one attempt", "last attempt took, p50 / p95 ms")
    for name in ("known", "new"):
        asked: Sequence[Asked] = found[name]
        served = [each for each in asked if each.status == 200]
        took_ms = sorted(each.took_s * 1e3 for each in served)
        table.add_row(
            f"{name} players",
            f"{len(asked):,}",
            f"{100 * len(served) / len(asked):.2f} %",
            f"{100 * sum(each.attempts == 1 for each in served) / len(asked):.2f} %",
            f"{statistics.median(took_ms):.1f} / {took_ms[len(took_ms) * 95 // 100]:.1f}",
        )
    forged: list[int] = found["forged"]
    let_in = sum(status == 200 for status in forged)
    table.add_row("forged tokens", f"{len(forged):,}", f"{let_in}", "", "")
    table.caption = f"{seconds} s, {found['core']:.2f} of a core, generator included"
    return table


def main(arguments: Sequence[str]) -> int:
    """Play it and print; exit with 1 if a known player did not get in, or a forged token did."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forged", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    options = parser.parse_args(arguments)
    found = asyncio.run(flood(options.seconds))
    Console(width=120).print(report(found, options.seconds))
    known = [each.status == 200 for each in found["known"]]
    fine = sum(known) >= 0.999 * len(known) and all(each.status == 200 for each in found["new"])
    return 0 if fine and 200 not in found["forged"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
