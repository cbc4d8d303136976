"""Until when the processes of this database have promised moments to clients that they refused."""

from uuid import UUID

from db.pool import Database
from db.timestamps import to_ms, to_timestamp


class PgBookings:
    """The latest promised moment of each process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest_ms(self) -> int | None:
        """Return the latest moment that any process has promised, or None if none is ahead."""
        [row] = await self._database.fetch("gate_booked")
        return None if row["until"] is None else to_ms(row["until"])

    async def book(self, process: UUID, until_ms: int) -> None:
        """Note until when a process has promised moments."""
        await self._database.fetch("gate_book", process, to_timestamp(until_ms))
