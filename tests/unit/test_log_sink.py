"""Log lines whose reader is slow, stuck or gone, and a disk that is full."""

import os
import threading
from collections.abc import Iterator

import pytest

from app.log_sink import LINES_MAX, LogSink
from tests.eventually import eventually


def missing(lines: int) -> str:
    return f"missing {lines}\n"


class Pipe:
    """A pipe, of which each end is closed once."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self._open = {self._reading, self.writing}

    def reader(self) -> "Reader":
        """Begin to read."""
        reader = Reader(self._reading)
        reader.start()
        return reader

    def read(self) -> bytes:
        """Read what is there."""
        return os.read(self._reading, 65_536)

    def close_reading(self) -> None:
        self._close(self._reading)

    def close_writing(self) -> None:
        self._close(self.writing)

    def close(self) -> None:
        for descriptor in list(self._open):
            self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        self._open.remove(descriptor)
        os.close(descriptor)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


class Reader(threading.Thread):
    """Reads all there is until the other end is closed."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(daemon=True)
        self._descriptor = descriptor
        self.data = b""

    def run(self) -> None:
        while chunk := os.read(self._descriptor, 65_536):
            self.data += chunk


def test_all_lines_are_written_in_their_order(pipe: Pipe) -> None:
    sink = LogSink(pipe.writing, missing)
    for number in range(1000):
        sink.write(f"{number}\n")
    reader = pipe.reader()
    sink.close()
    pipe.close_writing()
    reader.join()
    assert reader.data.decode().split() == [str(number) for number in range(1000)]


def test_the_end_waits_for_no_reader(pipe: Pipe) -> None:
    sink = LogSink(pipe.writing, missing)
    for number in range(LINES_MAX):
        sink.write(f"{number:0100}\n")
    sink.close()
    assert sink._thread.is_alive()
    reader = pipe.reader()
    eventually(lambda: not sink._thread.is_alive())
    pipe.close_writing()
    reader.join()
    assert len(reader.data.splitlines()) == LINES_MAX


def test_once_somebody_reads_on_the_lines_go_on_and_say_how_many_are_missing(
    pipe: Pipe,
) -> None:
    sink = LogSink(pipe.writing, missing)
    written = 3 * LINES_MAX
    for number in range(written):
        sink.write(f"{number:0100}\n")
    reader = pipe.reader()
    eventually(lambda: not sink._lines)
    sink.write("the last\n")
    sink.close()
    pipe.close_writing()
    reader.join()
    lines = reader.data.decode().splitlines()
    told = [int(line.split()[1]) for line in lines if line.startswith("missing")]
    read = [line for line in lines if not line.startswith("missing")]
    assert read[-1] == "the last"
    assert sum(told) > 0
    assert len(read) + sum(told) == written + 1


def test_a_reader_that_is_gone_costs_nothing_but_the_lines(pipe: Pipe) -> None:
    pipe.close_reading()
    sink = LogSink(pipe.writing, missing)
    for number in range(100):
        sink.write(f"{number}\n")
    eventually(lambda: not sink._lines)
    sink.close()
    assert sink._lost == 100


def test_a_full_disk_costs_nothing_but_the_lines() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    sink = LogSink(full, missing)
    sink.write("a\n")
    eventually(lambda: sink._lost == 1)
    empty = os.open(os.devnull, os.O_WRONLY)
    os.dup2(empty, full)
    os.close(empty)
    sink.write("b\n")
    eventually(lambda: sink._told == 1)
    sink.close()
    os.close(full)


def test_a_line_that_was_torn_does_not_tear_the_next(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = LogSink(pipe.writing, missing)
    really_write, left = os.write, iter([3])

    def fill_up(descriptor: int, data: bytes) -> int:
        if descriptor != pipe.writing:
            return really_write(descriptor, data)
        if (room := next(left, None)) is None:
            monkeypatch.undo()
            raise OSError(28, "No space left on device")
        return really_write(descriptor, data[:room])

    monkeypatch.setattr(os, "write", fill_up)
    sink.write("torn in two\n")
    eventually(lambda: sink._lost == 1)
    sink.write("whole\n")
    sink.close()
    assert pipe.read() == b"tor\nmissing 1\nwhole\n"
