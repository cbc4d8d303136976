"""Which moment it is: the database's clock, unless a person set another one to see time pass.

A set moment runs on from where it was set. It is one process's own: nothing of it is stored but
what is written while it is in force. In production nobody can set it.
"""


class Clock:
    """What is added to the database's clock: 0 until somebody sets a moment."""

    def __init__(self) -> None:
        self.offset_ms = 0

    @property
    def is_set(self) -> bool:
        """Whether the moment is another one than the database's."""
        return self.offset_ms != 0

    def moment_ms(self, database_ms: int) -> int:
        """Return the moment that a reading of the database's clock stands for."""
        return database_ms + self.offset_ms

    def set(self, moment_ms: int, database_ms: int) -> None:
        """Let this be the moment; `database_ms` is the database's clock now."""
        self.offset_ms = moment_ms - database_ms

    def release(self) -> None:
        """Let the moment be the database's again."""
        self.offset_ms = 0
