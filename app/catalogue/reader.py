"""Reads challenges and goals from the members of `challenges.json`, field by field."""

from typing import Any

from app.catalogue.findings import Findings
from app.catalogue.object_reader import ObjectReader, shown
from app.catalogue.strict_json import JsonObject
from app.domain.goal import Challenge, Goal, Mode, Requirement, Reward, Rotation, Schedule, Source

CHALLENGES_MAX = 1_000
GOALS_MAX = 10_000
PREREQUISITES_MAX = 100
# The Go service once had kinds of goals; eventSource, progressMode and rotation say it now.
LEGACY_GOAL_KEYS = ("type", "daily")
# `/v1/challenges/initialize` is a route.
RESERVED_CHALLENGE_ID = "initialize"


def read_challenges(document: Any, findings: Findings) -> tuple[Challenge, ...]:
    """Return the file's challenges. What is wrong is in the findings, and harmless here."""
    if not isinstance(document, JsonObject):
        findings.error("the file", f"must hold a JSON object, got {shown(document)}")
        return ()
    reader = ObjectReader(document, "", findings)
    challenges = tuple(
        _challenge(challenge)
        for challenge in reader.members("challenges", count_max=CHALLENGES_MAX)
    )
    reader.finish()
    goals = sum(len(challenge.goals) for challenge in challenges)
    if goals > GOALS_MAX:
        findings.error("challenges", f"must hold at most {GOALS_MAX} goals in all, has {goals}")
    return challenges


def _challenge(reader: ObjectReader) -> Challenge:
    challenge_id = reader.path_identifier("challengeId")
    reader.belongs_to("challenge", challenge_id)
    if challenge_id == RESERVED_CHALLENGE_ID:
        reader.error("challengeId", f'must not be "{RESERVED_CHALLENGE_ID}", which is a route')
    challenge = Challenge(
        challenge_id=challenge_id,
        name=reader.text("name"),
        description=reader.text("description", required=False),
        goals=tuple(
            _goal(goal, challenge_id) for goal in reader.members("goals", count_max=GOALS_MAX)
        ),
    )
    reader.finish()
    return challenge


def _goal(reader: ObjectReader, challenge_id: str) -> Goal:
    goal_id = reader.path_identifier("goalId")
    reader.belongs_to("goal", goal_id)
    goal = Goal(
        goal_id=goal_id,
        challenge_id=challenge_id,
        name=reader.text("name"),
        description=reader.text("description", required=False),
        source=reader.choice("eventSource", tuple(Source)),
        requirement=_requirement(reader.member("requirement")),
        reward=_reward(reader.member("reward")),
        default_assigned=reader.flag("defaultAssigned"),
        prerequisites=reader.texts("prerequisites", count_max=PREREQUISITES_MAX),
        rotation=_rotation(reader.optional_member("rotation")),
    )
    mode = goal.requirement.progress_mode
    if goal.rotation and mode is not Mode.RELATIVE:
        reader.error("rotation", f'needs requirement.progressMode "relative", got "{mode}"')
    reader.finish(legacy=LEGACY_GOAL_KEYS)
    return goal


def _requirement(reader: ObjectReader) -> Requirement:
    requirement = Requirement(
        stat_code=reader.identifier("statCode"),
        operator=reader.choice("operator", (">=",)),
        target_value=reader.count("targetValue"),
        progress_mode=reader.choice("progressMode", tuple(Mode), default=Mode.ABSOLUTE),
    )
    reader.finish()
    return requirement


def _reward(reader: ObjectReader) -> Reward:
    reward = Reward(
        type=reader.choice("type", ("ITEM", "WALLET")),
        reward_id=reader.identifier("rewardId"),
        quantity=reader.count("quantity"),
    )
    reader.finish()
    return reward


def _rotation(reader: ObjectReader | None) -> Rotation | None:
    if reader is None:
        return None
    if not reader.flag("enabled"):
        if not reader.has("enabled"):
            reader.warn("enabled", "is missing, so the goal does not rotate")
        # What a rotation that is switched off says is not looked at.
        reader.finish(ignored=("type", "schedule", "onExpiry"))
        return None
    reader.choice("type", ("global",))
    schedule = reader.choice("schedule", tuple(Schedule))
    rotation = Rotation(schedule)
    if (on_expiry := reader.optional_member("onExpiry")) is not None:
        rotation = Rotation(
            schedule,
            reset_progress=on_expiry.flag("resetProgress"),
            allow_reselection=on_expiry.flag("allowReselection"),
        )
        if rotation.allow_reselection and not rotation.reset_progress:
            on_expiry.warn(
                "allowReselection",
                "has no effect without resetProgress: claimed goals stay claimed",
            )
        on_expiry.finish()
    reader.finish()
    return rotation
