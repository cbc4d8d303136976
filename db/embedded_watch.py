"""Starts the embedded PostgreSQL again when it ends while it is needed."""

import asyncio
from typing import Final

import structlog

from db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from db.embedded_data import DataUnusable

LOOK_EVERY_S: Final = 0.25
RETRY_S_MIN: Final = 0.1
RETRY_S_MAX: Final = 5.0
GIVE_UP_S: Final = 60.0
"""For how long it is tried: a disk that is full for a moment has room again, a broken one not."""

log = structlog.get_logger()


async def keep_running(server: EmbeddedPostgres, give_up_s: float = GIVE_UP_S) -> None:
    """Look after the server until cancelled.

    Raises EmbeddedPostgresError, which says why and what to do, when it cannot be started again.
    """
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if server.has_ended():
            log.error("database_ended")
            await _start_again(server, give_up_s)
            log.warning("database_started_again")


async def _start_again(server: EmbeddedPostgres, give_up_s: float) -> None:
    loop = asyncio.get_running_loop()
    deadline_s, delay_s = loop.time() + give_up_s, RETRY_S_MIN
    while True:
        try:
            return await server.start_again()
        except EmbeddedPostgresError as failure:
            of_no_use = isinstance(failure, DataUnusable)
            if of_no_use or loop.time() + delay_s > deadline_s:
                raise EmbeddedPostgresError(
                    f"the embedded database ended and cannot be started again: {failure}"
                ) from failure
        await asyncio.sleep(delay_s)
        delay_s = min(2 * delay_s, RETRY_S_MAX)
