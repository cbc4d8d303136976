"""`settings`: what is in force, and where each value came from."""

import argparse

from rich.console import Console
from rich.table import Table

from app.commands.common import read_settings
from app.settings import SECRET, Settings
from app.settings_loading import LoadedSettings, range_of


def describe_settings() -> str:
    """Return name, range and meaning of every setting, for `--help`."""
    return "\n".join(
        f"  {name.upper()} ({range_of(name)})\n      {field.description}"
        for name, field in Settings.model_fields.items()
    )


def show(_: argparse.Namespace) -> int:
    """Print every setting; secrets are hidden."""
    Console().print(_table(read_settings()))
    return 0


def _table(loaded: LoadedSettings) -> Table:
    table = Table(
        "Name", "Value", "From", "Range", "Meaning", title="Settings, all start-only: read once"
    )
    for name, field in Settings.model_fields.items():
        value = getattr(loaded.settings, name)
        if name in SECRET and value is not None:
            value = "(hidden)"
        shown = "" if value is None else str(value)
        table.add_row(name.upper(), shown, loaded.origins[name], range_of(name), field.description)
    return table
