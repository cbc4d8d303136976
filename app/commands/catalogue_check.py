"""`catalogue check FILE`: whether a catalogue can be served, or all that is wrong with it.

With `--against-database` also whom it would affect. Nothing is written. Players are read page by
page, as `export` does: one who comes or changes meanwhile may be counted as before.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rich.table import Column, Table

from app.catalogue.effects import Affected, Change, GoalChange, Tally, changes
from app.catalogue.parse import LoadedCatalogue
from app.commands.common import (
    cell,
    connected,
    printed_json,
    reachable_database,
    read_catalogue,
    read_settings,
    table_console,
)
from app.commands.facts import Json
from app.domain.clock import Clock
from app.domain.goal import Catalogue
from app.domain.identity import Before, CatalogueInvalid
from app.domain.text import visible
from app.logs import configure_logs
from db.outbox import PgOutbox
from db.players import PgPlayers
from db.pool import Database
from db.revisions import Foreseen, PgRevisions

PAGE_PLAYERS: Final = 500


class Effect(NamedTuple):
    """A change of one goal, the players whom it is about, and the goal's open claims."""

    change: GoalChange
    affected: Affected
    claims_open: int


class Effects(NamedTuple):
    """What the catalogue would do to the players of a database."""

    foreseen: Foreseen
    before: Before
    players: int
    newly_assigned: int
    new_goals: int
    found: list[Effect]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the file, and whether the database is asked."""
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="the catalogue; app/CATALOGUE.md has its format"
    )
    parser.add_argument(
        "--against-database",
        action="store_true",
        help="also whether a service could start with it, and which players it affects: reads all"
        " of them, and writes nothing",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def check(chosen: argparse.Namespace) -> int:
    """Print what the file holds, and whom it affects.

    Raises `CatalogueInvalid` with all errors and warnings, or with what a start would refuse.
    """
    name = visible(str(chosen.file))
    loaded = _read(chosen.file, name)
    effects = _ask_database(loaded.catalogue, name) if chosen.against_database else None
    if chosen.json:
        document = _document(name, loaded, effects)
        sys.stdout.write(f"{printed_json(document, indent=2)}\n")
        return 0
    sys.stdout.writelines(f"{line}\n" for line in _lines(name, loaded))
    if effects is not None:
        sys.stdout.writelines(f"{line}\n" for line in _effect_lines(effects))
        if effects.found:
            table_console().print(_table(effects.found))
    return 0


def _read(path: Path, name: str) -> LoadedCatalogue:
    try:
        return read_catalogue(path)
    except CatalogueInvalid as invalid:
        lines = [f"{name}: {visible(error)}" for error in invalid.errors]
        lines += _warning_lines(name, invalid.warnings)
        raise CatalogueInvalid((*lines, f"{name}: it cannot be served")) from invalid


def _ask_database(catalogue: Catalogue, name: str) -> Effects:
    settings = read_settings().settings
    configure_logs(settings.log_level, sys.stderr)
    with reachable_database(settings) as database_url:
        try:
            return asyncio.run(_find_effects(database_url, catalogue))
        except CatalogueInvalid as refused:
            lines = [f"{name}: {visible(error)}" for error in refused.errors]
            raise CatalogueInvalid(
                (*lines, f"{name}: a service with this database would not start with it")
            ) from refused


async def _find_effects(database_url: str, catalogue: Catalogue) -> Effects:
    async with connected(database_url) as database:
        revisions = PgRevisions(database)
        foreseen = await revisions.foresee(catalogue)
        before = await revisions.newest()
        ever = await revisions.identities()
        found = changes(catalogue, before, ever) if before.revision else []
        tally = await _count_players(database, revisions, found)
        claims = await PgOutbox(database).count_open_by_goal()
    return Effects(
        foreseen=foreseen,
        before=before,
        players=tally.players,
        newly_assigned=tally.newly_assigned,
        new_goals=sum(goal.goal_id not in ever for goal in catalogue.goals),
        found=list(_effects(found, tally, claims)),
    )


async def _count_players(
    database: Database, revisions: PgRevisions, found: Sequence[GoalChange]
) -> Tally:
    players, tally = PgPlayers(database, Clock()), Tally(found)
    after = ""
    while page := await players.read_page(after, PAGE_PLAYERS):
        numbers = {number for player in page for number in player.revisions}
        tally.add(page, await revisions.defaults_of(numbers))
        after = page[-1].player_id
    return tally


def _effects(
    found: Sequence[GoalChange], tally: Tally, claims: Mapping[str, int]
) -> Iterator[Effect]:
    for change in found:
        affected = tally.affected(change)
        claims_open = claims.get(change.goal_id, 0)
        # Of what went long ago only that is news which somebody still has.
        if change.change is not Change.GONE or affected.players or claims_open:
            yield Effect(change, affected, claims_open)


def _warning_lines(name: str, warnings: Sequence[str]) -> list[str]:
    return [f"{name}: warning: {visible(warning)}" for warning in warnings]


def _lines(name: str, loaded: LoadedCatalogue) -> list[str]:
    catalogue, warnings = loaded
    assigned = sum(goal.default_assigned for goal in catalogue.goals)
    summary = (
        f"{name}: {len(catalogue.challenges)} challenges, {len(catalogue.goals)} goals,"
        f" {assigned} of them assigned by default; {len(warnings)} warnings"
    )
    return [*_warning_lines(name, warnings), summary]


def _effect_lines(effects: Effects) -> Iterator[str]:
    (revision, is_new), before = effects.foreseen, effects.before
    as_which = "which is new" if is_new else "which it is already"
    yield f"a service with this database can start with it, as revision {revision}, {as_which}"
    if not before.revision:
        yield "there is no catalogue in this database to compare it with"
        return
    yield (
        f"compared with revision {before.revision}, the newest: {effects.new_goals} new goals,"
        f" {len(effects.found)} changes of goals, {effects.players} known players"
    )
    if before.targets is None:
        yield (
            f"which targets change is not known: an older release registered revision"
            f" {before.revision}, and kept no targets"
        )
    if any(effect.change.change is Change.ASSIGNED for effect in effects.found):
        yield (
            f"{effects.newly_assigned} players will be assigned new defaults when they initialize"
            " next"
        )


def _table(found: Sequence[Effect]) -> Table:
    table = Table(
        Column("Goal", overflow="fold"),
        Column("Change", overflow="fold"),
        Column("Players", justify="right", overflow="fold"),
        Column("Completed, not claimed", justify="right", overflow="fold"),
        Column("Claims not granted", justify="right", overflow="fold"),
        caption="Players: who have the goal, or will be assigned it."
        " app/CATALOGUE.md says what each change means for them.",
    )
    for change, affected, claims_open in found:
        targets = "" if change.was is None else f", {change.was} to {change.now}"
        table.add_row(
            cell(change.goal_id),
            f"{change.change}{targets}",
            str(affected.players),
            str(affected.unclaimed),
            str(claims_open),
        )
    return table


def _document(name: str, loaded: LoadedCatalogue, effects: Effects | None) -> Json:
    catalogue, warnings = loaded
    document: Json = {
        "file": name,
        "challenges": len(catalogue.challenges),
        "goals": len(catalogue.goals),
        "assignedByDefault": sum(goal.default_assigned for goal in catalogue.goals),
        "warnings": list(warnings),
    }
    if effects is not None:
        document["database"] = _effects_document(effects)
    return document


def _effects_document(effects: Effects) -> Json:
    return {
        "revision": effects.foreseen.revision,
        "isNew": effects.foreseen.is_new,
        "comparedWith": effects.before.revision or None,
        "targetsKnown": effects.before.targets is not None,
        "players": effects.players,
        "playersGivenNewDefaults": effects.newly_assigned,
        "newGoals": effects.new_goals,
        "changes": [
            {
                "goalId": change.goal_id,
                "change": change.change.name.lower(),
                "targetWas": change.was,
                "targetIs": change.now,
                "players": affected.players,
                "completedNotClaimed": affected.unclaimed,
                "claimsNotGranted": claims_open,
            }
            for change, affected, claims_open in effects.found
        ],
    }
