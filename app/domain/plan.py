"""What players who were assigned the same defaults have in common, worked out once for them all."""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from app.domain.facts import Span
from app.domain.goal import Catalogue
from app.domain.rules import Rule, Rules


class Group(NamedTuple):
    """Assigned goals whose progress is one number as long as the player decides nothing about them.

    They have the same stat, entry of `assignments`, span and kind. `by_target` has the easiest
    first; `targets` are theirs.
    """

    number: int
    entry: int
    latest: bool
    span: Span
    by_target: tuple[Rule, ...]
    targets: tuple[int, ...]

    def reached(self, progress: float) -> tuple[Rule, ...]:
        """Return the goals whose target is not above a progress."""
        return self.by_target[: bisect_right(self.targets, progress)]


class Plan:
    """A list of catalogue revisions that assigned their defaults, under the one being served.

    `goals[k]` are the goals that entry k assigns first; `entry_of` is the inverse. `missing` are
    the catalogue's own defaults that no entry assigns. `groups` has all that was assigned, each at
    its number; `by_stat` has them by stat key, and `group_of` their numbers by goal.
    """

    def __init__(
        self, catalogue: Catalogue, rules: Rules, defaults: Sequence[Collection[str]]
    ) -> None:
        """`defaults[k]` are the ids that entry k's revision assigns by default."""
        first: dict[str, int] = {}
        for entry, goal_ids in enumerate(defaults):
            for goal_id in goal_ids:
                first.setdefault(goal_id, entry)
        goals: list[list[int]] = [[] for _ in defaults]
        missing = []
        self.entry_of: dict[int, int] = {}
        for number, goal in enumerate(catalogue.goals):
            defaults_of = first.get(goal.goal_id)
            if defaults_of is not None:
                goals[defaults_of].append(number)
                self.entry_of[number] = defaults_of
            elif goal.default_assigned:
                missing.append(number)
        self.goals: tuple[tuple[int, ...], ...] = tuple(map(tuple, goals))
        self.missing: tuple[int, ...] = tuple(missing)
        self.groups: tuple[Group, ...] = _groups(rules, self.entry_of)
        by_stat: dict[str, list[Group]] = {}
        for group in self.groups:
            by_stat.setdefault(group.by_target[0].stat, []).append(group)
        self.by_stat: Mapping[str, Sequence[Group]] = by_stat
        self.group_of: Mapping[int, int] = {
            rule.number: group.number for group in self.groups for rule in group.by_target
        }


def _groups(rules: Rules, entry_of: Mapping[int, int]) -> tuple[Group, ...]:
    alike: dict[tuple[str, int, bool, Span], list[Rule]] = {}
    for goal, entry in entry_of.items():
        rule = rules.goals[goal]
        alike.setdefault((rule.stat, entry, rule.latest, rule.span), []).append(rule)
    return tuple(
        Group(
            number=number,
            entry=entry,
            latest=latest,
            span=span,
            by_target=(by_target := tuple(sorted(members, key=lambda rule: rule.target))),
            targets=tuple(rule.target for rule in by_target),
        )
        for number, ((_, entry, latest, span), members) in enumerate(alike.items())
    )
