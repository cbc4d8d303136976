"""`claims list` and `claims settle`: rewards that are owed, and a person's word about them."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from app.commands.common import CommandFailed, connected, reachable_database, read_settings
from app.domain.period import rfc3339
from app.domain.reward import ClaimState
from app.telemetry import configure_logs
from db.outbox import PgOutbox, StoredClaim
from db.pool import Database
from db.timestamps import to_ms

LIST_MAX: Final = 1_000
"""How many claims are listed, of each state."""

OPEN: Final = (ClaimState.PENDING, ClaimState.REFUSED, ClaimState.IN_DOUBT)


class Verdict(StrEnum):
    """What a person knows or wants of a claim."""

    GRANTED = "granted"
    REFUSED = "refused"
    RETRY = "retry"


STATES: Final = {
    Verdict.GRANTED: ClaimState.GRANTED,
    Verdict.REFUSED: ClaimState.REFUSED,
    Verdict.RETRY: ClaimState.PENDING,
}


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
    parser.add_argument("--json", action="store_true", help="one JSON object a line, no table")


def add_settle_arguments(parser: argparse.ArgumentParser) -> None:
    """Take which claim, and what becomes of it."""
    parser.add_argument("claim", metavar="CLAIM_ID", type=UUID)
    parser.add_argument(
        "--as",
        dest="verdict",
        required=True,
        type=Verdict,
        choices=list(Verdict),
        help="granted or refused, as it is known to be; retry: the provider is asked anew",
    )


def show(chosen: argparse.Namespace) -> int:
    """Print the claims, the oldest first."""
    settings = read_settings().settings
    configure_logs(settings.log_level)
    with reachable_database(settings) as database_url:
        found = asyncio.run(_find(database_url, chosen.player, chosen.state))
    if chosen.json:
        for stored in found:
            json.dump(_document(stored), sys.stdout, ensure_ascii=False)
            sys.stdout.write("\n")
    else:
        Console().print(_table(found))
    return 0


def settle(chosen: argparse.Namespace) -> int:
    """Write what a person decided. Raises `CommandFailed`."""
    settings = read_settings().settings
    configure_logs(settings.log_level)
    with reachable_database(settings) as database_url:
        asyncio.run(_settle(database_url, chosen.claim, chosen.verdict))
    sys.stdout.write(f"{chosen.claim}: {STATES[chosen.verdict]}\n")
    return 0


async def list_claims(
    database: Database, player: str | None, states: Sequence[ClaimState] | None
) -> list[StoredClaim]:
    """Return a player's claims, or everybody's of these states. Raises `CommandFailed`."""
    outbox = PgOutbox(database)
    if player is not None:
        found = await outbox.list_of_player(player, LIST_MAX)
        return [stored for stored in found if states is None or stored.state in states]
    if states is not None and ClaimState.GRANTED in states:
        raise CommandFailed("granted claims are as many as there are: name a --player")
    found = await outbox.list_open(states or OPEN, LIST_MAX)
    return sorted(found, key=lambda stored: stored.claim.claimed_at_ms)


async def _find(
    database_url: str, player: str | None, states: Sequence[ClaimState] | None
) -> list[StoredClaim]:
    async with connected(database_url) as database:
        return await list_claims(database, player, states)


async def _settle(database_url: str, claim_id: UUID, verdict: Verdict) -> None:
    async with connected(database_url) as database:
        if not await PgOutbox(database).decide(claim_id, STATES[verdict]):
            raise CommandFailed(f"{claim_id}: there is no such claim, or it is granted already")


def _document(stored: StoredClaim) -> dict[str, object]:
    claim = stored.claim
    settled_at = stored.settled_at
    return {
        "claimId": str(claim.claim_id),
        "player": claim.player,
        "challengeId": claim.challenge_id,
        "goalId": claim.goal_id,
        "period": claim.period,
        "namespace": claim.namespace,
        "reward": {
            "type": claim.reward.type,
            "rewardId": claim.reward.reward_id,
            "quantity": claim.reward.quantity,
        },
        "claimedAt": _instant(claim.claimed_at_ms),
        "state": stored.state,
        "attempts": stored.attempt,
        "underWay": stored.leased,
        "nextAttemptAt": (
            _instant(to_ms(stored.due_at)) if stored.state is ClaimState.PENDING else None
        ),
        "settledAt": None if settled_at is None else _instant(to_ms(settled_at)),
        "lastError": stored.error,
        "playerDeleted": stored.erase,
    }


def _table(found: Sequence[StoredClaim]) -> Table:
    table = Table(
        Column("Claim", no_wrap=True),
        "Player",
        "Goal",
        "Reward",
        "Claimed",
        "State",
        "Attempts",
        "Last error",
    )
    for stored in found:
        claim = stored.claim
        reward = f"{claim.reward.quantity} {claim.reward.reward_id}"
        deleted = " (data deleted)" if stored.erase else ""
        table.add_row(
            str(claim.claim_id),
            # What players and providers write is text, not markup.
            Text(claim.player + deleted),
            Text(f"{claim.goal_id}\n{claim.period}"),
            Text(reward),
            _instant(claim.claimed_at_ms),
            stored.state,
            str(stored.attempt),
            Text(stored.error or ""),
        )
    table.caption = f"{len(found)} claims"
    return table


def _instant(at_ms: int) -> str:
    return rfc3339(at_ms).decode()
