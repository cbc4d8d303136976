"""Players who claim: each claim ten times at once, and again until it is known to be made.

What a request got is one of

    made      200
    known     409: it was made already
    undone    502: the provider refused, the claim is not made, and may be claimed again
    unknown   anything else, or no answer: it is claimed again
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum

import aiohttp

from benchmarks.claims.judge import Wanted

COPIES = 10
IN_FLIGHT = 3
"""So many claims at once; with their copies they are the connections."""
ANSWER_S_MAX = 5.0
AGAIN_S = 0.1
TIMES_MAX = 200
"""So often one claim is tried: for minutes, longer than any service stays away."""


class Got(StrEnum):
    """What one request got."""

    MADE = "made"
    KNOWN = "known"
    UNDONE = "undone"
    UNKNOWN = "unknown"


MEANINGS = {200: Got.MADE, 409: Got.KNOWN, 502: Got.UNDONE}


class NeverClaimed(Exception):
    """A claim could not be made however often it was tried."""


class Claimers:
    """Makes claims through one service. `got` counts all requests by what they got."""

    def __init__(self, port: int) -> None:
        self.got: Counter[Got] = Counter()
        self.statuses: Counter[int] = Counter()
        self.made_twice = 0
        self._root = f"http://127.0.0.1:{port}/challenge/v1/challenges"

    async def claim_all(self, wanted: Sequence[Wanted]) -> None:
        """Make every claim. Raise NeverClaimed."""
        claims = iter(wanted)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=IN_FLIGHT * COPIES),
            timeout=aiohttp.ClientTimeout(total=ANSWER_S_MAX),
        ) as session:
            await asyncio.gather(*(self._claim_each(session, claims) for _ in range(IN_FLIGHT)))

    async def _claim_each(self, session: aiohttp.ClientSession, claims: Iterator[Wanted]) -> None:
        for one in claims:
            for _ in range(TIMES_MAX):
                if await self._claim(session, one):
                    break
                await asyncio.sleep(AGAIN_S)
            else:
                raise NeverClaimed(f"{one.player}, {one.goal_id}: {self.statuses}")

    async def _claim(self, session: aiohttp.ClientSession, one: Wanted) -> bool:
        """Send all copies; return whether the claim is made."""
        got = Counter(await asyncio.gather(*(self._ask(session, one) for _ in range(COPIES))))
        self.got += got
        # Between two that are told yes there must have been one whose claim was undone.
        self.made_twice += max(0, got[Got.MADE] - 1 - got[Got.UNDONE])
        return not got[Got.UNDONE] and bool(got[Got.MADE] or got[Got.KNOWN])

    async def _ask(self, session: aiohttp.ClientSession, one: Wanted) -> Got:
        url = f"{self._root}/{one.challenge_id}/goals/{one.goal_id}/claim"
        try:
            async with session.post(url, headers={"x-mock-user-id": one.player}) as answer:
                await answer.read()
                self.statuses[answer.status] += 1
                return MEANINGS.get(answer.status, Got.UNKNOWN)
        except (aiohttp.ClientError, TimeoutError, OSError):
            self.statuses[0] += 1
            return Got.UNKNOWN
