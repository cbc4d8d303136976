"""Cohorts of players under one catalogue: kept, bounded, and the used ones stay."""

import json

from app.catalogue.served import COHORTS_MAX, ServedCatalogue
from app.domain.goal import Catalogue, States
from tests.catalogues import defaults
from tests.fakes import FakeRevisions


async def serve(*catalogues: Catalogue) -> ServedCatalogue:
    """Serve the last of these, each registered as the next revision."""
    revisions = FakeRevisions()
    numbers = [await revisions.register(catalogue) for catalogue in catalogues]
    return ServedCatalogue(catalogues[-1], numbers[-1], revisions)


async def test_a_cohort_is_kept_for_its_list_of_revisions() -> None:
    served = await serve(defaults("a"), defaults("a", "b"))
    assert served.known_cohort((1,)) is None
    cohort = await served.cohort((1,))
    assert served.known_cohort((1,)) is cohort
    assert cohort.plan.goals == ((0,),)
    assert cohort.plan.missing == (1,)


async def test_the_cohort_that_was_used_longest_ago_is_dropped_first() -> None:
    served = await serve(defaults("a"))
    lists = [(1,) * number for number in range(1, COHORTS_MAX + 2)]
    for numbers in lists[:-1]:
        await served.cohort(numbers)
    assert served.known_cohort(lists[0])
    await served.cohort(lists[-1])
    assert served.known_cohort(lists[0])
    assert served.known_cohort(lists[1]) is None
    assert served.known_cohort(()) is served.newcomers


async def test_a_goal_that_two_revisions_assigned_is_of_the_earlier_one() -> None:
    served = await serve(defaults("a"), defaults("a", "b"))
    plan, template = await served.cohort((1, 2))
    assert plan.entry_of == {0: 0, 1: 1}
    answer = json.loads(template.initialize_answer(States({}, {}), [1_000, 2_000], 3_000, 0))
    assert answer["assignedGoals"][0]["assignedAt"] == "1970-01-01T00:00:01Z"
