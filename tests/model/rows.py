"""The slow model's storage: one row per player and goal, and for goals that restart per period.

A row holds what a person would write down about the goal on paper, and everything is brought up to
date at once: by each event, by each decision, and by the clock when a period ends.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from app.domain.goal import Goal, Schedule, Source
from tests.model.periods import (
    claimable_again,
    first_day,
    following,
    midnight,
    period_of,
    restarts,
)

Number: TypeAlias = Decimal

StatKey: TypeAlias = tuple[Source, str]


def thousandths(number: float) -> Number:
    """Return what a person would write down of a number."""
    return Decimal(repr(number)).quantize(Decimal("0.001"))


@dataclass
class Row:
    """One player's standing with one goal in one period.

    `by_default`: nobody has decided about it yet. `listening`: the next event counts even if the
    goal is not in the catalogue then; false from a player's activation to the first event that
    reaches the goal. `baseline`: the value at which counting began, None before that.
    `forfeited`: the newest completion is of a period that is over, and was not claimed.
    `unreported`: it was given without an initialize, and none has told the player.
    """

    goal: Goal
    period: date | None
    active: bool
    by_default: bool
    listening: bool
    assigned_at: datetime | None = None
    progress: Number = Decimal(0)
    baseline: Number | None = None
    completed_at: datetime | None = None
    claimed_at: datetime | None = None
    forfeited: bool = False
    unreported: bool = False

    @property
    def counting(self) -> bool:
        """Tell whether events may change it: not while deactivated, and not after the claim."""
        return self.active and self.claimed_at is None

    def freeze(self) -> None:
        """Keep what is shown as progress, and forget where counting began."""
        self.progress = max(Decimal(0), self.progress)
        self.baseline = None

    def after_turn(self, period: date) -> "Row":
        """Return the row of a later period: everything from nothing, but as active as before."""
        unclaimed = self.completed_at is not None and self.claimed_at is None
        carried = self.forfeited and self.completed_at is None
        return Row(
            goal=self.goal,
            period=period,
            active=self.active,
            by_default=self.by_default,
            # Whoever is active when a period begins takes part in all of it.
            listening=self.active,
            assigned_at=self.assigned_at,
            forfeited=unclaimed or carried,
            unreported=self.unreported,
        )


@dataclass
class StatHistory:
    """What one stat of a player did: its latest value by event time, and where each period began.

    `openings` has a page per span (None is the one without end) and period: the value just before
    the period's first event.
    """

    newest: datetime | None = None
    latest: Number = Decimal(0)
    openings: dict[tuple[Schedule | None, date | None], Number] = field(default_factory=dict)


def pages(at: datetime) -> list[tuple[Schedule | None, date | None]]:
    """Return the pages that hold an instant: the endless one, its day, its week and its month."""
    return [(None, None), *((schedule, first_day(schedule, at)) for schedule in Schedule)]


@dataclass
class Person:
    """One player: rows by goal id, rows of periods that are over, and the stats.

    `past` is kept because a late event may still reach a period that is over. `targets` are by goal
    id, those of the catalogue being served.
    """

    now: datetime
    since: datetime | None = None
    rows: dict[str, Row] = field(default_factory=dict)
    past: dict[str, list[Row]] = field(default_factory=dict)
    stats: dict[StatKey, StatHistory] = field(default_factory=dict)
    targets: dict[str, int] = field(default_factory=dict)

    def become_known(self) -> None:
        """Note when the player was first met."""
        if self.since is None:
            self.since = self.now

    def tick(self, now: datetime) -> None:
        """Let time pass. Each boundary on the way closes the rows of the period that ends."""
        assert now >= self.now
        self.now = now
        for goal_id, row in self.rows.items():
            self.rows[goal_id] = self._turned(goal_id, row)

    def _turned(self, goal_id: str, row: Row) -> Row:
        if not restarts(row.goal):
            return row
        if row.claimed_at is not None and not claimable_again(row.goal):
            return row  # claimed once for ever
        rotation = row.goal.rotation
        assert rotation is not None
        while row.period is not None and row.period != period_of(row.goal, self.now):
            self.past.setdefault(goal_id, []).append(replace(row))
            row = row.after_turn(following(rotation.schedule, row.period))
        return row

    def completed_at(self, row: Row) -> datetime | None:
        """Return when a goal was completed: by an event, or by a target that sank to its progress.

        The latter counts from the newest event that the row has heard, or else from its beginning.
        """
        if row.completed_at is not None:
            return row.completed_at
        target = self.targets.get(row.goal.goal_id)
        if target is None or row.progress < target:
            return None
        moments = [] if row.assigned_at is None else [row.assigned_at]
        if row.active and row.listening:
            newest = self.stats[row.goal.source, row.goal.requirement.stat_code].newest
            assert newest is not None
            moments.append(newest)
        elif row.period is not None:
            moments.append(midnight(row.period))
        return max(moments)

    def settle(self, row: Row) -> bool:
        """Write down that a row is completed; return False if it is not, or that is known."""
        known, row.completed_at = row.completed_at, self.completed_at(row)
        return known != row.completed_at

    def reachable(self, goal_id: str, period: date | None) -> list[Row]:
        """Return the goal's row of a period, if it has one."""
        rows = [*self.past.get(goal_id, []), self.rows[goal_id]]
        return [row for row in rows if row.period == period]
