"""What players do, and what they see, in the slow model."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from app.domain.goal import Catalogue, Challenge, Goal, Status
from tests.model.events import Happening, hear, heard_on
from tests.model.periods import claimable_again, period_of
from tests.model.rows import Person, Row


class Shown(NamedTuple):
    """What a player sees of one goal."""

    progress: int
    status: Status
    completed_at: datetime | None
    claimed_at: datetime | None
    active: bool
    assigned_at: datetime | None
    locked: bool


class Verdict(StrEnum):
    """What a claim is answered."""

    GRANTED = "granted"
    NOT_COMPLETED = "not completed"
    INACTIVE = "inactive"
    CLAIMED = "claimed"
    LOCKED = "locked"
    ROTATED = "rotated"


class Welcome(NamedTuple):
    """The answer of an initialize: the active goals, and how many were given since the last."""

    active: list[str]
    new: int


class Selection(NamedTuple):
    """The answer of a selection: the goals that make room, the challenge's active goals.

    `decided` are those for which it changed anything.
    """

    replaced: list[str]
    active: int
    decided: set[str]


# ── what is seen ──────────────────────────────────────────────────────────────────────────────────


def status(person: Person, row: Row | None) -> Status:
    """Return how far a player is with a goal."""
    if row is None:
        return Status.NOT_STARTED
    if row.claimed_at is not None:
        return Status.CLAIMED
    if person.completed_at(row) is not None:
        return Status.COMPLETED
    return Status.IN_PROGRESS if int(row.progress) > 0 else Status.NOT_STARTED


def is_done(person: Person, goal_id: str) -> bool:
    """Tell whether a goal is completed or claimed, now, by what the list shows."""
    return status(person, person.rows.get(goal_id)) in {Status.COMPLETED, Status.CLAIMED}


def is_locked(person: Person, goal: Goal) -> bool:
    """Tell whether a prerequisite is missing."""
    return not all(is_done(person, needed) for needed in goal.prerequisites)


def is_active(person: Person, goal: Goal) -> bool:
    """Tell whether the goal hears events and may be claimed."""
    row = person.rows.get(goal.goal_id)
    return row is not None and row.active


def look(person: Person, goal: Goal) -> Shown:
    """Return what the list shows of a goal."""
    row = person.rows.get(goal.goal_id)
    locked = is_locked(person, goal)
    if row is None:
        return Shown(0, Status.NOT_STARTED, None, None, False, None, locked)
    return Shown(
        progress=max(0, int(row.progress)),
        status=status(person, row),
        completed_at=person.completed_at(row),
        claimed_at=row.claimed_at,
        active=row.active,
        assigned_at=row.assigned_at,
        locked=locked,
    )


# ── being given goals ─────────────────────────────────────────────────────────────────────────────


def assign_defaults(person: Person, catalogue: Catalogue) -> None:
    """Give what the catalogue gives by default and the player neither has nor has decided about."""
    for goal in catalogue.goals:
        if goal.default_assigned and goal.goal_id not in person.rows:
            person.rows[goal.goal_id] = Row(
                goal=goal,
                period=period_of(goal, person.now),
                active=True,
                by_default=True,
                listening=True,
                assigned_at=person.now,
                unreported=True,
            )


def welcome(person: Person, catalogue: Catalogue) -> Welcome:
    """Initialize: give what is missing, and tell what is new since the last initialize."""
    person.become_known()
    assign_defaults(person, catalogue)
    rows = [person.rows[goal.goal_id] for goal in catalogue.goals if goal.goal_id in person.rows]
    new = sum(row.unreported and row.by_default for row in rows)
    for row in person.rows.values():
        row.unreported = False
    return Welcome([row.goal.goal_id for row in rows if row.active], new)


def receive(
    person: Person, catalogue: Catalogue, happening: Happening, *, makes_known: bool
) -> set[str]:
    """Take an event, which may be the first that is heard of the player.

    Return the goals that begin or complete by it.
    """
    if not heard_on(catalogue, happening) or (person.since is None and not makes_known):
        return set()
    if person.since is None:
        person.become_known()
        assign_defaults(person, catalogue)
    return hear(person, catalogue, happening)


# ── deciding ──────────────────────────────────────────────────────────────────────────────────────


def decide(person: Person, goal: Goal, *, active: bool) -> bool:
    """Activate or deactivate a goal; return False if it is so already, and stays as it is."""
    row = person.rows.get(goal.goal_id)
    if row is None:
        row = Row(
            goal=goal,
            period=period_of(goal, person.now),
            active=not active,
            by_default=True,
            listening=False,
        )
    if row.active == active:
        return False
    person.become_known()
    person.rows[goal.goal_id] = row
    # From here on the player's word holds, and what was before this period is forgotten.
    person.past.pop(goal.goal_id, None)
    row.forfeited = False
    person.settle(row)
    row.by_default = False
    row.listening = False
    row.active = active
    if active:
        row.assigned_at = person.now
    elif row.claimed_at is None:
        row.freeze()
    return True


def select(
    person: Person,
    challenge: Challenge,
    chosen: Sequence[Goal],
    *,
    replace_existing: bool,
) -> Selection:
    """Take up the chosen goals; let them take the place of the others that are not completed."""
    replaced = [
        goal
        for goal in challenge.goals
        if replace_existing
        and is_active(person, goal)
        and status(person, person.rows[goal.goal_id]) is not Status.COMPLETED
    ]
    decided = {
        goal.goal_id
        for goal in replaced
        if goal not in chosen and decide(person, goal, active=False)
    }
    decided |= {goal.goal_id for goal in chosen if decide(person, goal, active=True)}
    active = sum(is_active(person, goal) for goal in challenge.goals)
    return Selection([goal.goal_id for goal in replaced], active, decided)


def pool(person: Person, challenge: Challenge, *, without_active: bool) -> list[Goal]:
    """Return the goals of which a random selection may draw."""
    return [
        goal
        for goal in challenge.goals
        if not is_done(person, goal.goal_id)
        and not is_locked(person, goal)
        and not (without_active and is_active(person, goal))
    ]


# ── claiming ──────────────────────────────────────────────────────────────────────────────────────


def verdict(person: Person, goal: Goal) -> Verdict:
    """Tell what a claim would be answered. The first that applies."""
    row = person.rows.get(goal.goal_id)
    if row is None:
        return Verdict.NOT_COMPLETED
    if not row.active:
        return Verdict.INACTIVE
    if row.claimed_at is not None:
        return Verdict.CLAIMED
    if person.completed_at(row) is not None:
        return Verdict.LOCKED if is_locked(person, goal) else Verdict.GRANTED
    return Verdict.ROTATED if row.forfeited else Verdict.NOT_COMPLETED


def claim(person: Person, goal: Goal) -> Verdict:
    """Claim a goal's reward."""
    answer = verdict(person, goal)
    if answer is Verdict.GRANTED:
        row = person.rows[goal.goal_id]
        person.settle(row)
        row.claimed_at = person.now
        row.freeze()
        # Nothing of an older period can matter any more.
        person.past.pop(goal.goal_id, None)
        row.forfeited = False
    return answer


def claim_period(person: Person, goal: Goal) -> str:
    """Return the name of the period in which the reward can be claimed once."""
    if not claimable_again(goal) or goal.rotation is None:
        return "once"
    letter = {"daily": "d", "weekly": "w", "monthly": "m"}[goal.rotation.schedule]
    return f"{letter}{period_of(goal, person.now)}"
