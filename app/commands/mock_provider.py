"""`mock-provider`: a reward provider for local runs, with a ledger and faults on demand."""

import argparse
import asyncio
import sys
from pathlib import Path

from app.failures import CommandFailed
from app.rewards.mock_provider import GRANTING, Fault, serve

HOST = "127.0.0.1"

FAULTS = """\
faults: which share of the grants, from 0 to 1, meets which fault, until it is set anew

  curl -X PUT -d '{"shares": {"error": 0.1, "silenceAfter": 0.05}, "seed": 1}' \\
    http://127.0.0.1:8090/faults

  before the reward is granted:  %(before)s
  after it was granted:          %(after)s

"seed" decides which grants they are, "slowMs" how long slow ones take (200), "retryAfterS" what
those that are tooMany are told (1). All may be missing: {} means no faults. GET /faults shows what
is in force, GET /ledger how many grants, repetitions and conflicts there were.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to listen, and the file that survives; tell how to make it fail."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = FAULTS % {
        "before": ", ".join(fault for fault in Fault if fault not in GRANTING),
        "after": ", ".join(fault for fault in Fault if fault in GRANTING),
    }
    parser.add_argument("--port", type=int, default=8090, help="%(default)s; 0: any that is free")
    parser.add_argument("--ledger", type=Path, required=True, help="file of what was granted")


def run(chosen: argparse.Namespace) -> int:
    """Serve until interrupted."""
    try:
        asyncio.run(serve(chosen.ledger, HOST, chosen.port, _greet))
    except BrokenPipeError:
        raise
    except (OSError, OverflowError) as error:
        raise CommandFailed(
            f"cannot listen on port {chosen.port}, or keep {chosen.ledger}: {error}"
        ) from error
    return 0


def _greet(port: int) -> None:
    sys.stdout.write(f"REWARD_URL=http://{HOST}:{port}/grants\n")
    sys.stdout.flush()
