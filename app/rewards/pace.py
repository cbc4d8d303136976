"""How many calls to the provider may run at once, and how many may begin a second."""

import asyncio

from aiolimiter import AsyncLimiter


class Pace:
    """A bounded number of places, and a rate. Both are shared by claims and by the relay.

    Who waits in `begin` comes before who only tries, so a storm of claims does not keep the relay
    from what failed before.
    """

    def __init__(self, *, concurrency: int, rate_per_s: int) -> None:
        self._places = asyncio.Semaphore(concurrency)
        self._limiter = AsyncLimiter(rate_per_s, 1)
        # Rate that was taken and not used, at most one per place: it serves whoever is next.
        self._spare = 0
        self._waiting = 0

    async def try_begin(self) -> bool:
        """Take a place if one is free and the rate allows it now. Waits for nothing."""
        rate_allows = self._spare or (not self._waiting and self._limiter.has_capacity())
        if self._places.locked() or not rate_allows:
            return False
        await self.begin()
        return True

    async def begin(self) -> None:
        """Take a place as soon as one is free and the rate allows it."""
        await self._places.acquire()
        if self._spare:
            self._spare -= 1
            return
        self._waiting += 1
        try:
            await self._limiter.acquire()
        except BaseException:
            self._places.release()
            raise
        finally:
            self._waiting -= 1

    def end(self) -> None:
        """Give the place of a call back."""
        self._places.release()

    def cancel(self) -> None:
        """Give a place back that no call was made in."""
        self._spare += 1
        self._places.release()
