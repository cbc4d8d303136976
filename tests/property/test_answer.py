"""The spliced answers say exactly what a slow, obvious builder says."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from app.answers.templates import Fragments
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
    States,
    Status,
)
from app.domain.period import next_boundary_ms, rfc3339

# What has broken text splicing before: quotes, brackets, escapes, characters of several bytes.
texts = st.text(
    st.one_of(st.sampled_from('"\\[]{},:<>&/%b\n\x7f'), st.characters(exclude_categories=["Cs"])),
    max_size=8,
)
names = texts.filter(bool)
moments = st.integers(0, 4_000_000_000_000)


class Situation(NamedTuple):
    catalogue: Catalogue
    groups: list[tuple[int, list[int]]]
    assigned_at_ms: list[int]
    states: States
    now_ms: int


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    challenges: list[Challenge] = []
    for number, size in enumerate(sizes):
        goals = tuple(draw(goals_of(f"{number}", index)) for index in range(size))
        challenges.append(Challenge(f"{number}", draw(names), draw(texts), goals))
    catalogue = Catalogue(tuple(challenges), b"")
    count = len(catalogue.goals)
    owners = draw(st.lists(st.none() | st.integers(0, 3), min_size=count, max_size=count))
    states = st.builds(
        GoalState,
        progress=st.integers(0, 2**53),
        status=st.sampled_from(Status),
        completed_at_ms=st.none() | moments,
        claimed_at_ms=st.none() | moments,
        is_active=st.booleans(),
        assigned_at_ms=st.none() | moments,
        locked=st.booleans(),
    )
    # Up to two groups of each of two entries.
    groups = [
        (group // 2, [i for i, owner in enumerate(owners) if owner == group]) for group in range(4)
    ]
    assigned_at_ms = draw(st.lists(moments, min_size=2, max_size=2))
    return Situation(
        catalogue=catalogue,
        groups=groups,
        assigned_at_ms=assigned_at_ms,
        states=States(
            draw(begun(groups, assigned_at_ms)),
            draw(st.dictionaries(st.integers(0, count - 1), states)),
        ),
        now_ms=draw(moments),
    )


@st.composite
def begun(
    draw: st.DrawFn, groups: list[tuple[int, list[int]]], assigned_at_ms: list[int]
) -> dict[int, GoalState]:
    """Draw the states of the groups that have begun to move."""
    progresses = {group: draw(st.integers(0, 99)) for group in range(len(groups))}
    return {
        group: GoalState(
            progress,
            Status.IN_PROGRESS,
            None,
            None,
            True,
            assigned_at_ms[groups[group][0]],
            False,
        )
        for group, progress in progresses.items()
        if progress
    }


@st.composite
def goals_of(draw: st.DrawFn, challenge_id: str, index: int) -> Goal:
    schedule = draw(st.none() | st.sampled_from(Schedule))
    return Goal(
        goal_id=f"{challenge_id}.{index}{draw(texts)}",
        challenge_id=challenge_id,
        name=draw(names),
        description=draw(texts),
        source=Source.STATISTIC,
        requirement=Requirement(draw(names), ">=", draw(st.integers(1, 99)), Mode.RELATIVE),
        reward=Reward("ITEM", draw(names), draw(st.integers(1, 99))),
        prerequisites=tuple(draw(st.lists(names, max_size=2))),
        rotation=Rotation(schedule) if schedule else None,
    )


def text(moment_ms: int | None) -> str:
    return "" if moment_ms is None else rfc3339(moment_ms).decode()


def every_state(situation: Situation) -> list[GoalState]:
    moving, own = situation.states
    states = []
    for index, goal in enumerate(situation.catalogue.goals):
        locked = bool(goal.prerequisites)
        state = GoalState(0, Status.NOT_STARTED, None, None, False, None, locked)
        for group, (entry, goals) in enumerate(situation.groups):
            if index in goals:
                given = state._replace(
                    is_active=True, assigned_at_ms=situation.assigned_at_ms[entry]
                )
                state = moving.get(group, given)._replace(locked=locked)
        states.append(own.get(index, state))
    return states


def terms(goal: Goal) -> dict[str, Any]:
    return {
        "requirement": {
            "statCode": goal.requirement.stat_code,
            "operator": ">=",
            "targetValue": goal.requirement.target_value,
        },
        "reward": {
            "type": goal.reward.type,
            "rewardId": goal.reward.reward_id,
            "quantity": goal.reward.quantity,
        },
    }


def slow_list(situation: Situation, *, active_only: bool) -> dict[str, Any]:
    states = iter(every_state(situation))
    challenges = []
    for challenge in situation.catalogue.challenges:
        goals = [
            slow_list_goal(goal, state, situation.now_ms)
            for goal, state in zip(challenge.goals, states, strict=False)
            if state.is_active or not active_only
        ]
        told: dict[str, Any] = {"challengeId": challenge.challenge_id, "name": challenge.name}
        if challenge.description:
            told["description"] = challenge.description
        if goals:
            challenges.append(told | {"goals": goals})
    return {"challenges": challenges}


def slow_list_goal(goal: Goal, state: GoalState, now_ms: int) -> dict[str, Any]:
    told: dict[str, Any] = {"goalId": goal.goal_id, "name": goal.name}
    if goal.description:
        told["description"] = goal.description
    told |= terms(goal)
    if goal.prerequisites:
        told["prerequisites"] = list(goal.prerequisites)
        told["locked"] = state.locked
    boundary_ms = next_boundary_ms(goal.rotation.schedule, now_ms) if goal.rotation else None
    return told | {
        "progress": state.progress,
        "status": str(state.status),
        "completedAt": text(state.completed_at_ms),
        "claimedAt": text(state.claimed_at_ms),
        "isActive": state.is_active,
        "expiresAt": text(boundary_ms),
        "expiresInSeconds": 0 if boundary_ms is None else (boundary_ms - now_ms) // 1000,
    }


def slow_initialize(situation: Situation, new_assignments: int) -> dict[str, Any]:
    goals = [
        {
            "challengeId": goal.challenge_id,
            "goalId": goal.goal_id,
            "name": goal.name,
            "description": goal.description,
            "isActive": True,
            "assignedAt": text(state.assigned_at_ms),
            "expiresAt": text(
                next_boundary_ms(goal.rotation.schedule, situation.now_ms)
                if goal.rotation
                else None
            ),
            "progress": state.progress,
            "target": goal.requirement.target_value,
            "status": str(state.status),
            **terms(goal),
        }
        for goal, state in zip(situation.catalogue.goals, every_state(situation), strict=True)
        if state.is_active
    ]
    return {
        "assignedGoals": goals,
        "newAssignments": new_assignments,
        "totalActive": len(goals),
    }


def read(answer: bytes) -> Mapping[str, Any]:
    def unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({name for name, _ in members}) == len(members)
        return dict(members)

    document: Mapping[str, Any] = json.loads(answer.decode(), object_pairs_hook=unique)
    return document


@given(situations(), st.booleans())
def test_the_spliced_list_is_the_obvious_one(situation: Situation, active_only: bool) -> None:
    template = Fragments(situation.catalogue).template(situation.groups)
    answer = template.list_answer(situation.states, situation.now_ms, active_only=active_only)
    expected = slow_list(situation, active_only=active_only)
    assert read(answer) == expected
    assert answer == json.dumps(expected, ensure_ascii=False, separators=(",", ":")).encode()


@given(situations(), st.integers(0, 1000))
def test_the_spliced_initialize_is_the_obvious_one(
    situation: Situation, new_assignments: int
) -> None:
    template = Fragments(situation.catalogue).template(situation.groups)
    answer = template.initialize_answer(
        situation.states, situation.assigned_at_ms, situation.now_ms, new_assignments
    )
    expected = slow_initialize(situation, new_assignments)
    assert read(answer) == expected
    assert answer == json.dumps(expected, ensure_ascii=False, separators=(",", ":")).encode()
