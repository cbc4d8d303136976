"""From what came of a story to its figures and targets.

Success is counted per arrival that was offered, and refusals stand beside it. Every story's tables
have the same columns, so that their rows can stand in one table.
"""

from collections.abc import Iterator, Mapping

from benchmarks.answers import REFUSED, UNANSWERED, WRONG
from benchmarks.conditions import Conditions
from benchmarks.promise.real.play import Played
from benchmarks.promise.real.senders import ACCEPTED, Sent
from benchmarks.promise.real.stories import Story
from benchmarks.returning import Returning
from benchmarks.rules.figures import Part, Row, Table, Target
from benchmarks.stats import Summary

SERVED_PERCENT_MIN = 99.9
SHORT_WAITS_PERCENT_MIN = 95
TO_IDEAL_S_MAX = 2.0
ATTEMPTS_MAX = 3
ATTEMPTS_PER_REFUSED_MAX = 2.05
# How far from the ideal the last one may be, as a multiple of it.
TIMES_IDEAL_MAX = {
    "stall": 1.05,
    "burst": 1.02,
    "burst-stall-30": 1.05,
    "burst-no-shows": 1.1,
}
POLLERS_TIMES_OTHERS_MIN = 0.95
OTHERS_TIMES_OBEDIENT_MAX = 1.01


def part_of(
    story: Story, played: Played, conditions: Conditions, obedient_mean_ms: float | None
) -> Part:
    """Return the figures and the targets of a story.

    `obedient_mean_ms` is the mean time to get in of the burst whose clients all do as they are
    told, if that was played in the same session.
    """
    targets: list[Target] = []
    if played.gameplay is not None:
        targets += _of_gameplay(played.gameplay, played)
    elif played.logins is not None:
        targets += _of_logins(story, played.logins)
    if played.logins is not None and story.returning is Returning.POLLERS:
        targets += _of_pollers(played.logins, obedient_mean_ms)
    return Part(
        key=story.key,
        title=story.title,
        conditions=conditions,
        targets=targets,
        tables=list(_tables(story, played)),
        notes=[f"Events: {played.events.wrong}."] if played.events and played.events.wrong else [],
        void=played.void,
    )


# ── targets ────────────────────


def _at_least(name: str, unit: str, bound: float, value: float) -> Target:
    return Target(name=name, unit=unit, bound=bound, values=[value], at_least=True)


def _at_most(name: str, unit: str, bound: float, value: float) -> Target:
    return Target(name=name, unit=unit, bound=bound, values=[value])


def _of_gameplay(load: Summary, played: Played) -> Iterator[Target]:
    served = _percent(load.arrived_in, load.offered)
    yield _at_least("gameplay answered with 200, of offered", "%", SERVED_PERCENT_MIN, served)
    yield _at_least(
        "gameplay's waits at the gate that are at most 10 ms",
        "%",
        SHORT_WAITS_PERCENT_MIN,
        played.gameplay_waits.percent_within_10_ms,
    )


def _of_logins(story: Story, load: Summary) -> Iterator[Target]:
    if story.returning is Returning.NO_SHOWS:
        settled = load.arrived_in + load.told_last
        yield _at_least("arrivals in, or refused for good", "", load.offered, settled)
    elif story.returning is Returning.LATE:
        soon = sum(load.in_after_attempts.get(attempts, 0) for attempts in (1, 2))
        yield _at_least(
            "arrivals in with at most one return", "%", 100, _percent(soon, load.offered)
        )
    else:
        yield _at_least("arrivals in", "", load.offered, load.arrived_in)
    if story.key in TIMES_IDEAL_MAX:
        bound_s = TIMES_IDEAL_MAX[story.key] * _ideal_s(story, load)
        yield _at_most("last one in", "s", round(bound_s, 2), load.last_in_s)
    if story.key == "burst-stall-7":
        from_ideal_s = round(load.last_in_s - story.ideal_s, 2)
        yield _at_least("last one in, less the ideal", "s", -TO_IDEAL_S_MAX, from_ideal_s)
        yield _at_most("last one in, less the ideal", "s", TO_IDEAL_S_MAX, from_ideal_s)
    if story.key == "stall":
        yield _at_most("most attempts of an arrival", "", ATTEMPTS_MAX, load.attempts_max)
    if story.key == "burst":
        yield _at_most(
            "attempts per refused arrival", "", ATTEMPTS_PER_REFUSED_MAX, load.attempts_per_refused
        )


def _of_pollers(load: Summary, obedient_mean_ms: float | None) -> Iterator[Target]:
    yield _at_least(
        "pollers' mean time to get in, multiple of the others'",
        "x",
        POLLERS_TIMES_OTHERS_MIN,
        _ratio(load.wilful_mean_to_in_ms, load.mean_to_in_ms),
    )
    if obedient_mean_ms is not None:
        yield _at_most(
            "the others' mean time to get in, multiple of that without pollers",
            "x",
            OTHERS_TIMES_OBEDIENT_MAX,
            _ratio(load.mean_to_in_ms, obedient_mean_ms),
        )


def _ideal_s(story: Story, load: Summary) -> float:
    """Return the ideal for those who came in: nobody can serve who never returned."""
    if story.returning is Returning.NO_SHOWS:
        # Not bounded by the seconds of arrivals: the target is about what is held.
        return load.arrived_in / story.held_per_s
    return story.ideal_s


def _percent(part: float, whole: float) -> float:
    return round(100 * _ratio(part, whole), 3)


def _ratio(value: float, base: float) -> float:
    return round(value / base, 5) if base else 0.0


# ── figures ────────────────────


Figures = Mapping[str, float | None]
"""By column; None is what does not apply."""


def _table(story: Story, title: str, figures: Figures) -> Table:
    cells = [[] if value is None else [float(value)] for value in figures.values()]
    return Table(title, list(figures), [Row(story.key, "", cells)])


def _tables(story: Story, played: Played) -> Iterator[Table]:
    if played.gameplay is not None:
        yield _table(story, "gameplay", _gameplay(played.gameplay, played))
    if played.events is not None:
        yield _table(story, "events", _events(played.events, story.seconds))
    if played.logins is not None:
        yield _table(story, "initializes", _logins(story, played.logins))
    cpu_s = {
        "service": played.service.cpu_s,
        "database": played.database.cpu_s,
        "elsewhere": played.elsewhere_cpu_s,
    }
    yield _table(story, "CPU seconds", cpu_s)


def _events(sent: Sent, seconds: int) -> Figures:
    return {
        "batches answered": sent.batches,
        "batches refused": sent.refused,
        "batches failed": sum(sent.failed.values()),
        "events accepted a second": round(sent.events.get(ACCEPTED, 0) / seconds, 1),
        "batch p50, ms": sent.answered_ms.p50,
        "p95, ms": sent.answered_ms.p95,
    }


def _gameplay(load: Summary, played: Played) -> Figures:
    return {
        "offered": load.offered,
        "200": load.arrived_in,
        "p50, ms": load.admitted_ms.p50,
        "p95, ms": load.admitted_ms.p95,
        "p99, ms": load.admitted_ms.p99,
        "refused": load.count(*REFUSED),
        "failed": load.count(*UNANSWERED, *WRONG),
        "waits ≤ 10 ms, %": played.gameplay_waits.percent_within_10_ms,
        "p95 of waits at most, ms": played.gameplay_waits.p95_ms_at_most,
        "slip p99, ms": load.slip_ms.p99,
    }


def _logins(story: Story, load: Summary) -> Figures:
    return {
        "offered": load.offered,
        "in": load.arrived_in,
        "goodput while they come, /s": load.goodput_per_s,
        "last one in, s": load.last_in_s,
        "ideal, s": round(_ideal_s(story, load), 2),
        "attempts per refused": load.attempts_per_refused,
        "most attempts": load.attempts_max,
        "mean to in, ms": load.mean_to_in_ms,
        "of the wilful, ms": load.wilful_mean_to_in_ms or None,
        "refusal p99, ms": load.refused_ms.p99,
        "failed": load.count(*UNANSWERED, *WRONG),
        "slip p99, ms": load.slip_ms.p99,
    }
