"""`mock-provider`: a reward provider for local runs, with a ledger and faults on demand."""

import argparse
import asyncio
import sys
from pathlib import Path

from app.rewards.mock_provider import serve

HOST = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to listen, and the file that survives."""
    parser.add_argument("--port", type=int, default=8090, help="0: any that is free")
    parser.add_argument("--ledger", type=Path, required=True, help="file of what was granted")


def run(chosen: argparse.Namespace) -> int:
    """Serve until interrupted."""
    asyncio.run(serve(chosen.ledger, HOST, chosen.port, _greet))
    return 0


def _greet(port: int) -> None:
    sys.stdout.write(f"REWARD_URL=http://{HOST}:{port}/grants\n")
    sys.stdout.flush()
