"""The catalogue that is being served, with all that is worked out from it once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.domain.answer import Fragments, Template
from app.domain.goal import Catalogue
from app.domain.player import Giving, giving

# A plan of 500 goals takes 80 kB. Players who came in the same weeks share one.
PLANS_MAX = 128


class Plan(NamedTuple):
    """What the players with one list of revisions were given, and the answers they get."""

    gives: Giving
    template: Template


@dataclass(frozen=True)
class CatalogueState:
    """One catalogue under its revision. A reload replaces the whole object."""

    catalogue: Catalogue
    revision: int
    fragments: Fragments = field(repr=False)
    _plans: dict[tuple[int, ...], Plan] = field(default_factory=dict, repr=False, compare=False)

    def plan(self, revisions: tuple[int, ...]) -> Plan | None:
        """Return the plan for entries of these revisions, if it is kept."""
        plan = self._plans.pop(revisions, None)
        if plan is not None:
            # The last one in is the last one out.
            self._plans[revisions] = plan
        return plan

    def keep_plan(self, revisions: tuple[int, ...], defaults: Sequence[Collection[str]]) -> Plan:
        """Make the plan for entries of these revisions, which gave these defaults, and keep it."""
        gives = giving(self.catalogue, defaults)
        plan = Plan(gives, self.fragments.template(gives.goals))
        self._plans[revisions] = plan
        if len(self._plans) > PLANS_MAX:
            del self._plans[next(iter(self._plans))]
        return plan
