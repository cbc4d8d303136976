"""OpenTelemetry's own variables: those that it cannot use stop a start, in one line.

It reads some when it is imported, others when it is set up. Of a wrong one it raises an error, or
logs it and goes on with something else.
"""

import logging
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.settings_loading import SettingsInvalid

_LIBRARY: Final = "opentelemetry"


@contextmanager
def opentelemetry_checked() -> Iterator[None]:
    """Import it, or set it up. Raises `SettingsInvalid`, which names the variables to blame."""
    logger, errors = logging.getLogger(_LIBRARY), _Errors()
    passed_on = logger.propagate
    logger.addHandler(errors)
    logger.propagate = False
    try:
        yield
    except Exception as error:
        if not _is_of_a_variable(error):
            raise
        # An error without any text was logged with one before it was raised.
        if str(error) or not errors.lines:
            errors.lines.append(_line(error, str(error) or repr(error)))
        raise SettingsInvalid(tuple(errors.lines)) from error
    finally:
        logger.propagate = passed_on
        logger.removeHandler(errors)
    if errors.lines:
        raise SettingsInvalid(tuple(errors.lines))


class _Errors(logging.Handler):
    """Keeps a line for each error that is logged; the rest is passed on."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record."""
        if record.levelno < logging.ERROR:
            logging.getLogger().handle(record)
            return
        error = record.exc_info[1] if record.exc_info else None
        self.lines.append(_line(error, record.getMessage()))


def _variables() -> list[str]:
    return sorted(name for name, text in os.environ.items() if name.startswith("OTEL_") and text)


def _is_of_a_variable(error: Exception) -> bool:
    inside = any(_is_inside(frame.f_globals) for frame, _ in traceback.walk_tb(error.__traceback__))
    return inside and bool(_variables()) and not isinstance(error, ImportError)


def _is_inside(names: dict[str, object]) -> bool:
    return str(names.get("__name__")).partition(".")[0] == _LIBRARY


def _line(error: BaseException | None, text: str) -> str:
    text = " ".join(text.split())
    blamed = _blamed(error, text)
    names = blamed[0] if len(blamed) == 1 else f"one of {', '.join(blamed)}"
    return f"OpenTelemetry cannot use {names}: {text}"


def _blamed(error: BaseException | None, text: str) -> list[str]:
    """Return the variables that are named, or else those whose values are; or else all."""
    variables = _variables()
    told = set(re.findall(r"OTEL_\w+", text))
    for frame, _ in traceback.walk_tb(None if error is None else error.__traceback__):
        # What a function was asked to read; a module knows every name.
        if _is_inside(frame.f_globals) and frame.f_code.co_name != "<module>":
            told |= {value for value in frame.f_locals.values() if isinstance(value, str)}
    # Where it speaks of its own argument, the variable's name ends like it.
    arguments = tuple(word.upper() for word in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text))
    named = [name for name in variables if name in told or name.endswith(arguments)]
    return named or [name for name in variables if _stands_in(os.environ[name], text)] or variables


def _stands_in(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None
