"""From the form of a file to the catalogue's nouns: defaults are filled in."""

from app.catalogue.form import (
    CatalogueForm,
    ChallengeForm,
    GoalForm,
    RequirementForm,
    RewardForm,
    RotatingForm,
    StayingForm,
)
from app.domain.goal import Challenge, Goal, Mode, Requirement, Reward, Rotation


def challenges_of(catalogue: CatalogueForm) -> tuple[Challenge, ...]:
    """Return a file's challenges."""
    return tuple(map(_challenge, catalogue.challenges))


def _challenge(challenge: ChallengeForm) -> Challenge:
    return Challenge(
        challenge_id=challenge.challenge_id,
        name=challenge.name,
        description=challenge.description or "",
        goals=tuple(_goal(goal, challenge.challenge_id) for goal in challenge.goals),
    )


def _goal(goal: GoalForm, challenge_id: str) -> Goal:
    return Goal(
        goal_id=goal.goal_id,
        challenge_id=challenge_id,
        name=goal.name,
        description=goal.description or "",
        source=goal.event_source,
        requirement=_requirement(goal.requirement),
        reward=_reward(goal.reward),
        default_assigned=bool(goal.default_assigned),
        prerequisites=tuple(goal.prerequisites or ()),
        rotation=_rotation(goal.rotation),
    )


def _requirement(requirement: RequirementForm) -> Requirement:
    return Requirement(
        stat_code=requirement.stat_code,
        operator=requirement.operator,
        target_value=requirement.target_value,
        progress_mode=requirement.progress_mode or Mode.ABSOLUTE,
    )


def _reward(reward: RewardForm) -> Reward:
    return Reward(type=reward.type, reward_id=reward.reward_id, quantity=reward.quantity)


def _rotation(rotation: RotatingForm | StayingForm | None) -> Rotation | None:
    if not isinstance(rotation, RotatingForm):
        return None
    on_expiry = rotation.on_expiry
    return Rotation(
        rotation.schedule,
        reset_progress=on_expiry is not None and bool(on_expiry.reset_progress),
        allow_reselection=on_expiry is not None and bool(on_expiry.allow_reselection),
    )
