"""Finds the plan for each player's list of catalogue revisions."""

from collections.abc import Iterable, Mapping

from app.domain.catalogue_state import CatalogueState, Plan
from app.domain.player import Revisions


async def find_plans(
    lists: Iterable[tuple[int, ...]], state: CatalogueState, revisions: Revisions
) -> Mapping[tuple[int, ...], Plan]:
    """Return a plan for each list of revisions. Reads the revisions that this process never met."""
    plans: dict[tuple[int, ...], Plan] = {}
    new: set[tuple[int, ...]] = set()
    for numbers in lists:
        plan = state.plan(numbers)
        if plan is None:
            new.add(numbers)
        else:
            plans[numbers] = plan
    if new:
        given = await revisions.given_by({number for numbers in new for number in numbers})
        for numbers in new:
            plans[numbers] = state.keep_plan(numbers, [given[number] for number in numbers])
    return plans
