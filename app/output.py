"""Standard input, output and error: missing from the start, or read by nobody, or no longer."""

import atexit
import os
import sys
import threading
from contextlib import suppress
from typing import Any, Final, TextIO, cast

from app.log_sink import LogSink

STDERR: Final = 2


def prepare_streams() -> None:
    """Let nothing that is wrong with the standard streams stop a command, or hide its exit code."""
    _open_missing()
    stdout: Any = sys.stdout
    stdout.reconfigure(errors="backslashreplace")  # as standard error does
    sink = LogSink(STDERR, _say_dropped)
    sys.stderr = cast("TextIO", sink)
    # After the traceback of a bug, which the interpreter writes.
    atexit.register(sink.close)


def _open_missing() -> None:
    """Let descriptors that were closed by whoever started us lead nowhere.

    The next file or socket would get their numbers, and what is meant for people.
    """
    for number in (0, 1, STDERR):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    # For what was closed, Python has made no stream.
    sys.stdin = sys.stdin or os.fdopen(0, "r")
    sys.stdout = sys.stdout or os.fdopen(1, "w")


def _say_dropped(lines: int) -> str:
    return f"headrace: {lines} lines are missing here\n"


def drop_output() -> None:
    """Let what is buffered go nowhere; closing the output, Python would complain once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_apart(text: str) -> None:
    """Print beside whatever else runs. Who does not read, or is gone, misses the text: no more."""
    data = text.encode(errors="backslashreplace")
    printing = threading.Thread(target=_write, args=(sys.stdout.fileno(), data), daemon=True)
    printing.start()


def _write(descriptor: int, data: bytes) -> None:
    with suppress(OSError):
        while data:
            data = data[os.write(descriptor, data) :]
