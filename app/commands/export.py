"""`export`: every player's facts, one JSON object a line, in ascending order of the ids' bytes.

Players are read page by page, so that neither this process nor the database holds more than one
page, and no snapshot keeps the database from tidying up. A player who changes meanwhile is
exported as the row was when its page was read; one who comes meanwhile may be missing.
"""

import argparse
import asyncio
import sys
from typing import BinaryIO, Final

import msgspec

from app.commands.common import connected, reachable_database, read_settings
from app.commands.facts import facts_json
from app.domain.clock import Clock
from app.logs import configure_logs
from db.players import PgPlayers

PAGE_PLAYERS: Final = 500


def export(_: argparse.Namespace) -> int:
    """Write every player to standard output."""
    settings = read_settings().settings
    configure_logs(settings.log_level, sys.stderr)
    with reachable_database(settings) as database_url:
        asyncio.run(_write_players(database_url, sys.stdout.buffer))
    return 0


async def _write_players(database_url: str, output: BinaryIO) -> None:
    encoder = msgspec.json.Encoder()
    async with connected(database_url) as database:
        players = PgPlayers(database, Clock())
        after = ""
        while page := await players.read_page(after, PAGE_PLAYERS):
            output.write(encoder.encode_lines(facts_json(player) for player in page))
            after = page[-1].player_id
    output.flush()
