"""`settings`: what is in force, and where each value came from."""

import argparse
import sys

from rich.table import Table

from app.commands.common import data_dir_of, printed_json, read_settings, table_console
from app.settings import SECRET, Settings
from app.settings_loading import LoadedSettings, range_of, written


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take in which form."""
    parser.add_argument("--json", action="store_true", help="one JSON object, by name")


def show(chosen: argparse.Namespace) -> int:
    """Print every setting; secrets are hidden."""
    loaded = read_settings()
    if chosen.json:
        document = {
            name.upper(): {"value": shown(loaded.settings, name), "from": loaded.origins[name]}
            for name in Settings.model_fields
        }
        sys.stdout.write(f"{printed_json(document, indent=2)}\n")
    else:
        table_console().print(_table(loaded))
    return 0


def shown(settings: Settings, name: str) -> str | None:
    """Return the value in force as it would be written, or None where there is none."""
    value = getattr(settings, name)
    if name in SECRET and value is not None:
        return "(hidden)"
    follows = {"ADMISSION_LIMIT": settings.limit, "DATA_DIR": data_dir_of(settings)}
    return written(follows.get(name.upper(), value))


def _table(loaded: LoadedSettings) -> Table:
    table = Table(title="Settings, all start-only: read once")
    table.add_column("Name", no_wrap=True)
    for heading in ("Value", "From", "Range", "Meaning"):
        table.add_column(heading, overflow="fold")
    for name, field in Settings.model_fields.items():
        value = shown(loaded.settings, name) or ""
        table.add_row(name.upper(), value, loaded.origins[name], range_of(name), field.description)
    return table
