"""What a random history does to both sides, in words: play, log in, reach a target."""

from collections import Counter
from typing import ClassVar, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from app.domain.event import Event
from app.domain.goal import Challenge, Goal, Source
from app.domain.number import Number
from app.domain.rules import stat_key
from tests.rules.catalogues import Draft, Edit, built, drafts, edited
from tests.rules.moments import When, starts, told_ms
from tests.rules.pair import PLAYERS, Pair

SENT_KEPT_MAX = 12
NOW = When("now", 0)
# What a statistic stands at before its first event: it can fall below, too.
FIRST_LEVEL = 3


class Telling(NamedTuple):
    """How a statistic moves and what its event says of it."""

    how: str
    by: int


class RandomHistory(RuleBasedStateMachine):
    """Two players, eight goals, catalogues that change: the state, and how to move it."""

    counted: ClassVar[Counter[str]]
    """How often what was met, in all histories of one run; each run has its own."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: dict[tuple[str, str], Number] = {}
        self.sent: list[tuple[str, Event, str]] = []
        self.ids = 0
        self.counted["histories"] += 1

    @initialize(
        goals=drafts(),
        clock_ms=starts,
        makes_known=st.booleans(),
        known=st.sampled_from([0, 1, 2, 2, 2]),
    )
    def start(self, goals: list[Draft], clock_ms: int, makes_known: bool, known: int) -> None:
        self.drafts = goals
        self.pair = Pair(built(goals), clock_ms, self.counted, makes_known=makes_known)
        for name in PLAYERS[:known]:
            self.pair.initialize(name)

    def publish(self, changes: list[Edit]) -> None:
        """Serve a new catalogue with these changes."""
        self.drafts = edited(self.drafts, changes)
        self.pair.publish(built(self.drafts))

    def goal(self, number: int) -> Goal:
        """Return a goal of the catalogue being served."""
        goals = self.pair.catalogue.goals
        return goals[number % len(goals)]

    def draft(self, goal: Goal) -> int:
        """Return a goal's number among all goals, those that are away included."""
        return int(goal.goal_id.removeprefix("goal-"))

    def pool(self, name: str, challenge: Challenge, *, without_active: bool) -> list[Goal]:
        """Return the goals that a random selection may draw."""
        season = self.pair.season
        seen = season.see(name, self.pair.clock_ms)
        ids = season.pool(seen, challenge.challenge_id, without_active=without_active)
        return [goal for goal in challenge.goals if goal.goal_id in ids]

    def send(
        self, name: str, source: Source, stat: str, when: When, value: Number, increase: Number
    ) -> None:
        """Tell of something that happened, now or about then."""
        clock_ms = self.pair.clock_ms
        player = self.pair.season.player(name, clock_ms)
        at_ms = told_ms(when, clock_ms, player, stat_key(source, stat or "visits"))
        event = Event(source, at_ms, stat, value, increase)
        self.deliver(name, event)

    def deliver(self, name: str, event: Event, event_id: str | None = None) -> None:
        """Deliver an event, under a new id unless it has one."""
        if event_id is None:
            self.ids += 1
            event_id = str(self.ids)
            self.sent = [*self.sent[1 - SENT_KEPT_MAX :], (name, event, event_id)]
        self.pair.hear(name, event, event_id)

    def log_in(self, name: str, when: When) -> None:
        """Tell of a login."""
        self.send(name, Source.LOGIN, "", when, 0, 0)

    def rise(self, name: str, stat: str, by: Number) -> Number:
        """Move a statistic and return its value."""
        level = max(0, self.levels.get((name, stat), FIRST_LEVEL) + by)
        self.levels[name, stat] = level
        return level

    def play(self, name: str, stat: str, telling: Telling, when: When) -> None:
        """Move a statistic, and tell it."""
        how, by = telling
        up, told = {
            "exact": (by, by),
            "silent": (by, 0),
            "gap": (by + 2, by),
            "fraction": (by / 10, by / 10),
            "fall": (-by, -by),
        }[how]
        level = self.rise(name, stat, up)
        self.send(name, Source.STATISTIC, stat, when, level, told)

    def reach(self, name: str, goal: Goal, when: When, *, short_by: int = 0) -> None:
        """Do what the goal asks for, or a little less."""
        by = goal.requirement.target_value - short_by
        if goal.source is Source.LOGIN:
            for _ in range(by):
                self.log_in(name, when)
        elif by:
            self.play(name, goal.requirement.stat_code, Telling("exact", by), when)
