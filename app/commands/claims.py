"""`claims list` and `claims settle`: rewards that are owed, and a person's word about them."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from app.commands.claim_facts import claim_json, claim_text
from app.commands.common import (
    connected,
    printed_json,
    reachable_database,
    read_settings,
)
from app.domain.reward import ClaimState
from app.failures import CommandFailed
from app.logs import configure_logs
from db.outbox import PgOutbox, StoredClaim
from db.pool import Database

LIST_MAX: Final = 1_000
"""How many claims are listed, the oldest."""

RETRY_MAX: Final = 1_000
"""How many claims one command has the provider asked for anew."""

OPEN: Final = (ClaimState.PENDING, ClaimState.REFUSED, ClaimState.IN_DOUBT)
RETRIED: Final = (ClaimState.REFUSED, ClaimState.IN_DOUBT)


class SettleAs(StrEnum):
    """What a person knows or wants of a claim."""

    GRANTED = "granted"
    REFUSED = "refused"
    RETRY = "retry"


STATES: Final = {
    SettleAs.GRANTED: ClaimState.GRANTED,
    SettleAs.REFUSED: ClaimState.REFUSED,
    SettleAs.RETRY: ClaimState.PENDING,
}


class Listed(NamedTuple):
    """The claims that are listed, and how many there are: None, if more and not counted."""

    found: list[StoredClaim]
    total: int | None


def add_list_arguments(parser: argparse.ArgumentParser) -> None:
    """Take which claims; by default all that are not granted."""
    parser.add_argument(
        "--state",
        action="append",
        type=ClaimState,
        choices=list(ClaimState),
        help="only these; granted ones are listed of one player only",
    )
    parser.add_argument("--player", metavar="ID", help="only this player's, of every state")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, no text")


def add_settle_arguments(parser: argparse.ArgumentParser) -> None:
    """Take which claim, or claims, and what becomes of it."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("claim", metavar="CLAIM_ID", type=UUID, nargs="?")
    which.add_argument(
        "--state",
        type=ClaimState,
        choices=RETRIED,
        help=f"the oldest {RETRY_MAX} claims of this state; they can only be retried",
    )
    parser.add_argument(
        "--as",
        dest="verdict",
        required=True,
        type=SettleAs,
        choices=list(SettleAs),
        help="granted or refused, as it is known to be; retry: the provider is asked anew",
    )


def show(chosen: argparse.Namespace) -> int:
    """Print the claims, the oldest first."""
    settings = read_settings().settings
    configure_logs(settings.log_level, sys.stderr)
    with reachable_database(settings) as database_url:
        listed = asyncio.run(_find(database_url, chosen.player, chosen.state))
    for stored in listed.found:
        sys.stdout.write(
            f"{printed_json(claim_json(stored))}\n" if chosen.json else claim_text(stored)
        )
    if not chosen.json:
        sys.stdout.write(_summary(listed))
    elif listed.total != len(listed.found):
        # Beside what another program reads.
        sys.stderr.write(f"headrace: {_summary(listed)}")
    return 0


def settle(chosen: argparse.Namespace) -> int:
    """Write what a person decided. Raises `CommandFailed`."""
    if chosen.state is not None and chosen.verdict is not SettleAs.RETRY:
        raise CommandFailed(f"{chosen.verdict} is said of one claim, by its id")
    settings = read_settings().settings
    configure_logs(settings.log_level, sys.stderr)
    with reachable_database(settings) as database_url:
        if chosen.state is None:
            asyncio.run(_settle(database_url, chosen.claim, chosen.verdict))
            said = f"{chosen.claim}: {STATES[chosen.verdict]}"
        else:
            said = asyncio.run(_retry(database_url, chosen.state))
    sys.stdout.write(f"{said}\n")
    return 0


async def list_claims(
    database: Database, player: str | None, states: Sequence[ClaimState] | None
) -> Listed:
    """Return a player's claims, or everybody's of these states. Raises `CommandFailed`."""
    outbox = PgOutbox(database)
    if player is not None:
        found = await outbox.list_of_player(player, LIST_MAX + 1)
        chosen = [stored for stored in found if states is None or stored.state in states]
        total = len(chosen) if len(found) <= LIST_MAX else None
        return Listed(chosen[:LIST_MAX], total)
    if states is not None and ClaimState.GRANTED in states:
        raise CommandFailed("granted claims are as many as there are: name a --player")
    states = states or OPEN
    found = await outbox.list_open(states, LIST_MAX)
    counts = await outbox.count_open()
    oldest = sorted(found, key=lambda stored: stored.claim.claimed_at_ms)[:LIST_MAX]
    # What was settled in between is not counted any more.
    return Listed(oldest, max(len(oldest), sum(counts.get(state, 0) for state in states)))


async def _find(
    database_url: str, player: str | None, states: Sequence[ClaimState] | None
) -> Listed:
    async with connected(database_url) as database:
        return await list_claims(database, player, states)


def _summary(listed: Listed) -> str:
    found, total = listed
    if total == len(found):
        return f"{total} claims\n"
    return f"the first {len(found)} of {'more' if total is None else total} claims\n"


async def _retry(database_url: str, state: ClaimState) -> str:
    async with connected(database_url) as database:
        outbox = PgOutbox(database)
        retried = await outbox.retry(state, RETRY_MAX)
        left = (await outbox.count_open()).get(state, 0)
    return f"{retried} claims: {ClaimState.PENDING}; {left} are {state} still"


async def _settle(database_url: str, claim_id: UUID, verdict: SettleAs) -> None:
    async with connected(database_url) as database:
        if not await PgOutbox(database).decide(claim_id, STATES[verdict]):
            raise CommandFailed(f"{claim_id}: there is no such claim, or it is granted already")
