"""Hypothesis profiles (the same examples in every run, many random ones by hand) and databases."""

import os

from hypothesis import HealthCheck, settings

from tests.database import database_numbers, database_url, postgres_url, session, template_url

__all__ = ["database_numbers", "database_url", "postgres_url", "session", "template_url"]

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    max_examples=150,
    # It bounds by the wall clock how long an example takes to make.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long", deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
