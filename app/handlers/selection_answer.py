"""What is answered to a selection: the contract's names, and the truth about each goal."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from app.answers.wire import Count, Instant, MaybeInstant, ShownRequirement, Wire
from app.catalogue.served import ServedCatalogue
from app.domain.goal import Goal, GoalState, Reward, Status
from app.domain.period import instant_text, next_boundary_ms
from app.services.selections import Selection


class SelectedGoal(Wire, frozen=True):
    """A selected goal, and how far the player is with it."""

    goal_id: str
    name: str
    description: str
    requirement: ShownRequirement
    reward: Reward
    status: Status
    progress: Count
    target: Annotated[int, Meta(ge=1)]
    is_active: bool
    assigned_at: Instant
    expires_at: MaybeInstant


class SelectionAnswer(Wire, frozen=True):
    """What came of a selection; `total_active_goals` are those of this challenge."""

    selected_goals: Sequence[SelectedGoal]
    challenge_id: str
    total_active_goals: Count
    replaced_goals: Sequence[str]


def selection_answer(
    served: ServedCatalogue, challenge_id: str, selection: Selection
) -> SelectionAnswer:
    """Return the answer, from what the player sees after the selection."""
    view = selection.view
    goals = served.catalogue.goals
    return SelectionAnswer(
        selected_goals=[
            _selected_goal(goals[number], view.of(number), view.now_ms)
            for number in selection.selected
        ],
        challenge_id=challenge_id,
        total_active_goals=sum(
            view.of(number).is_active for number in served.rules.challenges[challenge_id]
        ),
        replaced_goals=[goals[number].goal_id for number in selection.replaced],
    )


def _selected_goal(goal: Goal, state: GoalState, now_ms: int) -> SelectedGoal:
    required = goal.requirement
    rotates_at_ms = next_boundary_ms(goal.rotation.schedule, now_ms) if goal.rotation else None
    return SelectedGoal(
        goal_id=goal.goal_id,
        name=goal.name,
        description=goal.description,
        requirement=ShownRequirement(required.stat_code, required.operator, required.target_value),
        reward=goal.reward,
        status=state.status,
        progress=state.progress,
        target=required.target_value,
        is_active=state.is_active,
        assigned_at=instant_text(state.assigned_at_ms),
        expires_at=instant_text(rotates_at_ms),
    )
