"""Bugs that the rules could have: each is a text in `app/domain` and what stands there instead."""

from typing import NamedTuple


class Edit(NamedTuple):
    """In a module of `app/domain`: a text that occurs once, and its replacement."""

    module: str
    text: str
    instead: str


class Bug(NamedTuple):
    """What is wrong, and how it is planted."""

    name: str
    edits: tuple[Edit, ...]


def _bug(name: str, module: str, text: str, instead: str) -> Bug:
    return Bug(name, (Edit(module, text, instead),))


_AS_GIVEN = "if facts.active is None and not facts.claimed:"
_PUT_AWAY = "active=False, assigned_at_ms=assigned_at_ms, carry=carry, offset=None)"
_TAKEN_UP = "active=True, assigned_at_ms=view.now_ms, offset=None)"
_FROZEN = "carry = max(0, progress_of(rule, facts, player.stats.get(rule.stat), entry, days))"
_UNFROZEN = "carry = progress_of(rule, facts, player.stats.get(rule.stat), entry, days)"

PERIODS = (
    _bug("a week starts on Sunday", "period", "EPOCH_WEEKDAY = 3", "EPOCH_WEEKDAY = 4"),
    _bug(
        "the baseline is not reset when the period turns",
        "event",
        "starts.append(before if is_newer",
        "starts.append(start if is_newer",
    ),
    _bug(
        "completion survives the reset",
        "progress",
        "        period=period,\n        offset=0 if",
        "        period=period,\n        completed_at_ms=facts.completed_at_ms,\n"
        "        offset=0 if",
    ),
    _bug(
        "carry survives the reset",
        "progress",
        "        period=period,\n        offset=0 if",
        "        period=period,\n        carry=facts.carry,\n        offset=0 if",
    ),
    _bug(
        "completion is booked in the period of now, not of the event",
        "event",
        "facts = replace(facts, period=period, completed_at_ms=now_ms)",
        "facts = replace(\n"
        "                facts, period=Days(now_ms).of(rule.span), completed_at_ms=now_ms\n"
        "            )",
    ),
    _bug(
        "a decision is made on the facts of an old period",
        "selection",
        "facts = normal(stored, rule, days.of(rule.span))",
        "facts = stored",
    ),
    _bug(
        "an event of a finished period writes",
        "event",
        "period != newest.of(rule.span) or period <",
        "period <",
    ),
)

CLAIMS = (
    _bug(
        "a claim for ever expires with its period",
        "progress",
        "facts.period == period or (facts.claimed and not rule.reopens)",
        "facts.period == period",
    ),
    Bug(
        "a claim does not freeze",
        (
            Edit(
                "progress", "if facts.active is None and not facts.claimed:", "if not facts.active:"
            ),
            Edit("progress", "if facts.claimed or not facts.active or", "if not facts.active or"),
            Edit(
                "view",
                "progress, status = whole(facts.carry), Status.CLAIMED",
                "progress, status = state.progress, Status.CLAIMED",
            ),
        ),
    ),
    _bug("a claim freezes the wrong number", "claim", _FROZEN, "carry = rule.target"),
    _bug("a claim ignores prerequisites", "claim", "if view.of(number).locked:", "if False:"),
    _bug(
        "claimed goals are rewritten by events",
        "event",
        "        if facts.claimed:\n            continue\n",
        "",
    ),
)

EVENTS = (
    _bug(
        "the baseline is the last value, not the one before the event",
        "event",
        "before = stat.value if login else _value_before(event, unknown=stat.value)",
        "before = stat.value",
    ),
    _bug(
        "a missing inc counts nothing",
        "event",
        " if event.increase else rounded(unknown)",
        "",
    ),
    _bug("more than the target is asked for", "event", ">= rule.target", "> rule.target"),
    _bug(
        "completion is worked out when looked at, and not stored",
        "view",
        "elif facts.completed:",
        "elif progress >= rule.target:",
    ),
    _bug(
        "a target that was lowered waits for the next event",
        "progress",
        "if facts.completed or progress_of",
        "if facts.completed or True or progress_of",
    ),
    _bug(
        "a target that was lowered waits, for goals that were given",
        "view",
        "if rule.goal_id not in goals:",
        "if False:",
    ),
    _bug(
        "what a lowered target completed is open again when the statistic falls",
        "event",
        "            facts = settled(rule, facts, player, entry, then)\n",
        "            pass\n",
    ),
    _bug(
        "what a lowered target completed is open again when a given goal's statistic falls",
        "event",
        "if known is not None:",
        "if False:",
    ),
    _bug(
        "what a lowered target completed is open again when it is deactivated",
        "selection",
        "facts = settled(rule, facts, player, entry, days)",
        "pass",
    ),
    _bug(
        "a lowered target completes a goal before it was assigned",
        "progress",
        "completed_at_ms=max(assigned_at_ms, reached_at_ms)",
        "completed_at_ms=reached_at_ms",
    ),
    _bug(
        "fractions are as inexact as doubles",
        "number",
        "nearest = float(round(Decimal(repr(number)), DECIMALS))",
        "nearest = number",
    ),
    _bug(
        "a late statistic overwrites",
        "event",
        "if not login and at_ms < stat.at_ms:",
        "if not login and at_ms < 0:",
    ),
    _bug(
        "a late statistic does not lower where the period began",
        "event",
        "Folded(_began_lower(stat, at_ms, before), before, late=True)",
        "Folded(stat, before, late=True)",
    ),
    _bug(
        "a late statistic lowers where other periods began",
        "event",
        "return min(start, before) if then.of(span) == newest.of(span) else start",
        "return min(start, before)",
    ),
    _bug(
        "a late statistic counts from before the player was known",
        "event",
        "if at_ms < since_ms:",
        "if at_ms < 0:",
    ),
    _bug("a late statistic lets a goal begin", "event", "if begins and folded.late:", "if False:"),
    _bug(
        "a late login counts today",
        "event",
        "start + 1 if is_older else start",
        "start",
    ),
    _bug(
        "an event's time is not cut off at now",
        "event",
        "at_ms = min(event.at_ms, now_ms)",
        "at_ms = event.at_ms",
    ),
    _bug(
        "an event that comes again counts again",
        "intake",
        "own = at_ms // DAY_MS",
        "own = now_ms // DAY_MS",
    ),
    _bug(
        "the source is ignored",
        "rules",
        "stat for stat in self.by_stat if stat.startswith(Source.LOGIN)",
        "self.by_stat",
    ),
    _bug(
        "what came before the player was known counts",
        "event",
        "before = 0 if login else _value_before(event, unknown=event.value)",
        "before = 0",
    ),
    _bug(
        "an event older than a decision is judged",
        "event",
        "earliest = 0 if stored.period is None else stored.period",
        "earliest = 0",
    ),
    _bug(
        "an event older than the assignment is judged",
        "event",
        "if entry is not None and stored.active is None:",
        "if False:",
    ),
)

DECISIONS = (
    _bug(
        "what is deactivated is not frozen",
        "progress",
        _AS_GIVEN,
        "if not facts.active and not facts.claimed:",
    ),
    _bug(
        "deactivating forgets progress",
        "selection",
        _PUT_AWAY,
        _PUT_AWAY.replace("carry=carry", "carry=0"),
    ),
    _bug(
        "activating forgets progress",
        "selection",
        _TAKEN_UP,
        _TAKEN_UP.replace("offset", "carry=0, offset"),
    ),
    _bug("progress below zero is frozen", "selection", _FROZEN, _UNFROZEN),
    Bug(
        "activating keeps the old offset",
        (
            Edit("selection", _PUT_AWAY, _PUT_AWAY.replace(", offset=None", "")),
            Edit("selection", _TAKEN_UP, _TAKEN_UP.replace(", offset=None", "")),
        ),
    ),
    _bug(
        "replacing puts completed goals away",
        "selection",
        "if view.of(number).is_active and view.of(number).status is not Status.COMPLETED",
        "if view.of(number).is_active",
    ),
    _bug(
        "a random selection looks at the stored status",
        "selection",
        "if (state := view.of(number)).status not in DONE",
        "if (state := view.of(number))\n"
        "        and not (\n"
        "            (facts := view.player.goals.get(view.rules.goals[number].goal_id))\n"
        "            and (facts.completed or facts.claimed)\n"
        "        )",
    ),
)

DEFAULTS = (
    _bug(
        "returning players get no new defaults",
        "initialize",
        "if not _undecided(rules, player, plan.missing):",
        "if player.version or not _undecided(rules, player, plan.missing):",
    ),
    _bug(
        "a refusal is overridden by a default",
        "view",
        "assigned = entry is not None and facts.active is None",
        "assigned = entry is not None and not facts.active",
    ),
    _bug(
        "goals are looked up in the latest revision only",
        "plan",
        "in enumerate(defaults):",
        "in list(enumerate(defaults))[-1:]:",
    ),
    _bug(
        "a later default counts from the beginning",
        "event",
        "*(come,) * (entries - stat.assignments)",
        "*(NOTHING,) * (entries - stat.assignments)",
    ),
    _bug(
        "a later default never begins",
        "event",
        "max(stat.at_ms, at_ms), starts, entries,",
        "max(stat.at_ms, at_ms), starts, stat.assignments,",
    ),
    _bug(
        "a later default's offset survives the turn of the period",
        "event",
        "0 if new else number for new",
        "number for new",
    ),
)

# Beyond the list of the data model: where this form of the rules could go wrong.
OWN = (
    _bug(
        "given goals show what came before they were given",
        "progress",
        "if entry >= stat.assignments:",
        "if False:",
    ),
    _bug(
        "a given goal that fell below its start shows the fall after the turn",
        "progress",
        "if kind.span is not None and not in_period(stat, kind.span, days):",
        "if False:",
    ),
    _bug(
        "offsets of entries without one are left out",
        "event",
        "(*offsets, *padding, *",
        "(*offsets, *",
    ),
    _bug(
        "a default that just begins counts the day's start of the old day",
        "event",
        "0 if is_newer else difference(before, start)",
        "difference(before, start)",
    ),
    _bug(
        "a claim is forgotten while an event of its period may come",
        "upkeep",
        "if stat is not None and Days(stat.at_ms).of(rule.span) == facts.period:",
        "if False:",
    ),
    _bug(
        "a forfeited completion is forgotten",
        "upkeep",
        "if facts.completed and not facts.claimed:",
        "if False:",
    ),
    _bug(
        "facts of a goal that is away are dropped",
        "upkeep",
        "if rule is None or facts.active is not None:",
        "if rule is None:\n        return False\n    if facts.active is not None:",
    ),
    _bug(
        "what is new is reported again by the next initialize",
        "initialize",
        "answered=len(assigned), assignments=assigned",
        "assignments=assigned",
    ),
    _bug(
        "a refused default is reported as new",
        "initialize",
        "if not decided:",
        "if True:",
    ),
    _bug(
        "a clock that is behind moves a row back",
        "initialize",
        "now_ms = max(clock_ms, player.changed_at_ms)",
        "now_ms = clock_ms",
    ),
    _bug(
        "one prerequisite of two unlocks",
        "view",
        "if done.issuperset(rules.goals[number].prerequisites):",
        "if True:",
    ),
    _bug(
        "the time of a decision is that of the assignment",
        "selection",
        "assigned_at_ms=view.now_ms, offset=None)",
        "assigned_at_ms=assigned_at_ms, offset=None)",
    ),
)

BUGS = (*PERIODS, *CLAIMS, *EVENTS, *DECISIONS, *DEFAULTS, *OWN)
