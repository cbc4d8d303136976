"""What one event does to the slow model's rows."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from app.domain.goal import Catalogue, Goal, Mode, Source
from tests.model.periods import period_of
from tests.model.rows import Number, Person, Row, StatHistory, StatKey, pages

KEPT = timedelta(days=8)
"""How old an event may be when it comes."""


class Ledger:
    """The ids of all events that ever came."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def answer(self, event_id: str, at: datetime, now: datetime) -> str:
        """Tell what becomes of an event for the sake of its age and id, and note the id."""
        if at < now - KEPT:
            return "rejected"
        if event_id in self._ids:
            return "duplicate"
        self._ids.add(event_id)
        return "taken"


class Happening(NamedTuple):
    """A statistic's new value and by how much it had changed (0: nobody says), or a login.

    A login has no `stat`: it counts on each that a login goal of the catalogue has.
    """

    source: Source
    at: datetime
    stat: str = ""
    value: Number = Decimal(0)
    increment: Number = Decimal(0)


def key_of(goal: Goal) -> StatKey:
    """Return which events the goal hears."""
    return goal.source, goal.requirement.stat_code


def heard_on(catalogue: Catalogue, happening: Happening) -> list[StatKey]:
    """Return the stats that the event is about; a negative value means nothing."""
    if happening.source is Source.STATISTIC and happening.value < 0:
        return []
    keys = {key_of(goal) for goal in catalogue.goals if goal.source is happening.source}
    return sorted(
        key for key in keys if happening.source is Source.LOGIN or key[1] == happening.stat
    )


def hear(person: Person, catalogue: Catalogue, happening: Happening) -> set[str]:
    """Apply an event of a known player; return the goals that begin or complete by it."""
    # What claims to come from the future happened now.
    happening = happening._replace(at=min(happening.at, person.now))
    moved: set[str] = set()
    for key in heard_on(catalogue, happening):
        moved |= _hear_on(key, person, catalogue, happening)
    return moved


def _hear_on(key: StatKey, person: Person, catalogue: Catalogue, happening: Happening) -> set[str]:
    history = person.stats.setdefault(key, StatHistory())
    served = {goal.goal_id: goal for goal in catalogue.goals}
    known = history.newest
    late = known is not None and happening.at < known
    late = late and happening.source is Source.STATISTIC
    newest = max(known or happening.at, happening.at)
    reached = [
        (row, served.get(goal_id)) for goal_id, row in _reached(person, key, happening.at, newest)
    ]
    moved = {
        row.goal.goal_id
        for row, goal in reached
        if goal is not None
        and row.counting
        and (row.listening or not late)
        and _settles(person, row)
    }
    history.newest = newest
    waiting = [row for row, _ in reached if not row.listening]
    if happening.source is Source.LOGIN:
        _count_login(reached)
    elif late:
        _correct_openings(person, history, happening, reached)
    else:
        _take_value(history, happening, reached)
    moved |= {row.goal.goal_id for row in waiting if row.listening}
    for row, goal in reached:
        if goal is not None and _completes(person, row, goal):
            moved.add(goal.goal_id)
    return moved


def _reached(person: Person, key: StatKey, at: datetime, newest: datetime) -> list[tuple[str, Row]]:
    """Return the rows of the period in which the event happened.

    A period is over for a stat as soon as something newer has been heard; until then a late event
    may still complete it.
    """
    reached: list[tuple[str, Row]] = []
    for goal_id, current in person.rows.items():
        if key_of(current.goal) != key:
            continue
        open_period = period_of(current.goal, newest)
        person.past[goal_id] = [
            row for row in person.past.get(goal_id, []) if not _older(row.period, open_period)
        ]
        if period_of(current.goal, at) == open_period:
            reached += [(goal_id, row) for row in person.reachable(goal_id, open_period)]
    return reached


def _older(period: date | None, other: date | None) -> bool:
    return period is not None and other is not None and period < other


def _begins(row: Row, goal: Goal | None) -> bool:
    """Tell whether an event counts for the row, which then listens from now on.

    What a player picked begins only while the goal is in the catalogue.
    """
    if row.counting and goal is not None:
        row.listening = True
    return row.counting and row.listening


def _count_login(reached: list[tuple[Row, Goal | None]]) -> None:
    for row, goal in reached:
        if _begins(row, goal):
            row.progress += 1


def _take_value(
    history: StatHistory, happening: Happening, reached: list[tuple[Row, Goal | None]]
) -> None:
    """Take a statistic's newest value: goals count from what it was just before."""
    known = history.latest if history.openings else happening.value
    before = happening.value - happening.increment if happening.increment else known
    history.latest = happening.value
    for page in pages(happening.at):
        history.openings.setdefault(page, before)
    for row, goal in reached:
        if not _begins(row, goal):
            continue
        if row.goal.requirement.progress_mode is Mode.ABSOLUTE:
            row.progress = happening.value
            continue
        if row.baseline is None:
            row.baseline = before - row.progress
        row.progress = happening.value - row.baseline


def _correct_openings(
    person: Person,
    history: StatHistory,
    happening: Happening,
    reached: list[tuple[Row, Goal | None]],
) -> None:
    """Let a late statistic tell that a period had begun lower than was known.

    Its value is old news. Rows that count from the opening of the period gain the difference.
    """
    assert person.since is not None
    assert history.newest is not None
    if happening.at < person.since:
        return
    before = happening.value - (happening.increment or 0)
    still_open = set(pages(history.newest))
    for page in pages(happening.at):
        gained = history.openings[page] - before if page in still_open else 0
        if gained <= 0:
            continue
        history.openings[page] = before
        for row, _ in reached:
            rotation = row.goal.rotation
            span = rotation.schedule if rotation and rotation.reset_progress else None
            if (span, row.period) == page and row.baseline is not None and row.counting:
                row.baseline -= gained
                row.progress += gained


def _completes(person: Person, row: Row, goal: Goal) -> bool:
    """Complete the row if it has reached the target, which is the catalogue's of today."""
    if not row.counting or not row.listening or row.completed_at is not None:
        return False
    if row.progress < goal.requirement.target_value:
        return False
    row.completed_at = person.now
    _forfeits(person, row)
    return True


def _settles(person: Person, row: Row) -> bool:
    """Complete the row if it had reached the target before the event: it may fall now."""
    settles = person.settle(row)
    if settles:
        _forfeits(person, row)
    return settles


def _forfeits(person: Person, row: Row) -> None:
    current = person.rows[row.goal.goal_id]
    if row is not current:
        current.forfeited = True
