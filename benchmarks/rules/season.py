"""Players with a history, made by the rules themselves, under the catalogue of the load tests."""

from typing import NamedTuple

import msgspec

from app.answers.templates import Fragments, Template
from app.catalogue.loadtest import generate_catalogue
from app.catalogue.parse import parse_catalogue
from app.catalogue.served import form_cohort
from app.domain.event import Event, apply_event
from app.domain.goal import Catalogue, Source
from app.domain.initialize import initialize
from app.domain.plan import Plan
from app.domain.player import Player
from app.domain.rules import Rules
from app.domain.selection import set_active
from app.domain.view import View, view_of

# 6 March 2026, 10:20:00 UTC, and a player's season before it.
NOW_MS = 1_772_792_400_000
HOUR_MS = 3_600_000
# What the goals of a stat ask for from one step to the next in the load tests' catalogue.
PER_STEP = {"enemy_kills": 10, "games_played": 2, "headshots": 5, "wins": 1}


class World(NamedTuple):
    """A catalogue's rules, and what players share who were assigned its defaults once."""

    catalogue: Catalogue
    rules: Rules
    revision: int
    plan: Plan
    template: Template

    def view(self, player: Player) -> View:
        """Return what the player sees now."""
        return view_of(self.rules, self.plan, player, NOW_MS)


def load_test_world(*, all_default: bool = False, half_daily: bool = False) -> World:
    """Return the load tests' catalogue; `half_daily` resets every other challenge each day."""
    data = generate_catalogue(all_default=all_default)
    if half_daily:
        data = _half_daily(data)
    return world_of(parse_catalogue(data).catalogue, revision=1)


def world_of(catalogue: Catalogue, revision: int) -> World:
    """Return the world of a catalogue that is served."""
    rules = Rules(catalogue)
    defaults = {goal.goal_id for goal in catalogue.goals if goal.default_assigned}
    plan, template = form_cohort(catalogue, rules, Fragments(catalogue), [defaults])
    return World(catalogue, rules, revision, plan, template)


def newcomer(world: World, name: str, at_ms: int = NOW_MS - 9 * HOUR_MS) -> Player:
    """Return the facts after the first initialize."""
    nothing = Plan(world.catalogue, world.rules, [])
    unknown = Player.unknown(name, at_ms)
    return initialize(world.rules, nothing, unknown, world.revision, at_ms).player._replace(
        version=1
    )


def events_of_steps(steps: int) -> list[Event]:
    """Return events that bring all five stats to the target of each goal up to `steps`."""
    at_ms = NOW_MS - 8 * HOUR_MS
    logins = [Event(Source.LOGIN, at_ms + number) for number in range(steps)]
    return logins + [
        Event(Source.STATISTIC, at_ms, stat, value=steps * per_step, increase=per_step)
        for stat, per_step in PER_STEP.items()
    ]


def play(world: World, player: Player, events: list[Event]) -> Player:
    """Return the player's facts after `events`."""
    for event in events:
        player = apply_event(world.rules, world.plan, player, event, NOW_MS - HOUR_MS)
    return player


def decide(world: World, player: Player, goal_ids: list[str], *, active: bool) -> Player:
    """Return the player's facts after one decision on each goal."""
    for goal_id in goal_ids:
        number = world.rules.by_id[goal_id].number
        seen = view_of(world.rules, world.plan, player, NOW_MS - 2 * HOUR_MS)
        player = set_active(seen, number, active=active)
    return player


def far_targets() -> bytes:
    """Return the load tests' catalogue with targets that nobody reaches."""
    document = msgspec.json.decode(generate_catalogue())
    for challenge in document["challenges"]:
        for goal in challenge["goals"]:
            goal["requirement"]["targetValue"] *= 1_000_000
    return msgspec.json.encode(document)


def _half_daily(data: bytes) -> bytes:
    document = msgspec.json.decode(data)
    for challenge in document["challenges"][::2]:
        for goal in challenge["goals"]:
            goal["requirement"]["progressMode"] = "relative"
            goal["rotation"] = {
                "enabled": True,
                "type": "global",
                "schedule": "daily",
                "onExpiry": {"resetProgress": True, "allowReselection": True},
            }
    return msgspec.json.encode(document)
