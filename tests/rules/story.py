"""One player's story for a test to tell: what happened, in order, and what is seen then.

Times are days of one week, `Mon 09:00` to `Sun 23:59`; `Mon` is 2 March 2026. A following week has
a plus, `+Mon 00:01`, one after that two; March ends on `++++Tue`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.claim import Claimed, Refusal
from app.domain.event import Event
from app.domain.goal import (
    Catalogue,
    Challenge,
    Goal,
    GoalState,
    Mode,
    Requirement,
    Reward,
    Rotation,
    Schedule,
    Source,
    Status,
)
from app.domain.number import Number
from tests.model.periods import milliseconds
from tests.rules.season import Season

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NAME = "ann"


def when(text: str) -> int:
    """Return a moment of the story, in milliseconds since 1970."""
    day, clock = text.split()
    hours, minutes = clock.split(":")
    weeks = day.count("+")
    at = MONDAY + timedelta(
        weeks=weeks, days=DAYS.index(day[weeks:]), hours=int(hours), minutes=int(minutes)
    )
    at_ms = milliseconds(at)
    assert at_ms is not None
    return at_ms


def goal(goal_id: str = "goal", *, target: int = 5, **changes: Any) -> Goal:
    """Return a goal that counts wins from where the player was, and is given by default."""
    mode = changes.pop("mode", Mode.RELATIVE)
    fields: dict[str, Any] = {
        "goal_id": goal_id,
        "challenge_id": "challenge",
        "name": goal_id,
        "description": "",
        "source": Source.STATISTIC,
        "requirement": Requirement(changes.pop("stat", "wins"), ">=", target, mode),
        "reward": Reward("WALLET", "GOLD", 1),
        "default_assigned": True,
    }
    return Goal(**fields | changes)


def login_goal(goal_id: str = "goal", *, target: int = 1, **changes: Any) -> Goal:
    """Return a goal that counts logins."""
    return goal(goal_id, target=target, source=Source.LOGIN, stat="visits", **changes)


def turning(schedule: Schedule, *, resets: bool = True, again: bool = True) -> Rotation:
    """Return a rotation; as told it resets progress, and can be claimed again."""
    return Rotation(schedule, reset_progress=resets, allow_reselection=again)


DAILY = turning(Schedule.DAILY)
WEEKLY = turning(Schedule.WEEKLY)


def catalogue(*goals: Goal) -> Catalogue:
    """Return a catalogue of these goals, in one challenge or more."""
    ids = dict.fromkeys(each.challenge_id for each in goals)
    return Catalogue(
        tuple(
            Challenge(
                challenge_id,
                challenge_id,
                "",
                tuple(each for each in goals if each.challenge_id == challenge_id),
            )
            for challenge_id in ids
        ),
        digest=b"",
    )


class Story:
    """A player, known since Monday 00:00 unless the story says otherwise; it is Monday 12:00."""

    def __init__(self, *goals: Goal, known: bool = True, events_make_known: bool = True) -> None:
        self.season = Season(catalogue(*goals), events_make_known=events_make_known)
        self.clock_ms = when("Mon 00:00")
        self._ids = 0
        if known:
            self.initialize()
        self.at("Mon 12:00")

    def at(self, text: str) -> None:
        """Let time pass until then."""
        assert when(text) >= self.clock_ms
        self.clock_ms = when(text)

    def serve(self, *goals: Goal) -> None:
        """Publish a new catalogue."""
        self.season.publish(catalogue(*goals))

    def initialize(self) -> int:
        """Initialize the player and return how many goals are new."""
        return self.season.initialize(NAME, self.clock_ms).new_assignments

    def login(self, sent: str | None = None) -> None:
        """Log the player in, now or at another time."""
        self._hear(Event(Source.LOGIN, when(sent) if sent else self.clock_ms))

    def wins(self, value: Number, inc: Number = 0, sent: str | None = None) -> None:
        """Tell how many wins there are, and by how much they changed."""
        at_ms = when(sent) if sent else self.clock_ms
        self._hear(Event(Source.STATISTIC, at_ms, "wins", value, inc))

    def activate(self, goal_id: str = "goal") -> GoalState:
        """Activate a goal."""
        return self.season.set_active(NAME, goal_id, self.clock_ms, active=True)

    def deactivate(self, goal_id: str = "goal") -> GoalState:
        """Deactivate a goal."""
        return self.season.set_active(NAME, goal_id, self.clock_ms, active=False)

    def replace_with(self, *goal_ids: str) -> list[str]:
        """Select goals instead of what is active; return what was replaced."""
        selected = self.season.select(
            NAME, "challenge", goal_ids, self.clock_ms, replace_existing=True
        )
        return [self.season.rules.goals[number].goal_id for number in selected.replaced]

    def claim(self, goal_id: str = "goal") -> str:
        """Claim a reward and return its period, or why it is refused."""
        answer = self.season.claim(NAME, goal_id, self.clock_ms)
        return answer.period if isinstance(answer, Claimed) else str(answer)

    def state(self, goal_id: str = "goal") -> GoalState:
        """Return all that is seen of a goal."""
        return self.season.state(NAME, goal_id, self.clock_ms)

    def shown(self, goal_id: str = "goal") -> tuple[int, str]:
        """Return a goal's progress and status as they are seen."""
        state = self.state(goal_id)
        return state.progress, str(state.status)

    def _hear(self, event: Event) -> None:
        self._ids += 1
        self.season.hear(NAME, event, str(self._ids), self.clock_ms)


NOT_STARTED, IN_PROGRESS, COMPLETED, CLAIMED = map(str, Status)
NOT_ACTIVE, ALREADY_CLAIMED, LOCKED, ROTATED, NOT_COMPLETED = map(str, Refusal)
