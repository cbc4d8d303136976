"""The log's lines: one form, whoever speaks, and whatever they say."""

import io
import json
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from app.logs import configure_logs, logging_apart


class Stream(io.StringIO):
    """A log, of which a person may be the reader."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    stream = Stream()
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    # A command that ran in this process has perhaps captured them, and nothing undoes it.
    logging.captureWarnings(capture=False)
    yield stream
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def test_what_libraries_say_has_the_form_of_our_own_lines(stream: Stream) -> None:
    configure_logs("info", stream)
    logging.getLogger("asyncpg.pool").warning("a connection of %s", "somebody")
    logging.getLogger("asyncio").info("unseen")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("soon gone", DeprecationWarning, stacklevel=1)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["logger"], first["level"]) == ("asyncpg.pool", "warning")
    assert first["event"] == "a connection of somebody"
    assert first["timestamp"].endswith("Z")
    assert "soon gone" in second["event"]
    assert second["logger"] == "py.warnings"


class Textless:
    def __repr__(self) -> str:
        raise ValueError("no text")


def lib() -> logging.Logger:
    return logging.getLogger("lib")


def own() -> Any:
    return structlog.get_logger()


SAID: list[tuple[Callable[[], object], dict[str, str]]] = [
    (lambda: lib().warning("%d", "x"), {"event": "%d ('x',)"}),
    (lambda: lib().warning("%s", Textless()), {"event": "%s a tuple that has no text"}),
    (lambda: lib().log(35, "x"), {"event": "x", "level": "warning"}),
    (lambda: lib().log(99, "x"), {"event": "x", "level": "critical"}),
    (lambda: lib().warning("\udcff"), {"event": "\\udcff"}),
    (lambda: lib().warning("x", exc_info=True), {"event": "x", "level": "warning"}),
    (lambda: own().warning("e", path="x\udcff"), {"event": "e", "path": "x\\udcff"}),
    (lambda: own().warning("e", level="x", m="m"), {"level": "warning", "m": "m"}),
    (lambda: own().warning("e", at=Textless()), {"at": "a Textless that has no text"}),
    (lambda: own().warning("e", n=2**70, m="m"), {"n": str(2**70), "m": "m"}),
    (lambda: own().warning("e", exc_info=ValueError("\udcff")), {"exception": "\\udcff"}),
]


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(("say", "seen"), SAID)
def test_no_line_raises_whatever_it_says(
    stream: Stream, terminal: bool, say: Callable[[], object], seen: dict[str, str]
) -> None:
    stream.terminal = terminal
    configure_logs("info", stream)
    say()
    if terminal:
        shown = stream.getvalue().encode(errors="backslashreplace").decode()
        assert all(text in shown for text in seen.values())
    else:
        [line] = map(json.loads, stream.getvalue().splitlines())
        assert all(str(line[name]).endswith(text) for name, text in seen.items())


class Dying:
    def __del__(self) -> None:
        raise ValueError("planted")


def fail() -> None:
    raise ValueError("planted")


@pytest.mark.parametrize(
    ("do", "event"),
    [
        (lambda: threading.Thread(target=fail, name="t").start(), "thread_failed"),
        (Dying, "exception_ignored"),
    ],
)
def test_what_fails_where_nobody_catches_it_is_a_line(
    stream: Stream, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, do: Any, event: str
) -> None:
    with (tmp_path / "log").open("w") as file, monkeypatch.context() as patch:
        patch.setattr("sys.stderr", file)
        before = threading.excepthook
        with logging_apart("info"):
            do()
            for thread in threading.enumerate():
                if thread.name == "t":
                    thread.join()
        assert threading.excepthook is before
    [line] = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert line["event"] == event
    assert "ValueError: planted" in line["exception"]
