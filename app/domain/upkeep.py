"""Keeps a player's facts from growing: what says nothing any more goes when goals are written."""

from app.domain.facts import GoalFacts
from app.domain.player import Player
from app.domain.progress import Days, normal
from app.domain.rules import Rules


def drop_what_says_nothing(rules: Rules, player: Player, now_ms: int) -> Player:
    """Return the player without goals of which only an older period tells."""
    days = Days(now_ms)
    kept = {
        goal_id: facts
        for goal_id, facts in player.goals.items()
        if _says_something(rules, player, goal_id, facts, days)
    }
    return player if len(kept) == len(player.goals) else player._replace(goals=kept)


def _says_something(
    rules: Rules, player: Player, goal_id: str, facts: GoalFacts, days: Days
) -> bool:
    rule = rules.by_id.get(goal_id)
    if rule is None or facts.active is not None:
        return True
    if facts.completed and not facts.claimed:
        # Forfeited or not: the answer to a claim tells of it.
        return True
    stat = player.stats.get(rule.stat)
    if stat is not None and Days(stat.at_ms).of(rule.span) == facts.period:
        # An event of that period may still come, and must find it claimed.
        return True
    return normal(facts, rule, days.of(rule.span)).completed
