"""Players with a past: random histories of one player through the real rules."""

from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import strategies as st

from app.domain.claim import Claimed, Refusal
from app.domain.event import Event
from app.domain.goal import Catalogue, Goal, GoalState, Source
from app.domain.player import Player
from app.domain.rules import stat_key
from tests.rules.catalogues import GOALS, Draft, Edit, built, drafts, edited, edits
from tests.rules.moments import When, edges_ms, end_ms, jumps, schedules, starts, told_ms, whens
from tests.rules.season import Season

NAME = "ann"
ACTIONS_MAX = 25


class Login(NamedTuple):
    """A login."""

    when: When


class Play(NamedTuple):
    """A statistic that moves by `by`, told as `told`."""

    stat: str
    by: int
    told: int
    when: When


class Wait(NamedTuple):
    """Time that passes."""

    by_ms: int


class Decide(NamedTuple):
    """A decision."""

    number: int
    active: bool


class Claim(NamedTuple):
    """A claim."""

    number: int


class Publish(NamedTuple):
    """A new catalogue."""

    changes: tuple[Edit, ...]


class Return(NamedTuple):
    """An initialize."""


Action = Login | Play | Wait | Decide | Claim | Publish | Return

numbers = st.integers(0, GOALS - 1)
logins = st.builds(Login, whens)
plays = st.one_of(
    st.builds(
        lambda stat, by, when: Play(stat, by, by, when),
        st.sampled_from(["wins", "kills"]),
        st.integers(1, 5),
        whens,
    ),
    st.builds(Play, st.sampled_from(["wins", "kills"]), st.integers(-2, 5), st.just(0), whens),
)
events = st.one_of(logins, plays)
decisions = st.builds(Decide, numbers, st.booleans())
claims = st.builds(Claim, numbers)
waits = st.builds(Wait, jumps)
publications = st.builds(lambda changes: Publish(tuple(changes)), edits)

# Without time and catalogues: what can happen within one moment.
doings: st.SearchStrategy[Action] = st.one_of(events, events, decisions, claims)
actions: st.SearchStrategy[Action] = st.one_of(
    doings, doings, waits, publications, st.just(Return()), claims
)


@dataclass
class History:
    """A season with one player in it, and what was granted on the way."""

    season: Season
    clock_ms: int
    goals: list[Draft]
    level: int = 0
    ids: int = 0
    grants: list[Claimed] = field(default_factory=list)

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue being served."""
        return self.season.catalogue

    @property
    def row(self) -> Player:
        """The player's facts."""
        return self.season.player(NAME, self.clock_ms)

    @row.setter
    def row(self, player: Player) -> None:
        self.season.players[NAME] = player

    def goal(self, number: int) -> Goal:
        """Return a goal of the catalogue being served."""
        return self.catalogue.goals[number % len(self.catalogue.goals)]

    def states(self) -> dict[str, GoalState]:
        """Return what the player sees, by goal id."""
        seen = self.season.see(NAME, self.clock_ms)
        return {goal.goal_id: seen.of(number) for number, goal in enumerate(self.catalogue.goals)}

    def verdicts(self) -> dict[str, Claimed | Refusal]:
        """Return what claims would be answered, by goal id."""
        seen = self.season.see(NAME, self.clock_ms)
        return {
            goal.goal_id: self.season.verdict(seen, goal.goal_id) for goal in self.catalogue.goals
        }

    def event(self, action: Login | Play) -> Event:
        """Return the event of a login or of play."""
        if isinstance(action, Login):
            at_ms = told_ms(action.when, self.clock_ms, self.row, stat_key(Source.LOGIN, "visits"))
            return Event(Source.LOGIN, at_ms)
        self.level = max(0, self.level + action.by)
        key = stat_key(Source.STATISTIC, action.stat)
        at_ms = told_ms(action.when, self.clock_ms, self.row, key)
        return Event(Source.STATISTIC, at_ms, action.stat, self.level, action.told)

    def hear(self, event: Event) -> None:
        """Deliver an event under a new id."""
        self.ids += 1
        self.season.hear(NAME, event, str(self.ids), self.clock_ms)

    def do(self, action: Action) -> None:
        """Do what an action says."""
        match action:
            case Login() | Play():
                self.hear(self.event(action))
            case Wait(by_ms):
                self.clock_ms += by_ms
            case Decide(number, active):
                goal_id = self.goal(number).goal_id
                self.season.set_active(NAME, goal_id, self.clock_ms, active=active)
            case Claim(number):
                answer = self.season.claim(NAME, self.goal(number).goal_id, self.clock_ms)
                if isinstance(answer, Claimed):
                    self.grants.append(answer)
            case Publish(changes):
                self.goals = edited(self.goals, changes)
                self.season.publish(built(self.goals))
            case Return():
                self.season.initialize(NAME, self.clock_ms)


@st.composite
def histories(draw: st.DrawFn, actions: st.SearchStrategy[Action] = actions) -> History:
    """Draw a player to whom something happened, usually known from the beginning."""
    goals = draw(drafts())
    season = Season(built(goals), events_make_known=draw(st.booleans()))
    history = History(season, draw(starts), goals)
    if draw(st.integers(0, 3)):
        history.do(Return())
    for action in draw(st.lists(actions, max_size=ACTIONS_MAX)):
        history.do(action)
    return history


@st.composite
def later(draw: st.DrawFn, clock_ms: int) -> int:
    """Draw a later moment, often just beside a boundary."""
    if draw(st.booleans()):
        return clock_ms + draw(jumps)
    return max(clock_ms, end_ms(draw(schedules), clock_ms) + draw(edges_ms))
