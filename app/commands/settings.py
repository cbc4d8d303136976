"""`settings`: what is in force, and where each value came from."""

import argparse
import sys
from typing import Any, Final

from rich.table import Table

from app.commands.common import data_dir_of, printed_json, read_settings, table_console
from app.settings import SECRET, Settings
from app.settings_loading import LoadedSettings, range_of, written

TABLE_WIDTH_MIN: Final = 90
"""Narrower, the names would be cut: then there is a line for each setting."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take in which form."""
    parser.add_argument("--json", action="store_true", help="one JSON object, by name")


def show(chosen: argparse.Namespace) -> int:
    """Print every setting; secrets are hidden."""
    loaded = read_settings()
    console = table_console()
    if chosen.json:
        document = {
            name.upper(): {"value": _typed(loaded.settings, name), "from": loaded.origins[name]}
            for name in Settings.model_fields
        }
        sys.stdout.write(f"{printed_json(document, indent=2)}\n")
    elif console.width < TABLE_WIDTH_MIN:
        for name in Settings.model_fields:
            value = _written(loaded.settings, name)
            sys.stdout.write(f"{name.upper()}={value} ({loaded.origins[name]}; {range_of(name)})\n")
    else:
        console.print(_table(loaded))
    return 0


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
        value = _written(loaded.settings, name)
        table.add_row(name.upper(), value, loaded.origins[name], range_of(name), field.description)
    return table
