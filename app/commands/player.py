"""`player ID`: what is stored of one player, decoded, beside what the player sees of it.

Claims of a deleted player are shown as long as they are owed; version 0 then says that the row is
gone.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from app.commands.common import (
    CommandFailed,
    connected,
    load_catalogue,
    reachable_database,
    read_settings,
)
from app.commands.facts import Json, facts_json, instant
from app.domain.catalogue_state import CatalogueState
from app.domain.clock import Clock
from app.domain.goal import Catalogue, GoalState
from app.domain.player import is_player_id
from app.domain.view import View
from app.services.challenges import Seen, see
from app.telemetry import configure_logs
from db.outbox import PgOutbox, StoredClaim
from db.players import PgPlayers
from db.revisions import PgRevisions

# Nobody is given defaults here, so the catalogue's own number is not asked.
NO_REVISION: Final = 0

CLAIMS_MAX: Final = 1_000
"""How many of a player's claims are shown, the oldest first."""


class Look(NamedTuple):
    """What was found of one player."""

    seen: Seen
    claims: list[StoredClaim]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the player's id."""
    parser.add_argument("player", metavar="ID", help="the player's id")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")


def show(chosen: argparse.Namespace) -> int:
    """Print one player; raise `CommandFailed` if there is none of this id."""
    settings = read_settings().settings
    configure_logs(settings.log_level)
    catalogue = load_catalogue(settings).catalogue
    with reachable_database(settings) as database_url:
        look = asyncio.run(_look(database_url, catalogue, chosen.player))
    if chosen.json:
        json.dump(_document(look), sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        for table in _tables(look):
            Console().print(table)
    return 0


async def _look(database_url: str, catalogue: Catalogue, player: str) -> Look:
    if not is_player_id(player):
        raise CommandFailed(f"{player!a} is no player's id: 1 to 100 characters, none of them NUL")
    state = CatalogueState(catalogue, NO_REVISION)
    async with connected(database_url) as database:
        seen = await see(PgPlayers(database, Clock()), PgRevisions(database), state, player)
        claims = await PgOutbox(database).list_of_player(player, CLAIMS_MAX)
    if not seen.view.player.version and not claims:
        raise CommandFailed(f"there is no player {player!r} in this database")
    return Look(seen, claims)


def _document(look: Look) -> Json:
    seen, claims = look
    return {
        "facts": facts_json(seen.view.player),
        "seen": {
            "at": instant(seen.view.now_ms),
            **json.loads(seen.list_body(active_only=False)),
        },
        "claims": list(map(_claim, claims)),
    }


def _claim(stored: StoredClaim) -> Json:
    claim = stored.claim
    return {
        "claimId": str(claim.claim_id),
        "goalId": claim.goal_id,
        "period": claim.period,
        "state": stored.state,
        "reward": f"{claim.reward.quantity} {claim.reward.type} {claim.reward.reward_id}",
        "claimedAt": instant(claim.claimed_at_ms),
        "attempt": stored.attempt,
        "error": stored.error,
    }


def _tables(look: Look) -> Iterator[Table]:
    seen, claims = look
    facts = facts_json(seen.view.player)
    yield _row(facts)
    if facts["stats"]:
        yield _stats(facts["stats"])
    yield _goals(seen.view, facts["goals"])
    if claims:
        yield _claims(list(map(_claim, claims)))


def _row(facts: Json) -> Table:
    table = Table(title=Text(f"Player {facts['player']}"), show_header=False)
    for name in ("since", "changedAt", "version", "answered"):
        table.add_row(name, str(facts[name]))
    for number, entry in enumerate(facts["given"]):
        given = f"defaults of revision {entry['revision']} at {entry['at']}"
        table.add_row(f"given[{number}]", given)
    return table


def _stats(stats: Mapping[str, Json]) -> Table:
    table = Table("Stat", "Value", "Newest event", "Starts", "Given", "Offsets", title="Stats")
    for key, stat in stats.items():
        offsets = "\n".join(_pairs(counts, ", ") for counts in stat["offsets"])
        starts = _pairs(stat["starts"], "\n")
        table.add_row(
            Text(key), str(stat["value"]), stat["at"], starts, str(stat["given"]), offsets
        )
    return table


def _goals(seen: View, stored: Mapping[str, Json]) -> Table:
    """Return the goals that are active, that something happened to, or of which facts are kept."""
    table = Table(
        Column("Goal", overflow="fold"), "Progress", "Status", "Active", "Locked", "Stored"
    )
    left_out = 0
    challenge = None
    for number, rule in enumerate(seen.rules.goals):
        state = seen.of(number)
        facts = stored.get(rule.goal_id)
        if facts is None and not state.is_active and number not in seen.states:
            left_out += 1
            continue
        if challenge is not None and rule.challenge != challenge:
            table.add_section()
        challenge = rule.challenge
        table.add_row(Text(rule.goal_id), *_shown(state, rule.target), _pairs(facts))
    for goal_id in stored.keys() - seen.rules.by_id.keys():
        table.add_row(Text(goal_id), "", "not in this catalogue", "", "", _pairs(stored[goal_id]))
    table.title = f"Goals as seen at {instant(seen.now_ms)}"
    table.caption = f"{left_out} more goals are inactive, and nothing is stored of them"
    return table


def _claims(claims: Sequence[Json]) -> Table:
    table = Table("Goal", "Period", "State", "Reward", "Claimed", "Attempts", title="Claims")
    for claim in claims:
        state = Text(": ".join(filter(None, (claim["state"], claim["error"]))))
        goal, reward, attempts = Text(claim["goalId"]), Text(claim["reward"]), str(claim["attempt"])
        table.add_row(goal, claim["period"], state, reward, claim["claimedAt"], attempts)
    return table


def _shown(state: GoalState, target: int) -> tuple[str, ...]:
    progress = f"{state.progress}/{target}"
    return progress, state.status, _yes(state.is_active), _yes(state.locked)


def _yes(flag: bool) -> str:
    return "yes" if flag else ""


def _pairs(fields: Mapping[str, Any] | None, between: str = "\n") -> str:
    """Return names and values, without those that say nothing."""
    said = {name: value for name, value in (fields or {}).items() if value is not None}
    return between.join(f"{name} {value}" for name, value in said.items())
