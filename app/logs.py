"""The log's form: one JSON object a line, whoever speaks; on a terminal, lines for people.

A line that cannot be written as it was meant is written as well as it can be. No call raises.
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, TextIO, cast

import msgspec
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, ProcessorReturnValue

from app.log_sink import LogSink


@contextmanager
def logging_apart(level: str) -> Iterator[None]:
    """Write logs, and whatever else goes to standard error, by a thread while the block runs."""
    stderr, of_threads, of_none = sys.stderr, threading.excepthook, sys.unraisablehook
    sink = LogSink(stderr.fileno(), _say_dropped)
    sys.stderr = cast("TextIO", sink)
    configure_logs(level, sys.stderr)
    threading.excepthook = _log_thread_failure
    sys.unraisablehook = _log_unraisable
    try:
        yield
    finally:
        sys.stderr, threading.excepthook, sys.unraisablehook = stderr, of_threads, of_none
        sink.close()


def configure_logs(level: str, stream: TextIO) -> None:
    """Write one JSON object a line; on a terminal, a line that people can read."""
    for_people = structlog.dev.ConsoleRenderer()
    for_programs = structlog.processors.JSONRenderer(_to_json, default=str)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace_id,
            structlog.processors.format_exc_info,
            _never_raising(for_people if stream.isatty() else for_programs),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    # Libraries speak through logging; only what is wrong with them concerns an operator.
    logging.basicConfig(level=logging.WARNING, handlers=[_Foreign()], force=True)
    logging.captureWarnings(capture=True)


class _Foreign(logging.Handler):
    """Writes what libraries say in the form of our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, also one whose arguments do not fit, or that has a level of its own."""
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments may be anything
            text = f"{_text(record.msg)} {_text(record.args)}"
        level = max((level for level in _LEVELS if level <= record.levelno), default=logging.DEBUG)
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        structlog.get_logger().log(level, text, logger=record.name, exc_info=error)


_LEVELS: Final = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


def _log_thread_failure(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_type is not SystemExit:
        name = failed.thread and failed.thread.name
        structlog.get_logger().error("thread_failed", thread=name, exc_info=failed.exc_value)


def _log_unraisable(failed: "sys.UnraisableHookArgs") -> None:
    message, where = failed.err_msg or "Exception ignored in", _text(failed.object)
    structlog.get_logger().error(
        "exception_ignored", message=message, object=where, exc_info=failed.exc_value
    )


def _say_dropped(lines: int) -> str:
    now = datetime.now(UTC)
    line = {"event": "log_lines_missing", "level": "warning", "lines": lines, "timestamp": now}
    return msgspec.json.encode(line).decode() + "\n"


def _never_raising(render: Processor) -> Processor:
    """Return `render`, but for what it cannot write: there, each field is written as its text."""

    def render_whatever_it_is(logger: Any, method: str, event: EventDict) -> ProcessorReturnValue:
        try:
            return render(logger, method, {**event})
        except Exception:  # noqa: BLE001 - a field may be anything
            return render(logger, method, {_text(name): _text(event[name]) for name in event})

    return render_whatever_it_is


def _to_json(event: EventDict, default: Callable[[Any], Any]) -> str:
    return msgspec.json.encode(event, enc_hook=default).decode()


def _text(value: object) -> str:
    """Return some text for any value, and what UTF-8 has no bytes for as escapes."""
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 - its class is somebody else's
        text = f"a {type(value).__name__} that has no text"
    return text.encode(errors="backslashreplace").decode()


def _add_trace_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event
