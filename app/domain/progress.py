"""How far a goal is, from its stat's facts and its own: one number, and whether that is enough."""

from msgspec.structs import replace

from app.domain.facts import GoalFacts, Span, StatFacts
from app.domain.goal import Schedule
from app.domain.number import Number, difference, rounded
from app.domain.period import DAY_MS, period_day
from app.domain.plan import Group
from app.domain.player import Player
from app.domain.rules import Rule

NO_FACTS = GoalFacts()


class Days:
    """The first day of the day, week and month that hold one moment; worked out when asked for."""

    __slots__ = ("_months", "_weeks", "day", "moment_ms")

    def __init__(self, moment_ms: int) -> None:
        self.moment_ms = moment_ms
        self.day = moment_ms // DAY_MS
        self._weeks: int | None = None
        self._months: int | None = None

    def of(self, span: Span) -> int | None:
        """Return the first day of the span's period; None for the endless one."""
        match span:
            case None:
                return None
            case Schedule.DAILY:
                return self.day
            case Schedule.WEEKLY:
                if self._weeks is None:
                    self._weeks = period_day(span, self.moment_ms)
                return self._weeks
            case Schedule.MONTHLY:
                if self._months is None:
                    self._months = period_day(span, self.moment_ms)
                return self._months


def normal(facts: GoalFacts, rule: Rule, period: int | None) -> GoalFacts:
    """Return a goal's facts as they stand in a period: what an older one left is erased.

    Only here does time erase anything. A claim that cannot be repeated stays for ever.
    """
    if rule.span is None or facts.period == period or (facts.claimed and not rule.reopens):
        return facts
    return GoalFacts(
        active=facts.active,
        assigned_at_ms=facts.assigned_at_ms,
        period=period,
        offset=0 if facts.active else None,
    )


def progress_of(
    rule: Rule, facts: GoalFacts, stat: StatFacts | None, entry: int | None, days: Days
) -> Number:
    """Return a goal's progress; fractions and negative numbers are kept.

    `facts` are normal in the moment of `days`; `entry` is which one assigned the goal, if any.
    """
    if facts.active is None and not facts.claimed:
        if entry is None or stat is None:
            return 0
        return assigned_progress(rule, stat, entry, days)
    if facts.claimed or not facts.active or facts.offset is None:
        return facts.carry
    if stat is None:
        return 0
    if rule.latest:
        return rounded(stat.value)
    return difference(counted(stat, rule.span, days), facts.offset)


def settled(
    rule: Rule, facts: GoalFacts, player: Player, entry: int | None, days: Days
) -> GoalFacts:
    """Return a goal's facts with the completion that follows from its progress.

    The event that reaches a target completes the goal. Where the catalogue lowered the target below
    a progress since, the goal was completed by the newest event before; where its progress was
    frozen, when it was assigned. Facts are as in `progress_of`.
    """
    stat = player.stats.get(rule.stat)
    if facts.completed or progress_of(rule, facts, stat, entry, days) < rule.target:
        return facts
    if facts.active is not None or entry is None:
        assigned_at_ms = facts.assigned_at_ms or 0
    else:
        assigned_at_ms = player.assignments[entry].at_ms
    if stat is not None and (facts.active is None or facts.offset is not None):
        reached_at_ms = stat.at_ms
    else:
        reached_at_ms = (facts.period or 0) * DAY_MS
    return replace(facts, completed_at_ms=max(assigned_at_ms, reached_at_ms))


def assigned_progress(kind: Rule | Group, stat: StatFacts, entry: int, days: Days) -> Number:
    """Return the progress of a goal that `entry` assigned and about which nothing was decided."""
    if entry >= stat.assignments:
        return 0
    if kind.latest:
        return rounded(stat.value)
    if kind.span is not None and not in_period(stat, kind.span, days):
        return 0
    return difference(counted(stat, kind.span, days), stat.offset(entry, kind.span))


def counted(stat: StatFacts, span: Span, days: Days) -> Number:
    """Return what came since the period of the moment began; 0 if nothing came in it."""
    if span is not None and not in_period(stat, span, days):
        return 0
    return difference(stat.value, stat.starts.of(span))


def in_period(stat: StatFacts, span: Schedule, days: Days) -> bool:
    """Return whether the stat's newest event lies in the period of the moment."""
    return Days(stat.at_ms).of(span) == days.of(span)


def whole(progress: Number) -> int:
    """Return progress as players see it: whole, and never below 0."""
    return max(0, int(progress))
