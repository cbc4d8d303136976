"""A player's stored facts as JSON: every field by its name, instants as text, ids in order."""

from datetime import date
from typing import Any

from app.domain.facts import Counts, GoalFacts, StatFacts
from app.domain.period import EPOCH_ORDINAL, rfc3339
from app.domain.player import Player

Json = dict[str, Any]


def facts_json(player: Player) -> Json:
    """Return all that the player's row says. Nothing of it depends on a catalogue."""
    return {
        "player": player.player_id,
        "since": instant(player.since_ms),
        "changedAt": instant(player.changed_at_ms),
        "version": player.version,
        "answered": player.answered,
        "given": [
            {"revision": entry.revision, "at": instant(entry.at_ms)} for entry in player.assignments
        ],
        "stats": {key: _stat(player.stats[key]) for key in sorted(player.stats)},
        "goals": {goal_id: _goal(player.goals[goal_id]) for goal_id in sorted(player.goals)},
    }


def instant(at_ms: int) -> str:
    """Return an instant as it is stored, to the millisecond: `2026-03-06T09:05:00.123Z`."""
    return f"{rfc3339(at_ms)[:-1].decode()}.{at_ms % 1000:03d}Z"


def _stat(stat: StatFacts) -> Json:
    return {
        "value": stat.value,
        "at": instant(stat.at_ms),
        "starts": _counts(stat.starts),
        "given": stat.assignments,
        "offsets": [_counts(offset) for offset in stat.offsets],
    }


def _counts(counts: Counts) -> Json:
    return {
        "endless": counts.endless,
        "day": counts.day,
        "week": counts.week,
        "month": counts.month,
    }


def _goal(goal: GoalFacts) -> Json:
    return {
        "active": goal.active,
        "assignedAt": _instant_or_null(goal.assigned_at_ms),
        "period": None if goal.period is None else _day(goal.period),
        "carry": goal.carry,
        "offset": goal.offset,
        "completedAt": _instant_or_null(goal.completed_at_ms),
        "claimedAt": _instant_or_null(goal.claimed_at_ms),
    }


def _instant_or_null(at_ms: int | None) -> str | None:
    return None if at_ms is None else instant(at_ms)


def _day(number: int) -> str:
    return date.fromordinal(number + EPOCH_ORDINAL).isoformat()
