"""The log's form: one JSON object a line, whoever speaks; on a terminal, lines for people."""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import msgspec
import structlog
from opentelemetry import trace

from app.log_sink import LogSink


@contextmanager
def logging_apart(level: str) -> Iterator[None]:
    """Write logs, and whatever else goes to standard error, by a thread while the block runs."""
    stderr = sys.stderr
    sink = LogSink(stderr.fileno(), _say_dropped)
    sys.stderr = cast("TextIO", sink)
    configure_logs(level, sys.stderr)
    try:
        yield
    finally:
        sys.stderr = stderr
        sink.close()


def configure_logs(level: str, stream: TextIO) -> None:
    """Write one JSON object a line; on a terminal, a line that people can read."""
    filtering = structlog.make_filtering_bound_logger(level.lower())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace_id,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=filtering if stream.isatty() else _json_logger(filtering),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    # Libraries speak through logging; only what is wrong with them concerns an operator.
    logging.basicConfig(level=logging.WARNING, handlers=[_Foreign()], force=True)
    logging.captureWarnings(capture=True)


class _Foreign(logging.Handler):
    """Writes what libraries say in the form of our own lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        log = structlog.get_logger()
        log.log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


def _say_dropped(lines: int) -> str:
    now = datetime.now(UTC)
    line = {"event": "log_lines_missing", "level": "warning", "lines": lines, "timestamp": now}
    return msgspec.json.encode(line).decode() + "\n"


def _json_logger(filtering: Any) -> Any:
    """Return the logger of JSON lines: each request writes one, so it is made in one step."""
    encode = msgspec.json.Encoder(enc_hook=str).encode

    class JsonLogger(filtering):  # type: ignore[misc]
        def _proxy_to_logger(self, level: str, event: str | None = None, /, **fields: Any) -> None:
            line = self._context | fields
            line |= {"event": event, "level": level, "timestamp": datetime.now(UTC)}
            _add_trace_id(self, level, line)
            if "exc_info" in line:
                structlog.processors.format_exc_info(self, level, line)
            self._logger.msg(encode(line).decode())

    return JsonLogger


def _add_trace_id(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event
