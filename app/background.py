"""Work that goes on beside what started it: kept, since asyncio itself holds tasks only weakly."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> "AsyncIterator[asyncio.Task[None]]":
    """Run `work` while the block runs, and cancel it at its end. What it raises is raised there."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Background:
    """Tasks that nobody waits for until the end. Whoever starts them bounds how many there are."""

    def __init__(self, on_end: "Callable[[asyncio.Task[Any]], None]") -> None:
        """`on_end` hears of each task that is over: what it raised is to be heard of, too."""
        self._running: set[asyncio.Task[Any]] = set()
        self._on_end = on_end

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Begin some work."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._end)
        return task

    async def close(self, wait_s_max: float) -> None:
        """Let what runs end, in bounded time; the rest is cancelled."""
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=wait_s_max)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _end(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        self._on_end(task)
