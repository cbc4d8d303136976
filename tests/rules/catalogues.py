"""Catalogues that change from revision to revision: goals come and go, targets and defaults move.

What a goal is (source, stat, mode, rotation) never changes, as the registered identities demand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

from hypothesis import strategies as st

from app.domain.goal import (
    Catalogue,
    Challenge,
    Goal,
    Mode,
    Requirement,
    Reward,
    Rotation,
    Schedule,
    Source,
)

GOALS = 8
CHALLENGES = ("spring", "summer")
EDITS_MAX = 4


class Kind(NamedTuple):
    """What a goal is for ever."""

    source: Source
    stat: str
    mode: Mode
    rotation: Rotation | None


@dataclass(frozen=True)
class Draft:
    """One goal in one revision; `needs` are numbers of goals before it."""

    kind: Kind
    present: bool
    default: bool
    target: int
    needs: tuple[int, ...] = ()


class Edit(NamedTuple):
    """One change of a revision: which goal, what of it, and to what."""

    goal: int
    what: str
    value: int


ROTATIONS = [
    Rotation(schedule, reset_progress=resets, allow_reselection=again)
    for schedule, resets, again in product(Schedule, (True, False), (True, False))
]
RESETTING = [rotation for rotation in ROTATIONS if rotation.reset_progress]

# What restarts has the most rules, so most goals do.
rotations = st.sampled_from([*ROTATIONS, *RESETTING, *RESETTING, None, None, None])


@st.composite
def kinds(draw: st.DrawFn) -> Kind:
    """Draw what a goal is. Some stats are heard by both sources, and only a few by one goal."""
    rotation = draw(rotations)
    source, stat = draw(
        st.sampled_from(
            [
                (Source.STATISTIC, "wins"),
                (Source.STATISTIC, "wins"),
                (Source.STATISTIC, "kills"),
                (Source.LOGIN, "visits"),
                (Source.LOGIN, "visits"),
                (Source.LOGIN, "wins"),
            ]
        )
    )
    absolute = rotation is None and draw(st.booleans())
    return Kind(source, stat, Mode.ABSOLUTE if absolute else Mode.RELATIVE, rotation)


targets = st.integers(1, 6)


@st.composite
def drafts(draw: st.DrawFn) -> list[Draft]:
    """Draw the goals of a first revision; now and then none of them is given."""
    gives = draw(st.integers(0, 7)) > 0
    return [
        Draft(
            kind=draw(kinds()),
            present=draw(st.integers(0, 5)) > 0,
            default=gives and draw(st.booleans()),
            target=draw(targets),
            needs=tuple(draw(st.sets(st.integers(0, number - 1), max_size=2)))
            if number and draw(st.integers(0, 2)) == 0
            else (),
        )
        for number in range(GOALS)
    ]


edits = st.lists(
    st.builds(
        Edit,
        st.integers(0, GOALS - 1),
        st.sampled_from(["give", "give", "give", "give no more", "present", "target", "needs"]),
        st.integers(0, 7),
    ),
    min_size=1,
    max_size=EDITS_MAX,
)


def edited(goals: Sequence[Draft], changes: Sequence[Edit]) -> list[Draft]:
    """Return the goals of the next revision."""
    after = list(goals)
    for number, what, value in changes:
        draft = after[number]
        match what:
            case "give":
                after[number] = replace(draft, default=True, present=True)
            case "give no more":
                after[number] = replace(draft, default=False)
            case "present":
                after[number] = replace(draft, present=not draft.present)
            case "target":
                after[number] = replace(draft, target=1 + value)
            case _:
                after[number] = replace(draft, needs=(value,) if value < number else ())
    return after


def built(goals: Sequence[Draft]) -> Catalogue:
    """Return the catalogue of these goals: half of them in each challenge, and one at least."""
    half = GOALS // len(CHALLENGES)
    present = {number for number, draft in enumerate(goals) if draft.present or number % half == 0}
    return Catalogue(
        tuple(
            Challenge(
                challenge_id,
                challenge_id.title(),
                "",
                tuple(
                    _goal(number, goals[number], challenge_id, present)
                    for number in range(place * half, (place + 1) * half)
                    if number in present
                ),
            )
            for place, challenge_id in enumerate(CHALLENGES)
        ),
        digest=b"",
    )


def _goal(number: int, draft: Draft, challenge_id: str, present: set[int]) -> Goal:
    source, stat, mode, rotation = draft.kind
    return Goal(
        goal_id=f"goal-{number}",
        challenge_id=challenge_id,
        name=f"Goal {number}",
        description="",
        source=source,
        requirement=Requirement(stat, ">=", draft.target, mode),
        reward=Reward("WALLET", "GOLD", 1),
        default_assigned=draft.default,
        prerequisites=tuple(f"goal-{needed}" for needed in draft.needs if needed in present),
        rotation=rotation,
    )
