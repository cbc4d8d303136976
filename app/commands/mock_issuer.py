"""`mock-issuer`: an issuer of tokens for local tries of what production does."""

import argparse
import asyncio
import sys
from typing import Final

from app.failures import CommandFailed
from app.tokens.mock_issuer import MockIssuer, serving_issuer

HOST: Final = "127.0.0.1"

GREETING: Final = """\
AUTH_ENABLED=true
AUTH_KEYS={issuer}/jwks.json
AUTH_ISSUER={issuer}

Start a service with these settings, and ask as a player with a token of an hour:

  curl -H "Authorization: Bearer $(curl -s '{issuer}/token?player=alice')" \\
    http://127.0.0.1:8000/challenge/v1/challenges

"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to listen, and whose tokens are printed."""
    parser.add_argument("--port", type=int, default=8091, help="%(default)s; 0: any that is free")
    parser.add_argument(
        "--player", action="append", help="print a token of this player (alice); repeatable"
    )


def run(chosen: argparse.Namespace) -> int:
    """Serve until interrupted."""
    try:
        asyncio.run(_serve(chosen.port, chosen.player or ["alice"]))
    except BrokenPipeError:
        raise
    except (OSError, OverflowError) as error:
        raise CommandFailed(f"cannot listen on port {chosen.port}: {error}") from error
    return 0


async def _serve(port: int, players: list[str]) -> None:
    async with serving_issuer(HOST, port) as issuer:
        _greet(issuer, players)
        await asyncio.Event().wait()


def _greet(issuer: MockIssuer, players: list[str]) -> None:
    sys.stdout.write(GREETING.format(issuer=issuer.issuer))
    for player in players:
        sys.stdout.write(f"{player} {issuer.token(player=player)}\n")
    sys.stdout.flush()
