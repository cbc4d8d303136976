"""Catalogue revisions in PostgreSQL; `app.domain.player.Revisions` has each method's promise."""

from collections.abc import Collection, Mapping

import msgspec

from app.domain.catalogue import IdentityChanged, changed_identities
from app.domain.goal import Catalogue, GoalIdentity
from app.errors import Problem, Reason
from db.pool import Database

# Each lost round means that another pod registered a catalogue in these milliseconds.
ROUNDS_MAX = 10
# A year has some fifty; each holds the ids of its defaults.
KEPT_MAX = 1_000


class PgRevisions:
    """Catalogue revisions, in PostgreSQL. They never change, so what was read once is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._given: dict[int, frozenset[str]] = {}

    async def register(self, catalogue: Catalogue) -> int:
        """Return the catalogue's revision, the next one if its content is new."""
        for _ in range(ROUNDS_MAX):
            [row] = await self._database.fetch("revisions_find", catalogue.digest)
            if row["revision"] is not None:
                return int(row["revision"])
            changed = changed_identities(catalogue, await self.identities())
            if changed:
                raise IdentityChanged(changed)
            # The number is the guard: whoever registers meanwhile takes it, and is looked at next.
            if await self._insert(row["newest"] + 1, catalogue):
                return int(row["newest"]) + 1
        raise Problem(Reason.DATABASE_UNAVAILABLE, "Other pods keep registering catalogues.")

    async def _insert(self, revision: int, catalogue: Catalogue) -> bool:
        rows = await self._database.fetch(
            "revisions_insert",
            revision,
            catalogue.digest,
            [goal.goal_id for goal in catalogue.goals if goal.default_assigned],
            msgspec.json.encode({goal.goal_id: goal.identity for goal in catalogue.goals}).decode(),
        )
        return bool(rows)

    async def identities(self) -> Mapping[str, GoalIdentity]:
        """Return what each goal is that ever was in a catalogue, by goal id."""
        rows = await self._database.fetch("revisions_identities")
        return {
            row["goal"]: msgspec.json.decode(row["identity"], type=GoalIdentity) for row in rows
        }

    async def given_by(self, revisions: Collection[int]) -> Mapping[int, frozenset[str]]:
        """Return the goals that each revision gives by default."""
        new = [revision for revision in revisions if revision not in self._given]
        given = {number: self._given[number] for number in revisions if number in self._given}
        if new:
            rows = await self._database.fetch("revisions_given", new)
            read = {row["revision"]: frozenset(row["given"]) for row in rows}
            if len(read) < len(new):
                raise LookupError(f"no catalogue revision {sorted(set(new) - set(read))}")
            given |= read
            self._keep(read)
        return given

    def _keep(self, read: Mapping[int, frozenset[str]]) -> None:
        self._given.update(read)
        while len(self._given) > KEPT_MAX:
            del self._given[next(iter(self._given))]
