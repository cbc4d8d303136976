"""Explains every write of players' rows by one call each, in the order of the rows' versions.

PostgreSQL itself keeps what was written (a trigger of the test's). If calls that ran at once took
effect one after another, each transition of a row is what the pure rules make of exactly one call.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from app.catalogue.served import ServedCatalogue
from app.domain.claim import Claimed, claim
from app.domain.event import Event, apply_event
from app.domain.initialize import assign_defaults, initialize
from app.domain.plan import Plan
from app.domain.player import Player
from app.domain.selection import select, set_active
from app.domain.upkeep import drop_what_says_nothing
from app.domain.view import View, view_of

AUDIT = """
create table written (
    place bigint generated always as identity, player text, since timestamptz,
    changed_at timestamptz, version integer, format smallint, answered smallint, given bytea,
    stats bytea, goals bytea
);
create function write_down() returns trigger language plpgsql as $$ begin
    insert into written (player, since, changed_at, version, format, answered, given, stats, goals)
    values (new.player, new.since, new.changed_at, new.version, new.format, new.answered, new.given,
            new.stats, new.goals);
    return null;
end $$;
create trigger write_down after insert or update on player
    for each row execute function write_down();
"""

WRITTEN = """
select player, since, changed_at, version, format, answered, given, stats, goals
from written order by place
"""


class Call(NamedTuple):
    """One call that was answered 200, and what it makes of a player at a moment."""

    text: str
    apply: "Apply"
    must_write: bool


class World:
    """The catalogue, and what players with a list of revisions share."""

    def __init__(self, served: ServedCatalogue) -> None:
        self.served = served

    def plan(self, player: Player) -> Plan:
        """Return which goals the player was assigned."""
        served = self.served
        given = [
            [goal.goal_id for goal in served.catalogue.goals if goal.default_assigned]
            for _ in player.revisions
        ]
        return Plan(served.catalogue, served.rules, given)

    def seen(self, player: Player, now_ms: int) -> View:
        return view_of(self.served.rules, self.plan(player), player, now_ms)

    def numbers(self, *goal_ids: str) -> list[int]:
        return [self.served.rules.by_id[goal_id].number for goal_id in goal_ids]


Apply = Callable[[World, Player, int], Player | None]
"""From the facts before and the moment to the facts after; None: not with this answer."""


def initializing(answer: Any) -> Apply:
    def apply(world: World, player: Player, now_ms: int) -> Player | None:
        plan = world.plan(player)
        done = initialize(world.served.rules, plan, player, world.served.revision, now_ms)
        return done.player if done.new_assignments == answer["newAssignments"] else None

    return apply


def activating(goal_id: str, *, active: bool) -> Apply:
    def apply(world: World, player: Player, now_ms: int) -> Player | None:
        return set_active(world.seen(player, now_ms), *world.numbers(goal_id), active=active)

    return apply


def selecting(challenge_id: str, answer: Any, *, replace_existing: bool) -> Apply:
    chosen = [goal["goalId"] for goal in answer["selectedGoals"]]

    def apply(world: World, player: Player, now_ms: int) -> Player | None:
        seen = world.seen(player, now_ms)
        members = world.served.rules.challenges[challenge_id]
        done = select(seen, members, world.numbers(*chosen), replace_existing=replace_existing)
        after = world.seen(done.player, now_ms)
        active = sum(after.of(number).is_active for number in members)
        replaced = world.numbers(*answer["replacedGoals"])
        fits = active == answer["totalActiveGoals"] and list(done.replaced) == replaced
        return done.player if fits else None

    return apply


def claiming(goal_id: str) -> Apply:
    def apply(world: World, player: Player, now_ms: int) -> Player | None:
        done = claim(world.seen(player, now_ms), *world.numbers(goal_id))
        return done.player if isinstance(done, Claimed) else None

    return apply


def counting(*events: Event) -> Apply:
    """Return what a batch makes of a player whom it concerns, or of one whom it makes known."""

    def apply(world: World, player: Player, now_ms: int) -> Player | None:
        rules, plan = world.served.rules, world.plan(player)
        if not player.version:
            return assign_defaults(rules, plan, player, world.served.revision, now_ms)
        after = player
        for event in events:
            after = apply_event(rules, plan, after, event, now_ms)
        return drop_what_says_nothing(rules, after, now_ms)

    return apply


def unexplained(world: World, rows: Sequence[Player], calls: Sequence[Call]) -> list[str]:
    """Return what no order of all calls about one player explains in their rows."""
    if [row.version for row in rows] != list(range(1, len(rows) + 1)):
        return [f"versions {[row.version for row in rows]}"]
    left = list(calls)
    before = Player.unknown(rows[0].player_id, rows[0].since_ms) if rows else None
    problems = []
    for row in rows:
        assert before is not None
        explaining = next((one for one in left if _explains(world, before, row, one)), None)
        if explaining is None:
            problems.append(f"nothing explains version {row.version}: {before} -> {row}")
        elif not (explaining.text == "events" and row.version == 1):
            # A batch that makes a player known writes twice: the row, then what it counts.
            left.remove(explaining)
        before = row
    return problems + [f"without effect: {one.text}" for one in left if one.must_write]


def _explains(world: World, before: Player, row: Player, call: Call) -> bool:
    after = call.apply(world, before, row.changed_at_ms)
    return after is not None and (after.assignments, after.answered, after.stats, after.goals) == (
        row.assignments,
        row.answered,
        row.stats,
        row.goals,
    )
