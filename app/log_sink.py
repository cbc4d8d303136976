"""Where log lines go: written by a thread, so that no reader of the log can stop the service.

    write ─► lines in memory, at most LINES_MAX ─► the thread ─► the descriptor
                      └─ what is too much, or cannot be written, is dropped and counted

Nobody reads on, the reader is gone, the disk is full: the service goes on without its log. When
lines can be written again, one of them says how many are missing.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

LINES_MAX: Final = 10_000
"""How many lines wait for a reader that is slow: a few MB."""

DELAY_S: Final = 0.02
"""Lines are written together, those of so many seconds at a time: a thread that wakes up for each
would cost the requests more than their lines."""

CLOSE_S_MAX: Final = 1.0
"""How long the end waits for what is not written yet."""


class LogSink:
    """A text stream for logs. `write` neither waits nor raises."""

    def __init__(self, descriptor: int, say_dropped: Callable[[int], str]) -> None:
        """`say_dropped` makes the line that tells how many lines are missing."""
        self._descriptor = descriptor
        self._say_dropped = say_dropped
        self._lines: deque[str] = deque()
        # What did not fit is counted by whoever writes a line, the rest by the thread alone.
        self._left_out = 0
        self._left_out_lock = threading.Lock()
        self._lost = 0
        self._told = 0
        self._torn = False
        self._wakes = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Take a line, or drop it if too many wait."""
        if len(self._lines) < LINES_MAX:
            self._lines.append(str(text))  # of bytes, too: nobody else would write on
        else:
            with self._left_out_lock:
                self._left_out += 1
        self._wakes.set()
        return len(text)

    def flush(self) -> None:
        """Do nothing: the thread writes as soon as it can."""

    def isatty(self) -> bool:
        """Return whether a person reads."""
        return os.isatty(self._descriptor)

    def fileno(self) -> int:
        """Return the descriptor that is written to."""
        return self._descriptor

    def close(self) -> None:
        """Write what is left, unless that takes too long: nobody may read it."""
        self._closing.set()
        self._wakes.set()
        self._thread.join(CLOSE_S_MAX)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wakes.wait()
            self._wakes.clear()
            self._closing.wait(DELAY_S)
            self._write_waiting()
        self._write_waiting()

    def _write_waiting(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        missing = self._left_out + self._lost - self._told
        told = [self._say_dropped(missing)] if missing else []
        try:
            self._write("".join([*told, *lines]).encode(errors="backslashreplace"))
        except OSError:
            # Some may have been written. Better one too many is said to be missing.
            self._lost += len(lines)
        else:
            self._told += missing

    def _write(self, data: bytes) -> None:
        """Write all, or leave a line torn; the next one then begins on a line of its own."""
        rest = memoryview(b"\n" + data if self._torn else data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
            self._torn = bool(rest)
