"""The trial's own tools: what a request got is counted as what it was, and the killed come back."""

import asyncio
import itertools
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from benchmarks.claims import chaos, load
from benchmarks.claims.chaos import EndedByItself, Killable, kill_at_random
from benchmarks.claims.judge import Wanted
from benchmarks.claims.load import Claimers, Got, NeverClaimed
from tests.children import IDLE
from tests.eventually import eventually

WANTED = [Wanted(f"p{number}", "c", "g", ("WALLET", "GEMS", 10)) for number in range(3)]

Answer = Callable[[str], int | None]


@asynccontextmanager
async def shop(answer: Answer) -> AsyncIterator[int]:
    """Answer each claim with `answer(player)`; None closes the connection instead."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                player = head.partition("x-mock-user-id: ")[2].partition("\r\n")[0]
                status = answer(player)
                if status is None:
                    break
                writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def claim_all(answer: Answer) -> Claimers:
    async with shop(answer) as port:
        claimers = Claimers(port)
        await claimers.claim_all(WANTED)
        return claimers


def once() -> Answer:
    claimed: set[str] = set()

    def answer(player: str) -> int:
        if player in claimed:
            return 409
        claimed.add(player)
        return 200

    return answer


async def test_of_ten_copies_one_makes_the_claim_and_nine_hear_so() -> None:
    claimers = await claim_all(once())
    assert claimers.got == {Got.MADE: 3, Got.KNOWN: 27}
    assert claimers.made_twice == 0


async def test_a_claim_that_was_undone_is_made_again() -> None:
    asked: Counter[str] = Counter()
    claim = once()

    def answer(player: str) -> int | None:
        """One copy was refused by the provider; the others came before it was undone."""
        asked[player] += 1
        return claim(player) if asked[player] > 10 else 502 if asked[player] == 1 else 409

    claimers = await claim_all(answer)
    assert claimers.got[Got.UNDONE] == 3
    assert claimers.got[Got.MADE] == 3
    assert claimers.made_twice == 0


async def test_no_answer_is_asked_again() -> None:
    asked = itertools.count()
    claim = once()
    claimers = await claim_all(lambda player: claim(player) if next(asked) >= 25 else None)
    assert claimers.got[Got.MADE] == 3
    assert claimers.got[Got.UNKNOWN] > 0


async def test_who_is_told_yes_twice_is_counted() -> None:
    claimers = await claim_all(lambda _: 200)
    assert claimers.made_twice == 27


async def test_a_claim_that_never_succeeds_ends_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "AGAIN_S", 0.001)
    monkeypatch.setattr(load, "TIMES_MAX", 3)
    with pytest.raises(NeverClaimed):
        await claim_all(lambda _: 503)


@pytest.fixture
def idle(tmp_path: Path) -> Killable:
    return Killable("idle", lambda kills: [sys.executable, "-c", f"{IDLE} # {kills}"], {}, tmp_path)


async def test_what_is_killed_comes_back(idle: Killable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos, "PAUSE_S", (0.0, 0.01))
    monkeypatch.setattr(chaos, "DOWN_S", (0.0, 0.01))
    idle.start()
    killing = asyncio.create_task(kill_at_random([idle], random.Random(1)))
    await asyncio.to_thread(eventually, lambda: idle.kills >= 3)
    killing.cancel()
    with suppress(asyncio.CancelledError):
        await killing
    # It runs: only who is asked to end ends by this signal.
    assert idle.stop() == -15


async def test_a_child_that_ended_by_itself_is_not_taken_for_killed(tmp_path: Path) -> None:
    brief = Killable("brief", lambda _: [sys.executable, "-c", "print('gone')"], {}, tmp_path)
    brief.start()
    brief.stop()
    with pytest.raises(EndedByItself):
        brief.kill()
    assert brief.kills == 0
