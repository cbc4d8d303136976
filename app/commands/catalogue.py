"""`catalogue generate` and `catalogue schema`: files on standard output."""

import argparse
import sys

from app.catalogue.loadtest import generate_catalogue
from app.catalogue.schema import catalogue_schema
from app.commands.common import printed_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take whether new players are assigned all of its goals."""
    parser.add_argument("--all-default", action="store_true", help="give all 500 by default")


def generate(chosen: argparse.Namespace) -> int:
    """Write the catalogue of the load tests."""
    sys.stdout.buffer.write(generate_catalogue(all_default=chosen.all_default))
    return 0


def schema(_: argparse.Namespace) -> int:
    """Write the JSON Schema of catalogues."""
    sys.stdout.write(f"{printed_json(catalogue_schema(), indent=2)}\n")
    return 0
