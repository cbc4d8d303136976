"""One goal of the sample catalogue, as the examples of the API's description show it."""

from app.answers.wire import AssignedGoal, ShownChallenge, ShownGoal, ShownRequirement
from app.domain.goal import Reward, Status

AT = "2026-03-06T09:05:00Z"
CHALLENGE_ID = "winter-challenge-2025"
GOAL_ID = "kill-10-snowmen"
NAME = "Thaw Them Out"
DESCRIPTION = "Ten snowmen guard the bridge. Melt every one."
REQUIREMENT = ShownRequirement("snowmen_killed", ">=", 10)
REWARD = Reward("WALLET", "GOLD", 100)
CLAIM_ID = "7b435fb4-68b8-55e5-a52a-d9b9b861ff84"

CHALLENGE = ShownChallenge(
    challenge_id=CHALLENGE_ID,
    name="The Long Frost",
    description="The pass is snowed in.",
    goals=[
        ShownGoal(
            goal_id=GOAL_ID,
            name=NAME,
            description=DESCRIPTION,
            requirement=REQUIREMENT,
            reward=REWARD,
            prerequisites=["complete-tutorial"],
            locked=False,
            progress=3,
            status=Status.IN_PROGRESS,
            completed_at="",
            claimed_at="",
            is_active=True,
            expires_at="",
            expires_in_seconds=0,
        )
    ],
)

ASSIGNED = AssignedGoal(
    challenge_id=CHALLENGE_ID,
    goal_id=GOAL_ID,
    name=NAME,
    description=DESCRIPTION,
    is_active=True,
    assigned_at=AT,
    expires_at="",
    progress=0,
    target=10,
    status=Status.NOT_STARTED,
    requirement=REQUIREMENT,
    reward=REWARD,
)
