"""What the players of one catalogue share: kept, bounded, and the used ones stay."""

import json

from app.domain.catalogue_state import PLANS_MAX, CatalogueState
from app.domain.goal import States
from tests.catalogues import defaults


def test_what_is_shared_is_kept_for_its_list_of_revisions() -> None:
    state = CatalogueState(defaults("a", "b"), 1)
    assert state.shared((1,)) is None
    shared = state.keep((1,), [{"a"}])
    assert state.shared((1,)) is shared
    assert shared.plan.goals == ((0,),)
    assert shared.plan.missing == (1,)


def test_what_was_used_longest_ago_is_dropped_first() -> None:
    state = CatalogueState(defaults("a"), 1)
    for revision in range(PLANS_MAX):
        state.keep((revision,), [{"a"}])
    assert state.shared((0,))
    state.keep((PLANS_MAX,), [{"a"}])
    assert state.shared((0,))
    assert state.shared((1,)) is None


def test_a_goal_that_two_entries_gave_is_of_the_earlier_one() -> None:
    plan, template = CatalogueState(defaults("a"), 2).keep((1, 2), [{"a"}, {"a"}])
    assert plan.entry_of == {0: 0}
    answer = json.loads(template.initialize_answer(States({}, {}), [1_000, 2_000], 3_000, 0))
    assert answer["assignedGoals"][0]["assignedAt"] == "1970-01-01T00:00:01Z"
