"""`catalogue generate`: the catalogue of the load tests, on standard output."""

import argparse
import sys

from app.catalogue.loadtest import generate_catalogue


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take whether new players are assigned all of its goals."""
    parser.add_argument("--all-default", action="store_true", help="give all 500 by default")


def generate(chosen: argparse.Namespace) -> int:
    """Write the catalogue."""
    sys.stdout.buffer.write(generate_catalogue(all_default=chosen.all_default))
    return 0
