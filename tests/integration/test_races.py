"""Many writers on the same rows of a real PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.catalogue.served import ServedCatalogue
from app.domain.facts import Assignment, encode_assignments
from app.domain.goal import Catalogue, Source
from app.domain.player import Player
from app.services.initialize import InitializeService
from db.players import PgPlayers
from db.pool import Database
from db.revisions import PgRevisions
from db.sql import load_statements
from tests.catalogues import defaults, make_catalogue, make_goal
from tests.database import await_blocked, run_sql

# Byte by byte in ascending order; languages would order them differently.
ASCENDING = ("B", "a", "b", "é", "\N{GRINNING FACE}")
SHUFFLED = ("é", "b", "\N{GRINNING FACE}", "a", "B")


class Pod:
    """One process of the service: its own connections, its own memory."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.players = PgPlayers(database)
        self.revisions = PgRevisions(database)

    async def serve(self, catalogue: Catalogue) -> ServedCatalogue:
        revision = await self.revisions.register(catalogue)
        return ServedCatalogue(catalogue, revision, self.revisions)

    async def initialize(self, served: ServedCatalogue, *ids: str) -> list[int]:
        """Return how many goals each call was told are new."""
        results = await InitializeService(self.players, served).initialize(ids)
        return [result.new_assignments for result in results]


@pytest.fixture
async def pods(database_url: str) -> AsyncIterator[list[Pod]]:
    databases = [Database(database_url, size=8) for _ in range(2)]
    for database in databases:
        await database.open()
    yield [Pod(database) for database in databases]
    for database in databases:
        await database.close()


async def test_of_many_first_calls_exactly_one_hears_of_the_new_goals(pods: list[Pod]) -> None:
    state = await pods[0].serve(defaults("a", "b", "c"))
    for player in ("ann", "bob", "cid"):
        told = await asyncio.gather(
            *(pod.initialize(state, player) for pod in pods for _ in range(8))
        )
        assert sorted(told) == [[0]] * 15 + [[3]]


async def test_of_many_returns_after_a_patch_exactly_one_hears_of_what_is_new(
    pods: list[Pod],
) -> None:
    before = await pods[0].serve(defaults("a"))
    await pods[0].initialize(before, "ann")
    after = await pods[0].serve(defaults("a", "b", "c"))
    told = await asyncio.gather(*(pod.initialize(after, "ann") for pod in pods for _ in range(8)))
    assert sorted(told) == [[0]] * 15 + [[2]]
    read = await pods[0].players.read_many(["ann"])
    assert read.players["ann"].version == 2


async def test_pods_of_two_releases_give_every_default_once(pods: list[Pod]) -> None:
    """During a roll-out old and new pods initialize the same players."""
    states = [await pods[0].serve(defaults("a", "b")), await pods[1].serve(defaults("b", "c"))]
    ids = [f"player-{number}" for number in range(20)]
    calls = [
        pod.initialize(state, player)
        for player in ids
        for pod, state in zip(pods, states, strict=True)
    ]
    told = await asyncio.gather(*calls)
    for number in range(len(ids)):
        # Whoever was first gave two; the other one added what was missing.
        assert sorted(told[2 * number] + told[2 * number + 1]) == [1, 2]


async def test_batches_of_the_same_players_never_wait_in_a_circle(pods: list[Pod]) -> None:
    ids = [f"player-{number}" for number in range(60)]
    random.seed(1)
    for goals in (["a"], ["a", "b"], ["a", "b", "c"]):
        state = await pods[0].serve(defaults(*goals))
        told = await asyncio.gather(
            *(pod.initialize(state, *random.sample(ids, 40)) for pod in pods for _ in range(8))
        )
        assert {number for answer in told for number in answer} <= {0, 1}
        assert sum(map(sum, told)) <= len(ids)


async def test_a_returning_player_leaves_the_row_untouched(
    pods: list[Pod], session: asyncpg.Connection
) -> None:
    state = await pods[0].serve(defaults("a"))
    assert await pods[0].initialize(state, "ann") == [1]
    where = "select ctid, xmin, xmax from player"
    before = await session.fetch(where)
    assert await pods[1].initialize(state, "ann") == [0]
    assert await session.fetch(where) == before


async def test_an_update_locks_rows_in_ascending_order_of_bytes(
    pods: list[Pod], session: asyncpg.Connection
) -> None:
    rows = [Player(name, 0, 0, 1, 1, (Assignment(1, 0),)) for name in SHUFFLED]
    for row in rows:  # one by one, so that they do not lie in order
        await pods[0].players.insert_many([row])
    async with session.transaction():
        await session.execute("select from player where player = 'b' for update")
        update = asyncio.create_task(pods[0].players.update_assignments_many(rows))
        await await_blocked(session)
        free = await pods[1].players.update_assignments_many(rows[:1] + rows[2:3])
    assert free == {"é", "\N{GRINNING FACE}"}
    assert await update == {"B", "a", "b"}


async def test_an_insert_makes_rows_in_ascending_order_of_bytes(
    pods: list[Pod], session: asyncpg.Connection
) -> None:
    rows = [Player(name, 0, 0, 0, 0, ()) for name in SHUFFLED]
    async with session.transaction():
        await session.execute("insert into player values ('b', now(), now(), 1, 1, 0, '\\x90')")
        insert = asyncio.create_task(pods[0].players.insert_many(rows))
        await await_blocked(session)
        free = await pods[1].players.insert_many(rows[:1] + rows[2:3])
    assert free == {"é", "\N{GRINNING FACE}"}
    assert await insert == {"B", "a"}


async def test_first_rows_are_made_in_ascending_order_of_bytes(
    pods: list[Pod], session: asyncpg.Connection
) -> None:
    async with session.transaction():
        await session.execute("insert into player values ('b', now(), now(), 1, 1, 0, '\\x90')")
        begin = asyncio.create_task(pods[0].players.begin_many(SHUFFLED, 1))
        await await_blocked(session)
        free = await pods[1].players.begin_many(SHUFFLED[:1] + SHUFFLED[2:3], 1)
    assert free.new == {"é", "\N{GRINNING FACE}"}
    begun = await begin
    assert begun.new == begun.players.keys() == {"B", "a"}


@pytest.mark.parametrize(("answered", "told"), [(0, 3), (1, 1)])
async def test_who_is_made_known_meanwhile_is_asked_again_and_hears_of_the_rest(
    pods: list[Pod], session: asyncpg.Connection, answered: int, told: int
) -> None:
    """An event made the row and told nobody, or an initialize of an older pod told of its two."""
    before = await pods[0].serve(defaults("a", "b"))
    after = await pods[1].serve(defaults("a", "b", "c"))
    given = encode_assignments((Assignment(before.revision, 5),))
    row = "insert into player values ('bob', '2026-01-01', '2026-01-01', 1, 1, $1, $2)"
    async with session.transaction():
        await session.execute(row, answered, given)
        calls = pods[1].initialize(after, "ann", "bob", "cid", "bob")
        initialize = asyncio.create_task(calls)
        await await_blocked(session)
    assert await initialize == [3, told, 3, 0]
    read = await pods[0].players.read_many(["ann", "bob"])
    assert [read.players[name].version for name in ("ann", "bob")] == [1, 2]
    assert read.players["bob"].revisions == (before.revision, after.revision)


async def test_who_is_deleted_meanwhile_begins_anew_and_hears_of_everything(
    pods: list[Pod], session: asyncpg.Connection
) -> None:
    await pods[0].initialize(await pods[0].serve(defaults("a")), "ann")
    state = await pods[1].serve(defaults("a", "b", "c"))
    async with session.transaction():
        await session.execute("delete from player")
        initialize = asyncio.create_task(pods[1].initialize(state, "ann"))
        await await_blocked(session)
    assert await initialize == [3]
    row = (await pods[0].players.read_many(["ann"])).players["ann"]
    assert (row.version, row.revisions) == (1, (state.revision,))


async def test_pods_that_register_one_catalogue_at_once_get_one_revision(pods: list[Pod]) -> None:
    catalogues = [defaults("a"), defaults("b"), defaults("c")]
    revisions = await asyncio.gather(
        *(
            pod.revisions.register(catalogue)
            for catalogue in catalogues
            for pod in pods
            for _ in range(4)
        )
    )
    each = [set(revisions[start : start + 8]) for start in (0, 8, 16)]
    assert sorted(each, key=min) == [{1}, {2}, {3}]


async def test_of_two_meanings_of_one_goal_only_one_is_registered(pods: list[Pod]) -> None:
    """Each pod sees no conflict when it looks; the revision's number lets only one write."""
    for number in range(10):
        name = f"goal-{number}"
        meanings = [make_goal(name), make_goal(name, source=Source.LOGIN)]
        outcomes = await asyncio.gather(
            *(
                pod.revisions.register(make_catalogue(meaning))
                for pod, meaning in zip(pods, meanings, strict=True)
            ),
            return_exceptions=True,
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["IdentityChanged", "int"]


def test_no_statement_scans_the_players_not_even_while_there_are_none(database_url: str) -> None:
    """Plans are kept: one made on the empty table of a launch day must be right for a full one."""
    statements = [each for each in load_statements().values() if each.name.startswith("players_")]
    assert statements
    for statement in statements:
        explain = f"set enable_seqscan = off; explain (generic_plan) {statement.text}"
        plan = "\n".join(run_sql(database_url, explain))
        assert "Seq Scan" not in plan, plan
