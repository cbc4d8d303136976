"""The service that runs is the one that the targets are about."""

import pytest

from app.settings_loading import load_settings
from benchmarks.scenarios import LIMIT, SCENARIOS, WAIT_MS_MAX, Scenario

LOCAL = {"AUTH_ENABLED": "false"}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.key)
def test_every_scenario_sets_what_the_targets_assume(scenario: Scenario) -> None:
    loaded = load_settings(LOCAL | scenario.settings())
    settings = loaded.settings
    assert settings.admission_wait_ms_max == WAIT_MS_MAX
    assert (settings.limit, settings.database_pool_size) == (LIMIT, LIMIT)
    for name in ("admission_wait_ms_max", "admission_limit", "database_pool_size"):
        assert loaded.origins[name] != "default"
