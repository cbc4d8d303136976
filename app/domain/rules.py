"""A catalogue as the rules read it: goals by number, with what is asked of each of them often.

A goal's number is its place in catalogue order, in every rule and answer of one revision.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from app.domain.facts import STAT_KEY_SEPARATOR, Span
from app.domain.goal import Catalogue, Goal, Mode, Schedule, Source

K = TypeVar("K")

_PERIOD_LETTERS: Mapping[Schedule, str] = {
    Schedule.DAILY: "d",
    Schedule.WEEKLY: "w",
    Schedule.MONTHLY: "m",
}


class Rule(NamedTuple):
    """What decides about one goal.

    `latest` means that progress is the statistic itself, not what was counted. `span` is the period
    that its progress and completion belong to: None if they never reset. `reopens` means that it
    can be claimed again in each period; otherwise it is claimed once for ever.
    """

    number: int
    goal_id: str
    challenge: int
    stat: str
    latest: bool
    span: Span
    reopens: bool
    target: int
    prerequisites: tuple[int, ...]

    @property
    def claim_letter(self) -> str | None:
        """What leads the period in a claim's key; None where it can be claimed once."""
        return _PERIOD_LETTERS[self.span] if self.reopens and self.span is not None else None


class Rules:
    """Every goal's rule, and the ways to find one."""

    def __init__(self, catalogue: Catalogue) -> None:
        goals = catalogue.goals
        numbers = {goal.goal_id: number for number, goal in enumerate(goals)}
        challenges = [
            index for index, challenge in enumerate(catalogue.challenges) for _ in challenge.goals
        ]
        self.goals: tuple[Rule, ...] = tuple(
            _rule(number, challenge, goal, numbers)
            for number, (challenge, goal) in enumerate(zip(challenges, goals, strict=True))
        )
        self.by_id: Mapping[str, Rule] = {rule.goal_id: rule for rule in self.goals}
        self.by_stat = _grouped((rule.stat, rule.number) for rule in self.goals)
        """Numbers of the goals that an event on a stat concerns, by stat key."""
        self.dependents = _grouped(
            (prerequisite, rule.number)
            for rule in self.goals
            for prerequisite in rule.prerequisites
        )
        """Numbers of the goals that are locked by a goal, by its number."""
        self.login_stats: tuple[str, ...] = tuple(
            stat for stat in self.by_stat if stat.startswith(Source.LOGIN)
        )
        """The stats that every login counts on."""
        self.challenges: Mapping[str, tuple[int, ...]] = _grouped(
            (goal.challenge_id, number) for number, goal in enumerate(goals)
        )
        """Numbers of each challenge's goals, by challenge id."""


def stat_key(source: Source, stat_code: str) -> str:
    """Return the key of a stat in a player's facts."""
    return f"{source}{STAT_KEY_SEPARATOR}{stat_code}"


def _rule(number: int, challenge: int, goal: Goal, numbers: Mapping[str, int]) -> Rule:
    rotation = goal.rotation
    resets = rotation is not None and rotation.reset_progress
    return Rule(
        number=number,
        goal_id=goal.goal_id,
        challenge=challenge,
        stat=stat_key(goal.source, goal.requirement.stat_code),
        latest=goal.source is Source.STATISTIC and goal.requirement.progress_mode is Mode.ABSOLUTE,
        span=rotation.schedule if rotation is not None and resets else None,
        reopens=resets and rotation is not None and rotation.allow_reselection,
        target=goal.requirement.target_value,
        prerequisites=tuple(numbers[goal_id] for goal_id in goal.prerequisites),
    )


def _grouped(pairs: Iterable[tuple[K, int]]) -> Mapping[K, tuple[int, ...]]:
    groups: dict[K, list[int]] = {}
    for key, number in pairs:
        groups.setdefault(key, []).append(number)
    return {key: tuple(numbers) for key, numbers in groups.items()}
