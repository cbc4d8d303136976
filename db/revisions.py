"""Catalogue revisions in PostgreSQL; `app.domain.player.Revisions` has each method's promise."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from app.domain.errors import Contended
from app.domain.goal import Catalogue, GoalIdentity
from app.domain.identity import Before, IdentityChanged, changed_identities
from db.pool import Database

# Each lost round means that another pod registered a catalogue in these milliseconds.
ROUNDS_MAX = 10
# A year has some fifty; each holds the ids of its defaults.
KEPT_MAX = 1_000


NOTHING_BEFORE = Before(revision=0, goals=frozenset(), defaults=frozenset(), targets={})


class Foreseen(NamedTuple):
    """The number of a catalogue's revision, and whether it would be registered as a new one."""

    revision: int
    is_new: bool


class Lacking(NamedTuple):
    """How many goals of earlier catalogues are gone, and how many of them were assigned."""

    goals: int
    assigned: int


class PgRevisions:
    """Catalogue revisions, in PostgreSQL. They never change, so what was read once is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._defaults: dict[int, frozenset[str]] = {}

    async def register(self, catalogue: Catalogue) -> int:
        """Return the catalogue's revision, the next one if its content is new."""
        for _ in range(ROUNDS_MAX):
            revision, is_new = await self.foresee(catalogue)
            if not is_new:
                return revision
            # The number is the guard: whoever registers meanwhile takes it, and is looked at next.
            if await self._insert(revision, catalogue):
                return revision
        raise Contended("other pods keep registering catalogues")

    async def foresee(self, catalogue: Catalogue) -> Foreseen:
        """Return as which revision it is or would be registered, and write nothing.

        Raise IdentityChanged if it would be refused.
        """
        [row] = await self._database.fetch("revisions_find", catalogue.digest)
        if row["revision"] is not None:
            return Foreseen(row["revision"], is_new=False)
        if changed := changed_identities(catalogue, await self.identities()):
            raise IdentityChanged(changed)
        return Foreseen(row["newest"] + 1, is_new=True)

    async def newest(self) -> Before:
        """Return the newest catalogue, or one without goals."""
        rows = await self._database.fetch("revisions_newest")
        if not rows:
            return NOTHING_BEFORE
        [row] = rows
        return Before(
            revision=row["revision"],
            goals=frozenset(row["goals"]),
            defaults=frozenset(row["given"]),
            targets=None if row["targets"] is None else msgspec.json.decode(row["targets"]),
        )

    async def lacking(self, catalogue: Catalogue) -> Lacking:
        """Return how many goals that ever were the catalogue lacks. Reads no player."""
        goal_ids = [goal.goal_id for goal in catalogue.goals]
        [row] = await self._database.fetch("revisions_lacking", goal_ids)
        return Lacking(row["goals"], row["given"])

    async def _insert(self, revision: int, catalogue: Catalogue) -> bool:
        rows = await self._database.fetch(
            "revisions_insert",
            revision,
            catalogue.digest,
            [goal.goal_id for goal in catalogue.goals if goal.default_assigned],
            _json({goal.goal_id: goal.identity for goal in catalogue.goals}),
            _json({goal.goal_id: goal.requirement.target_value for goal in catalogue.goals}),
        )
        return bool(rows)

    async def identities(self) -> Mapping[str, GoalIdentity]:
        """Return what each goal is that ever was in a catalogue, by goal id."""
        rows = await self._database.fetch("revisions_identities")
        return {
            row["goal"]: msgspec.json.decode(row["identity"], type=GoalIdentity) for row in rows
        }

    async def defaults_of(self, revisions: Collection[int]) -> Mapping[int, frozenset[str]]:
        """Return the goals that each revision assigns by default."""
        new = [revision for revision in revisions if revision not in self._defaults]
        assigned = {
            number: self._defaults[number] for number in revisions if number in self._defaults
        }
        if new:
            rows = await self._database.fetch("revisions_given", new)
            read = {row["revision"]: frozenset(row["given"]) for row in rows}
            if len(read) < len(new):
                raise LookupError(f"no catalogue revision {sorted(set(new) - set(read))}")
            assigned |= read
            self._keep(read)
        return assigned

    def _keep(self, read: Mapping[int, frozenset[str]]) -> None:
        self._defaults.update(read)
        while len(self._defaults) > KEPT_MAX:
            del self._defaults[next(iter(self._defaults))]


def _json(document: Mapping[str, object]) -> str:
    return msgspec.json.encode(document).decode()
