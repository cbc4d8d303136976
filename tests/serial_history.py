"""Explains every write of players' rows by one call each, in the order of the rows' versions.

PostgreSQL itself keeps what was written (a trigger of the test's). If calls that ran at once took
effect one after another, each transition of a row is what the pure rules make of exactly one call.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from app.domain.catalogue_state import CatalogueState, Shared
from app.domain.claim import Claimed, claim
from app.domain.event import Event, apply_event
from app.domain.initialize import give_defaults, initialize
from app.domain.player import Player
from app.domain.selection import select, set_active
from app.domain.upkeep import drop_what_says_nothing
from app.domain.view import View, view

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

    def __init__(self, state: CatalogueState) -> None:
        self.state = state

    def shared(self, player: Player) -> Shared:
        revisions = player.revisions
        given = [
            [goal.goal_id for goal in self.state.catalogue.goals if goal.default_assigned]
            for _ in revisions
        ]
        return self.state.shared(revisions) or self.state.keep(revisions, given)

    def seen(self, player: Player, now_ms: int) -> View:
        return view(self.state.rules, self.shared(player).plan, player, now_ms)

    def numbers(self, *goal_ids: str) -> list[int]:
        return [self.state.rules.by_id[goal_id].number for goal_id in goal_ids]


Apply = Callable[[World, Player, int], Player | None]
"""From the facts before and the moment to the facts after; None: not with this answer."""


def initializing(answer: Any) -> Apply:
    def apply(world: World, player: Player, now_ms: int) -> Player | None:
        plan = world.shared(player).plan
        done = initialize(world.state.rules, plan, player, world.state.revision, now_ms)
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
        members = world.state.rules.challenges[challenge_id]
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
        rules, plan = world.state.rules, world.shared(player).plan
        if not player.version:
            return give_defaults(rules, plan, player, world.state.revision, now_ms)
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
    before = Player.unknown(rows[0].player, rows[0].since_ms) if rows else None
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
    return after is not None and (after.given, after.answered, after.stats, after.goals) == (
        row.given,
        row.answered,
        row.stats,
        row.goals,
    )
