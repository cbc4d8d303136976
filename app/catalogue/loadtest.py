"""The catalogue of the load tests: 10 challenges of 50 goals, 10 of each assigned by default.

Sizes, stats, targets and rewards are those that the Go service was load-tested with, so that
results can be set beside its own. The same call always returns the same bytes.
"""

import msgspec

from app.domain.goal import Source

CHALLENGES = 10
GOALS_PER_CHALLENGE = 50
DEFAULTS_PER_CHALLENGE = 10

# Stat, its source, and how much more each goal of a challenge asks for than the one before.
_STATS = (
    ("login_count", Source.LOGIN, 1),
    ("enemy_kills", Source.STATISTIC, 10),
    ("games_played", Source.STATISTIC, 2),
    ("headshots", Source.STATISTIC, 5),
    ("wins", Source.STATISTIC, 1),
)


def generate_catalogue(*, all_default: bool = False) -> bytes:
    """Return the file's content; `all_default` assigns all 500 goals by default instead of 100."""
    defaults = GOALS_PER_CHALLENGE if all_default else DEFAULTS_PER_CHALLENGE
    challenges = [_challenge(number, defaults) for number in range(1, CHALLENGES + 1)]
    document = msgspec.json.encode({"challenges": challenges})
    return msgspec.json.format(document, indent=2) + b"\n"


def _challenge(number: int, defaults: int) -> dict[str, object]:
    stat_code, _, _ = _STATS[(number - 1) % len(_STATS)]
    challenge_id = f"challenge-{number:03}"
    return {
        "challengeId": challenge_id,
        "name": f"Load test {number}",
        "description": f"{GOALS_PER_CHALLENGE} steps, all counted by {stat_code}",
        "goals": [
            _goal(challenge_id, number, step, is_default=step <= defaults)
            for step in range(1, GOALS_PER_CHALLENGE + 1)
        ],
    }


def _goal(challenge_id: str, number: int, step: int, *, is_default: bool) -> dict[str, object]:
    stat_code, source, per_step = _STATS[(number - 1) % len(_STATS)]
    target = step * per_step
    return {
        "goalId": f"{challenge_id}-goal-{step:02}",
        "name": f"Load test {number}, step {step}",
        "description": f"Bring {stat_code} to {target} or more, in as many sessions as you like",
        "eventSource": source,
        "defaultAssigned": is_default,
        "requirement": {
            "statCode": stat_code,
            "operator": ">=",
            "targetValue": target,
            "progressMode": "absolute",
        },
        "reward": _reward(step),
    }


def _reward(step: int) -> dict[str, object]:
    if step % 10 == 0:
        return {"type": "WALLET", "rewardId": "GEMS", "quantity": 50 * step}
    if step % 5 == 0:
        return {"type": "ITEM", "rewardId": "LOOTBOX_SILVER", "quantity": 1}
    return {"type": "WALLET", "rewardId": "GEMS", "quantity": 10 * step}
