"""The catalogue that is being served, with all that is worked out from it once."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from app.domain.answer import Fragments, Template
from app.domain.goal import Catalogue
from app.domain.initialize import first_initialize
from app.domain.plan import Plan
from app.domain.rules import Rules

# A plan of 500 goals takes 220 kB. Players who came in the same weeks share one.
PLANS_MAX = 128


class Shared(NamedTuple):
    """What the players with one list of revisions share: what they were given, and the answers."""

    plan: Plan
    template: Template


class CatalogueState:
    """One catalogue under its revision. A reload replaces the whole object."""

    def __init__(self, catalogue: Catalogue, revision: int) -> None:
        self.catalogue = catalogue
        self.revision = revision
        self.rules = Rules(catalogue)
        self.fragments = Fragments(catalogue)
        self._shared: dict[tuple[int, ...], Shared] = {}
        unknown = self.keep((), [])
        self.first = first_initialize(self.rules, unknown.plan, revision)
        """What whoever has no row is given."""

    def shared(self, revisions: tuple[int, ...]) -> Shared | None:
        """Return what players with entries of these revisions share, if it is kept."""
        shared = self._shared.pop(revisions, None)
        if shared is not None:
            # The last one in is the last one out.
            self._shared[revisions] = shared
        return shared

    def keep(self, revisions: tuple[int, ...], defaults: Sequence[Collection[str]]) -> Shared:
        """Work out what entries of these revisions share, which gave these defaults; keep it."""
        plan = Plan(self.catalogue, self.rules, defaults)
        template = self.fragments.template(
            [(group.entry, [rule.number for rule in group.by_target]) for group in plan.groups]
        )
        shared = Shared(plan, template)
        self._shared[revisions] = shared
        if len(self._shared) > PLANS_MAX:
            del self._shared[next(iter(self._shared))]
        return shared
