"""One event on one stat of one player: the stat's new facts, and the goals that begin or complete.

What came late, twice or swapped is described exactly in db/README.md. In short: a login is never
lost and counts in the period of its own time; an older statistic never overwrites a newer one, but
may show that the period began lower; a second and further event of a goal writes nothing about it.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from app.domain.facts import NOTHING, Counts, GoalFacts, StatFacts
from app.domain.goal import Schedule, Source
from app.domain.number import Number, difference, rounded
from app.domain.plan import Plan
from app.domain.player import Player
from app.domain.progress import NO_FACTS, Days, assigned_progress, normal, progress_of, settled
from app.domain.rules import Rule, Rules, stat_key


class Event(NamedTuple):
    """A login, or a statistic's new value, of one player at its own time.

    `value` is a statistic's latest value, `increase` what it changed by, 0 if that is not known.
    """

    source: Source
    at_ms: int
    stat_code: str = ""
    value: Number = 0
    increase: Number = 0


class Folded(NamedTuple):
    """What one event made of a stat. `before` is what the stat stood at just before it."""

    stat: StatFacts
    before: Number
    late: bool


def apply_event(rules: Rules, plan: Plan, player: Player, event: Event, now_ms: int) -> Player:
    """Return the player's facts after an event; the same object if the event changes nothing.

    An event from the future happens now. Logins count on every login stat of the catalogue.
    """
    at_ms = min(event.at_ms, now_ms)
    if event.source is Source.LOGIN:
        for key in rules.login_stats:
            player = _apply(rules, plan, player, key, event, at_ms, now_ms)
        return player
    key = stat_key(event.source, event.stat_code)
    if key not in rules.by_stat or event.value < 0:
        return player
    return _apply(rules, plan, player, key, event, at_ms, now_ms)


def concerns(rules: Rules, event: Event) -> bool:
    """Return whether any goal of the catalogue listens to this event."""
    if event.source is Source.LOGIN:
        return bool(rules.login_stats)
    return event.value >= 0 and stat_key(event.source, event.stat_code) in rules.by_stat


def _apply(
    rules: Rules, plan: Plan, player: Player, key: str, event: Event, at_ms: int, now_ms: int
) -> Player:
    known = player.stats.get(key)
    folded = _fold(known, event, at_ms, player.since_ms, len(player.assignments))
    changed = dict(_goal_changes(rules, plan, player, key, folded, at_ms, now_ms))
    if folded.stat != known:
        player = player._replace(stats={**player.stats, key: folded.stat})
    if changed:
        player = player._replace(goals={**player.goals, **changed})
    return player


def _fold(stat: StatFacts | None, event: Event, at_ms: int, since_ms: int, entries: int) -> Folded:
    login = event.source is Source.LOGIN
    if stat is None:
        value = 1 if login else rounded(event.value)
        before = 0 if login else _value_before(event, unknown=event.value)
        starts = Counts(before, before, before, before)
        return Folded(StatFacts(value, at_ms, starts, entries), before, late=False)
    if not login and at_ms < stat.at_ms:
        if at_ms < since_ms:
            return Folded(stat, stat.value, late=True)
        before = _value_before(event, unknown=event.value)
        return Folded(_began_lower(stat, at_ms, before), before, late=True)
    value = stat.value + 1 if login else rounded(event.value)
    before = stat.value if login else _value_before(event, unknown=stat.value)
    starts, offsets = _move_periods(stat, at_ms, before, login=login)
    if entries > stat.assignments:
        padding = (NOTHING,) * (stat.assignments - len(offsets))
        come = _come(stat, at_ms, before)
        offsets = (*offsets, *padding, *(come,) * (entries - stat.assignments))
    return Folded(
        StatFacts(value, max(stat.at_ms, at_ms), starts, entries, _trimmed(offsets)),
        before,
        late=False,
    )


def _value_before(event: Event, *, unknown: Number) -> Number:
    return difference(event.value, event.increase) if event.increase else rounded(unknown)


def _began_lower(stat: StatFacts, at_ms: int, before: Number) -> StatFacts:
    """Return the stat after a late statistic: its periods may have begun at a lower value."""
    then, newest = Days(at_ms), Days(stat.at_ms)

    def lower(span: Schedule, start: Number) -> Number:
        return min(start, before) if then.of(span) == newest.of(span) else start

    old = stat.starts
    starts = Counts(
        min(old.endless, before),
        lower(Schedule.DAILY, old.day),
        lower(Schedule.WEEKLY, old.week),
        lower(Schedule.MONTHLY, old.month),
    )
    if starts == old:
        return stat
    return StatFacts(stat.value, stat.at_ms, starts, stat.assignments, stat.offsets)


def _move_periods(
    stat: StatFacts, at_ms: int, before: Number, *, login: bool
) -> tuple[Counts, tuple[Counts, ...]]:
    """Return the starts and the offsets, where new periods may begin."""
    then, newest = Days(at_ms), Days(stat.at_ms)
    if then.day == newest.day:
        return stat.starts, stat.offsets
    starts: list[Number] = [stat.starts.endless]
    anew = _begun_anew(then, newest)
    for span, is_newer in zip(Schedule, anew[1:], strict=True):
        start = stat.starts.of(span)
        # A login of an older period stays out of the count of the current one.
        is_older = login and not is_newer and then.of(span) != newest.of(span)
        starts.append(before if is_newer else start + 1 if is_older else start)
    return Counts(*starts), tuple(_restarted(stat.offsets, anew))


def _come(stat: StatFacts, at_ms: int, before: Number) -> Counts:
    """Return how far each period had come just before the event of a moment."""
    anew = _begun_anew(Days(at_ms), Days(stat.at_ms))
    starts = (stat.starts.of(span) for span in (None, *Schedule))
    return Counts(
        *(
            0 if is_newer else difference(before, start)
            for start, is_newer in zip(starts, anew, strict=True)
        )
    )


def _begun_anew(then: Days, newest: Days) -> list[bool]:
    """Return whether a moment is in a newer endless period (never), day, week and month."""
    anew = [False]
    for span in Schedule:
        then_day, newest_day = then.of(span), newest.of(span)
        assert then_day is not None
        assert newest_day is not None
        anew.append(then_day > newest_day)
    return anew


def _restarted(offsets: Iterable[Counts], anew: list[bool]) -> Iterator[Counts]:
    for counts in offsets:
        numbers = (counts.endless, counts.day, counts.week, counts.month)
        yield Counts(*(0 if new else number for new, number in zip(anew, numbers, strict=True)))


def _trimmed(offsets: tuple[Counts, ...]) -> tuple[Counts, ...]:
    """Leave out what says nothing: the zeros at the end."""
    end = len(offsets)
    while end and offsets[end - 1] == NOTHING:
        end -= 1
    return offsets[:end]


def _goal_changes(
    rules: Rules, plan: Plan, player: Player, key: str, folded: Folded, at_ms: int, now_ms: int
) -> Iterator[tuple[str, GoalFacts]]:
    """Yield the goals that begin or complete, with their new facts; `player` is as before."""
    then, newest = Days(at_ms), Days(folded.stat.at_ms)
    for rule, entry in _listeners(rules, plan, player, key, folded.stat, then):
        stored = player.goals.get(rule.goal_id, NO_FACTS)
        period = then.of(rule.span)
        if period is not None and (
            period != newest.of(rule.span) or period < _earliest(player, rule, stored, entry)
        ):
            continue
        facts = normal(stored, rule, period)
        if facts.claimed:
            continue
        begins = facts.active is True and facts.offset is None
        if begins and folded.late:
            continue
        before = facts
        if not facts.completed:
            facts = settled(rule, facts, player, entry, then)
        completes = facts is not before
        if begins:
            start = folded.stat.starts.of(rule.span)
            begun = difference(folded.before, start)
            offset = 0 if rule.latest else difference(begun, facts.carry)
            facts = replace(facts, period=period, offset=offset)
        if (
            not facts.completed
            and progress_of(rule, facts, folded.stat, entry, then) >= rule.target
        ):
            completes = True
            facts = replace(facts, period=period, completed_at_ms=now_ms)
        if begins or completes:
            yield rule.goal_id, facts


def _listeners(
    rules: Rules, plan: Plan, player: Player, key: str, stat: StatFacts, then: Days
) -> Iterator[tuple[Rule, int | None]]:
    """Yield the active goals of a stat that may begin or complete, and what assigned them."""
    goals, known = player.goals, player.stats.get(key)
    for group in plan.by_stat.get(key, ()):
        progress = assigned_progress(group, stat, group.entry, then)
        if known is not None:
            progress = max(progress, assigned_progress(group, known, group.entry, then))
        for rule in group.reached(progress):
            stored = goals.get(rule.goal_id)
            if stored is None or stored.active is None:
                yield rule, group.entry
    concerned = rules.by_stat[key]
    if len(concerned) < len(goals):
        candidates = [rules.goals[number] for number in concerned]
    else:
        candidates = [rules.by_id[goal_id] for goal_id in goals if goal_id in rules.by_id]
    for rule in candidates:
        stored = goals.get(rule.goal_id)
        if rule.stat == key and stored is not None and stored.active:
            yield rule, plan.entry_of.get(rule.number)


def _earliest(player: Player, rule: Rule, stored: GoalFacts, entry: int | None) -> int:
    """Return the oldest period in which an event may touch a goal: never one before its facts'.

    Nor one from before it was assigned, unless the player decided about it since.
    """
    earliest = 0 if stored.period is None else stored.period
    if entry is not None and stored.active is None:
        given_in = Days(player.assignments[entry].at_ms).of(rule.span)
        assert given_in is not None
        earliest = max(earliest, given_in)
    return earliest
