"""`player ID`: what is stored of one player, decoded, beside what the player sees of it.

Claims of a deleted player are shown as long as they are owed; version 0 then says that the row is
gone. A moment that was set in a running service (`/clock`) is that process's own and not known
here: `--at` names it.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from rich.table import Column, Table

from app.catalogue.served import ServedCatalogue
from app.commands.claim_facts import claim_json, claim_text
from app.commands.common import (
    cell,
    connected,
    load_catalogue,
    printed_json,
    reachable_database,
    read_settings,
    table_console,
)
from app.commands.facts import Json, facts_json, instant
from app.domain.clock import Clock
from app.domain.goal import Catalogue, GoalState
from app.domain.player import is_player_id
from app.domain.timestamp import read_rfc3339
from app.domain.view import View
from app.failures import CommandFailed
from app.logs import configure_logs
from app.operations.clock import FIRST_MS, LAST_MS
from app.services.challenges import ChallengeService, Seen
from db.outbox import PgOutbox, StoredClaim
from db.players import PgPlayers
from db.revisions import PgRevisions

# Nobody is assigned defaults here, so the catalogue's own number is not asked.
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
    parser.add_argument(
        "--at",
        type=_moment,
        metavar="RFC3339",
        help="what the player sees at this moment, such as 2026-12-01T00:00:00Z, but not before"
        " the last write; default: the database's clock. A clock that was set in a running service"
        " is not known here",
    )


def show(chosen: argparse.Namespace) -> int:
    """Print one player; raise `CommandFailed` if there is none of this id."""
    settings = read_settings().settings
    configure_logs(settings.log_level, sys.stderr)
    catalogue = load_catalogue(settings).catalogue
    with reachable_database(settings) as database_url:
        look = asyncio.run(_look(database_url, catalogue, chosen.player, chosen.at))
    if chosen.json:
        sys.stdout.write(f"{printed_json(_document(look), indent=2)}\n")
    else:
        for table in _tables(look):
            table_console().print(table)
        sys.stdout.writelines(map(claim_text, look.claims))
    return 0


def _moment(text: str) -> int:
    try:
        at_ms = read_rfc3339(text)
    except ValueError:
        at_ms = -1
    if not FIRST_MS <= at_ms <= LAST_MS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no timestamp of the years 1970 to 9000, such as 2026-12-01T00:00:00Z"
        )
    return at_ms


async def _look(database_url: str, catalogue: Catalogue, player_id: str, at_ms: int | None) -> Look:
    if not is_player_id(player_id):
        raise CommandFailed(
            f"{player_id!a} is no player's id: 1 to 100 characters, none of them NUL"
        )
    clock = Clock()
    async with connected(database_url) as database:
        players = PgPlayers(database, clock)
        if at_ms is not None:
            database_ms, _ = await players.read_many([])
            clock.set(at_ms, database_ms)
        served = ServedCatalogue(catalogue, NO_REVISION, PgRevisions(database))
        seen = await ChallengeService(players, served).see(player_id)
        claims = await PgOutbox(database).list_of_player(player_id, CLAIMS_MAX)
    if not seen.view.player.version and not claims:
        raise CommandFailed(f"there is no player {player_id!r} in this database")
    return Look(seen, claims)


def _document(look: Look) -> Json:
    seen, claims = look
    return {
        "facts": facts_json(seen.view.player),
        "seen": {
            "at": instant(seen.view.now_ms),
            **json.loads(seen.cohort.template.list_answer(seen.view.states, seen.view.now_ms)),
        },
        "claims": list(map(claim_json, claims)),
    }


def _tables(look: Look) -> Iterator[Table]:
    seen = look.seen
    facts = facts_json(seen.view.player)
    yield _row(facts)
    if facts["stats"]:
        yield _stats(facts["stats"])
    yield _goals(seen.view, facts["goals"])


def _row(facts: Json) -> Table:
    table = Table(title=cell(f"Player {facts['player']}"), show_header=False)
    for name in ("since", "changedAt", "version", "answered"):
        table.add_row(name, str(facts[name]))
    for number, entry in enumerate(facts["given"]):
        assigned = f"defaults of revision {entry['revision']} at {entry['at']}"
        table.add_row(f"given[{number}]", assigned)
    return table


def _stats(stats: Mapping[str, Json]) -> Table:
    table = Table(
        Column("Stat", overflow="fold"),
        Column("Value", overflow="fold"),
        Column("Newest event", no_wrap=True),
        Column("Starts", overflow="fold"),
        "Given",
        Column("Offsets", overflow="fold"),
        title="Stats",
    )
    for key, stat in stats.items():
        offsets = "\n".join(_pairs(counts, ", ") for counts in stat["offsets"])
        starts = _pairs(stat["starts"], "\n")
        table.add_row(
            cell(key), str(stat["value"]), stat["at"], starts, str(stat["given"]), offsets
        )
    return table


def _goals(seen: View, stored: Mapping[str, Json]) -> Table:
    """Return the goals that are active, that something happened to, or of which facts are kept."""
    table = Table(
        Column("Goal", overflow="fold"),
        Column("Progress", overflow="fold"),
        Column("State", no_wrap=True),
        Column("Stored", no_wrap=True),
    )
    left_out = 0
    challenge = None
    for number, rule in enumerate(seen.rules.goals):
        state = seen.of(number)
        facts = stored.get(rule.goal_id)
        if facts is None and not state.is_active and number not in seen.states.own:
            left_out += 1
            continue
        if challenge is not None and rule.challenge != challenge:
            table.add_section()
        challenge = rule.challenge
        progress = f"{state.progress}/{rule.target}"
        table.add_row(cell(rule.goal_id), progress, _state(state), _pairs(facts))
    for goal_id in stored.keys() - seen.rules.by_id.keys():
        table.add_row(cell(goal_id), "", "not served", _pairs(stored[goal_id]))
    table.title = f"Goals as seen at {instant(seen.now_ms)}"
    table.caption = f"{left_out} more goals are inactive, and nothing is stored of them"
    return table


def _state(state: GoalState) -> str:
    """Return the status and what else holds, a line each."""
    said = {"active": state.is_active, "locked": state.locked}
    return "\n".join([state.status, *(word for word, holds in said.items() if holds)])


def _pairs(fields: Mapping[str, Any] | None, between: str = "\n") -> str:
    """Return names and values, without those that say nothing."""
    said = {name: value for name, value in (fields or {}).items() if value is not None}
    return between.join(f"{name} {value}" for name, value in said.items())
