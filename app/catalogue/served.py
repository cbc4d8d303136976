"""The catalogue that is being served, with all that is worked out from it once.

ServedCatalogue   one catalogue under its revision
  └─ Cohort       all players who were assigned goals under the same list of revisions
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from app.answers.templates import Fragments, Template
from app.domain.goal import Catalogue
from app.domain.initialize import first_initialize
from app.domain.plan import Plan
from app.domain.player import Revisions
from app.domain.rules import Rules

COHORTS_MAX: Final = 128
"""A plan of 500 goals takes 220 kB. Players who came in the same weeks are one cohort."""


class Cohort(NamedTuple):
    """What the players of one cohort share: which goals they were assigned, and their answers."""

    plan: Plan
    template: Template


def form_cohort(
    catalogue: Catalogue, rules: Rules, fragments: Fragments, defaults: Sequence[Collection[str]]
) -> Cohort:
    """Work out what players share to whom revisions with these defaults were assigned."""
    plan = Plan(catalogue, rules, defaults)
    template = fragments.template(
        [(group.entry, [rule.number for rule in group.by_target]) for group in plan.groups]
    )
    return Cohort(plan, template)


class ServedCatalogue:
    """One catalogue under its revision, and the cohorts of players who were met so far."""

    def __init__(self, catalogue: Catalogue, revision: int, revisions: Revisions) -> None:
        self.catalogue = catalogue
        self.revision = revision
        self.rules = Rules(catalogue)
        self._revisions = revisions
        self._fragments = Fragments(catalogue)
        self._cohorts: dict[tuple[int, ...], Cohort] = {}
        self.newcomers = self._form((), [])
        """The cohort of players without a row."""
        self.first = first_initialize(self.rules, self.newcomers.plan, revision)
        """What their first initialize assigns."""

    def known_cohort(self, numbers: tuple[int, ...]) -> Cohort | None:
        """Return the cohort of players with this list of revisions, if it is kept."""
        if not numbers:
            return self.newcomers
        cohort = self._cohorts.pop(numbers, None)
        if cohort is not None:
            # The last one in is the last one out.
            self._cohorts[numbers] = cohort
        return cohort

    async def cohort(self, numbers: tuple[int, ...]) -> Cohort:
        """Return the cohort of players with this list of revisions. Raises `Unavailable`."""
        return self.known_cohort(numbers) or (await self.cohorts([numbers]))[numbers]

    async def cohorts(self, lists: Iterable[tuple[int, ...]]) -> Mapping[tuple[int, ...], Cohort]:
        """Return the cohort of each list. Reads revisions that this process has never met.

        Raises `Unavailable`.
        """
        found: dict[tuple[int, ...], Cohort] = {}
        unknown: set[tuple[int, ...]] = set()
        for numbers in lists:
            cohort = self.known_cohort(numbers)
            if cohort is None:
                unknown.add(numbers)
            else:
                found[numbers] = cohort
        if unknown:
            defaults = await self._revisions.defaults_of(
                {n for numbers in unknown for n in numbers}
            )
            for numbers in unknown:
                found[numbers] = self._form(numbers, [defaults[number] for number in numbers])
        return found

    def _form(self, numbers: tuple[int, ...], defaults: Sequence[Collection[str]]) -> Cohort:
        cohort = form_cohort(self.catalogue, self.rules, self._fragments, defaults)
        if numbers:
            self._cohorts[numbers] = cohort
            if len(self._cohorts) > COHORTS_MAX:
                del self._cohorts[next(iter(self._cohorts))]
        return cohort
