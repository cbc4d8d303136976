"""Finds what players with the same list of catalogue revisions share."""

from collections.abc import Iterable, Mapping

from app.domain.catalogue_state import CatalogueState, Shared
from app.domain.player import Revisions


async def find_shared(
    lists: Iterable[tuple[int, ...]], state: CatalogueState, revisions: Revisions
) -> Mapping[tuple[int, ...], Shared]:
    """Return it for each list. Reads the revisions that this process never met."""
    found: dict[tuple[int, ...], Shared] = {}
    new: set[tuple[int, ...]] = set()
    for numbers in lists:
        shared = state.shared(numbers)
        if shared is None:
            new.add(numbers)
        else:
            found[numbers] = shared
    if new:
        given = await revisions.given_by({number for numbers in new for number in numbers})
        for numbers in new:
            found[numbers] = state.keep(numbers, [given[number] for number in numbers])
    return found
