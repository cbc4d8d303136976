"""The rules against the slow model that keeps a row per player and goal, on arbitrary histories.

`make machine` runs many more of them.
"""

import random
from collections import Counter

from hypothesis import settings

from tests.rules.catalogues import ROTATIONS
from tests.rules.pair import turn_of
from tests.rules.run import STEPS, run_histories

# Each history is 50 steps of the machine: 10,500 of them.
HISTORIES = 210

MET_MIN = {
    "steps": 10_000,
    "events accepted": 3_000,
    "events duplicate": 100,
    "events rejected": 50,
    "events ignored": 100,
    "late statistics": 200,
    "logins of an older day": 100,
    "month ends": 200,
    **{turn_of(rotation): 50 if rotation.reset_progress else 5 for rotation in ROTATIONS},
    "period turns with offsets held": 100,
    "returns with new defaults": 50,
    "older catalogues served again": 30,
    "steps on a leap day": 10,
    "grants": 100,
    "claims not completed": 20,
    "claims inactive": 10,
    "claims claimed": 10,
    "claims locked": 10,
    "claims rotated": 10,
}


def test_the_rules_agree_with_the_slow_model_after_every_step() -> None:
    counted: Counter[str] = Counter()
    # By the profile the same histories in every run, or others each time.
    seed_of_run = None if settings().derandomize else random.randrange(2**32)
    run_histories(counted, HISTORIES, seed_of_run=seed_of_run)
    # A run that met nothing proves nothing.
    missed = {what: counted[what] for what, least in MET_MIN.items() if counted[what] < least}
    assert missed == {}
    assert counted["histories"] * STEPS >= 10_000
