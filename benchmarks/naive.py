"""The answers as a service builds them that keeps no fragments: an object per goal, then encoded.

It is a fair rival: msgspec structs, and requirement and reward are made once per catalogue.
"""

from collections.abc import Mapping

import msgspec

from app.domain.goal import Catalogue, Goal, GoalState, Reward, Schedule, Status
from app.domain.period import next_boundary_ms, rfc3339


class _Requirement(msgspec.Struct, rename="camel"):
    stat_code: str
    operator: str
    target_value: int


class _ListGoal(msgspec.Struct, rename="camel", omit_defaults=True):
    goal_id: str
    name: str
    requirement: _Requirement
    reward: Reward
    progress: int
    status: Status
    completed_at: str
    claimed_at: str
    is_active: bool
    expires_at: str
    expires_in_seconds: int
    description: str = ""
    prerequisites: tuple[str, ...] = ()
    locked: bool | msgspec.UnsetType = msgspec.UNSET


class _ListChallenge(msgspec.Struct, rename="camel", omit_defaults=True):
    challenge_id: str
    name: str
    goals: list[_ListGoal]
    description: str = ""


class _List(msgspec.Struct):
    challenges: list[_ListChallenge]


class _AssignedGoal(msgspec.Struct, rename="camel"):
    challenge_id: str
    goal_id: str
    name: str
    description: str
    is_active: bool
    assigned_at: str
    expires_at: str
    progress: int
    target: int
    status: Status
    requirement: _Requirement
    reward: Reward


class _Initialize(msgspec.Struct, rename="camel"):
    assigned_goals: list[_AssignedGoal]
    new_assignments: int
    total_active: int


class NaiveAnswers:
    """Builds and encodes whole answers. `states` has a state for every goal."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._challenges = catalogue.challenges
        self._requirements = {
            goal.goal_id: _Requirement(
                goal.requirement.stat_code,
                goal.requirement.operator,
                goal.requirement.target_value,
            )
            for goal in catalogue.goals
        }

    def list_answer(
        self, states: Mapping[str, GoalState], now_ms: int, *, active_only: bool = False
    ) -> bytes:
        """Return the same answer as the spliced list."""
        boundaries_ms = _boundaries_ms(now_ms)
        challenges = []
        for challenge in self._challenges:
            goals = [
                self._list_goal(goal, states[goal.goal_id], boundaries_ms, now_ms)
                for goal in challenge.goals
                if states[goal.goal_id].is_active or not active_only
            ]
            if goals:
                challenges.append(
                    _ListChallenge(
                        challenge.challenge_id, challenge.name, goals, challenge.description
                    )
                )
        return msgspec.json.encode(_List(challenges))

    def initialize_answer(
        self, states: Mapping[str, GoalState], now_ms: int, new_assignments: int
    ) -> bytes:
        """Return the same answer as the spliced initialize."""
        boundaries_ms = _boundaries_ms(now_ms)
        goals = [
            self._assigned_goal(goal, states[goal.goal_id], boundaries_ms)
            for challenge in self._challenges
            for goal in challenge.goals
            if states[goal.goal_id].is_active
        ]
        return msgspec.json.encode(_Initialize(goals, new_assignments, len(goals)))

    def _list_goal(
        self, goal: Goal, state: GoalState, boundaries_ms: Mapping[Schedule, int], now_ms: int
    ) -> _ListGoal:
        boundary_ms = boundaries_ms[goal.rotation.schedule] if goal.rotation else None
        return _ListGoal(
            goal_id=goal.goal_id,
            name=goal.name,
            requirement=self._requirements[goal.goal_id],
            reward=goal.reward,
            progress=state.progress,
            status=state.status,
            completed_at=_text(state.completed_at_ms),
            claimed_at=_text(state.claimed_at_ms),
            is_active=state.is_active,
            expires_at=_text(boundary_ms),
            expires_in_seconds=(boundary_ms - now_ms) // 1000 if boundary_ms else 0,
            description=goal.description,
            prerequisites=goal.prerequisites,
            locked=state.locked if goal.prerequisites else msgspec.UNSET,
        )

    def _assigned_goal(
        self, goal: Goal, state: GoalState, boundaries_ms: Mapping[Schedule, int]
    ) -> _AssignedGoal:
        return _AssignedGoal(
            challenge_id=goal.challenge_id,
            goal_id=goal.goal_id,
            name=goal.name,
            description=goal.description,
            is_active=True,
            assigned_at=_text(state.assigned_at_ms),
            expires_at=_text(boundaries_ms[goal.rotation.schedule] if goal.rotation else None),
            progress=state.progress,
            target=goal.requirement.target_value,
            status=state.status,
            requirement=self._requirements[goal.goal_id],
            reward=goal.reward,
        )


def _boundaries_ms(now_ms: int) -> Mapping[Schedule, int]:
    return {schedule: next_boundary_ms(schedule, now_ms) for schedule in Schedule}


def _text(moment_ms: int | None) -> str:
    return "" if moment_ms is None else rfc3339(moment_ms).decode()
