"""`settings`: what is in force, and where each value came from."""

import argparse
import shlex
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values
from rich.table import Table

from app.commands.common import cell, data_dir_of, printed_json, read_settings, table_console
from app.commands.go_environment import translated
from app.domain.text import visible
from app.failures import CommandFailed
from app.file_content import file_content
from app.setting_types import AdmissionMode
from app.settings import SECRET, Settings
from app.settings_loading import LoadedSettings, range_of, written

GO_FILE_BYTES_MAX: Final = 1_000_000

TABLE_WIDTH_MIN: Final = 90
"""Narrower, the names would be cut: then there is a line for each setting."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take in which form."""
    parser.add_argument("--json", action="store_true", help="one JSON object, by name")
    parser.add_argument(
        "--from-go-env",
        metavar="FILE",
        type=Path,
        help="instead: the settings that stand for the Go service's, read from its .env file",
    )


def show(chosen: argparse.Namespace) -> int:
    """Print every setting; secrets are hidden. Or print what a file of the Go service's means."""
    if chosen.from_go_env is not None:
        sys.stdout.writelines(f"{_quoted(line)}\n" for line in _from_go(chosen.from_go_env))
        return 0
    loaded = read_settings()
    console = table_console()
    if chosen.json:
        document = {name.upper(): _described(loaded, name) for name in Settings.model_fields}
        sys.stdout.write(f"{printed_json(document, indent=2)}\n")
    elif console.width < TABLE_WIDTH_MIN:
        for name in Settings.model_fields:
            value = visible(_written(loaded.settings, name))
            sys.stdout.write(f"{name.upper()}={value} ({_from(loaded, name)}; {range_of(name)})\n")
    else:
        console.print(_table(loaded))
    return 0


def _from_go(path: Path) -> Iterator[str]:
    try:
        content = file_content(path, GO_FILE_BYTES_MAX).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}") from error
    found = dotenv_values(stream=StringIO(content), interpolate=False)
    return translated({name: value or "" for name, value in found.items()})


def _quoted(line: str) -> str:
    """Return a line as a shell reads it."""
    name, _, value = line.partition("=")
    return line if line.startswith("#") else f"{name}={shlex.quote(value)}"


def _in_force(settings: Settings, name: str) -> Any:
    """Return the value in force, also of a setting that follows from others if it is not set."""
    match name.upper():
        case "ADMISSION_LIMIT":
            return settings.limit
        case "ADMISSION_INITIALIZE_BURST":
            return settings.initialize_burst
        case "DATA_DIR":
            # Without effect beside a database of the operator's own.
            return None if settings.database_url is not None else data_dir_of(settings)
        case _:
            return getattr(settings, name)


def _without_effect(settings: Settings, name: str) -> str:
    """Return why a setting has no effect, or an empty text."""
    if name == "data_dir" and settings.database_url is not None:
        return "DATABASE_URL is set"
    if name.startswith("admission_") and name != "admission_mode":
        if settings.admission_mode is AdmissionMode.OFF:
            return "ADMISSION_MODE is off"
        if name == "admission_initialize_burst" and settings.admission_initialize_rate is None:
            return "ADMISSION_INITIALIZE_RATE is not set"
    return ""


def _from(loaded: LoadedSettings, name: str) -> str:
    why = _without_effect(loaded.settings, name)
    return loaded.origins[name] + (f", no effect: {why}" if why else "")


def _described(loaded: LoadedSettings, name: str) -> dict[str, bool | float | str | None]:
    why = _without_effect(loaded.settings, name)
    value = {"value": _typed(loaded.settings, name), "from": loaded.origins[name]}
    return value | ({"no_effect": why} if why else {})


def _typed(settings: Settings, name: str) -> bool | float | str | None:
    value = _in_force(settings, name)
    return value if type(value) in {bool, int, float} else _written(settings, name) or None


def _written(settings: Settings, name: str) -> str:
    value = _in_force(settings, name)
    return "(hidden)" if name in SECRET and value is not None else written(value) or ""


def _table(loaded: LoadedSettings) -> Table:
    table = Table(title="Settings, all start-only: read once")
    table.add_column("Name", no_wrap=True)
    for heading in ("Value", "From", "Range", "Meaning"):
        table.add_column(heading, overflow="fold")
    for name, field in Settings.model_fields.items():
        value = cell(_written(loaded.settings, name))
        origin = _from(loaded, name)
        table.add_row(name.upper(), value, origin, range_of(name), field.description)
    return table
