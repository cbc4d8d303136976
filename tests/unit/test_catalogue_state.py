"""The plans that a catalogue keeps: bounded, and the used ones stay."""

from app.domain.answer import Fragments
from app.domain.catalogue_state import PLANS_MAX, CatalogueState
from tests.catalogues import defaults


def test_a_plan_is_kept_for_its_list_of_revisions() -> None:
    catalogue = defaults("a", "b")
    state = CatalogueState(catalogue, 1, Fragments(catalogue))
    assert state.plan((1,)) is None
    plan = state.keep_plan((1,), [{"a"}])
    assert state.plan((1,)) is plan
    assert plan.gives.goals == ((0,),)
    assert plan.gives.missing == 1


def test_the_plan_that_was_used_longest_ago_is_dropped_first() -> None:
    catalogue = defaults("a")
    state = CatalogueState(catalogue, 1, Fragments(catalogue))
    for revision in range(PLANS_MAX):
        state.keep_plan((revision,), [{"a"}])
    assert state.plan((0,))
    state.keep_plan((PLANS_MAX,), [{"a"}])
    assert state.plan((0,))
    assert state.plan((1,)) is None
