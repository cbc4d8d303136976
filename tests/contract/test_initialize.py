"""Initialize and the list as players see them, on the fakes and on PostgreSQL."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any

import msgspec
import pytest

from app.catalogue.served import ServedCatalogue
from app.domain.errors import Contended
from app.domain.goal import Catalogue
from app.domain.player import Player, Players, PlayersBegun
from app.services.challenges import ChallengeService
from app.services.contention import ROUNDS_MAX
from app.services.initialize import InitializeService
from tests.catalogues import defaults, make_catalogue, make_goal
from tests.contract.conftest import Store


async def serve(store: Store, catalogue: Catalogue) -> ServedCatalogue:
    revision = await store.revisions.register(catalogue)
    return ServedCatalogue(catalogue, revision, store.revisions)


async def initialize(store: Store, served: ServedCatalogue, *ids: str) -> list[dict[str, Any]]:
    """Return what each call is told, as its player reads it."""
    results = await InitializeService(store.players, served).initialize(ids)
    return [
        msgspec.json.decode(
            cohort.template.initialize_answer(
                view.states, [entry.at_ms for entry in view.player.assignments], view.now_ms, new
            )
        )
        for view, cohort, new in results
    ]


async def shown(store: Store, served: ServedCatalogue, player: str) -> dict[str, bool]:
    """Return what the list says of each goal: whether it is active."""
    view, cohort = await ChallengeService(store.players, served).see(player)
    body = cohort.template.list_answer(view.states, view.now_ms)
    challenges = msgspec.json.decode(body)["challenges"]
    return {goal["goalId"]: goal["isActive"] for each in challenges for goal in each["goals"]}


async def stored(store: Store, player: str) -> Player | None:
    return (await store.players.read_many([player])).players.get(player)


def assigned(answer: dict[str, Any]) -> list[str]:
    return [goal["goalId"] for goal in answer["assignedGoals"]]


async def test_a_first_call_gives_the_defaults_and_says_so(store: Store) -> None:
    state = await serve(store, make_catalogue(make_goal("a", default=True), make_goal("b")))
    [answer] = await initialize(store, state, "ann")
    assert assigned(answer) == ["a"]
    assert (answer["newAssignments"], answer["totalActive"]) == (1, 1)
    assert await shown(store, state, "ann") == {"a": True, "b": False}


async def test_a_catalogue_without_defaults_makes_the_player_known_and_gives_later_ones(
    store: Store,
) -> None:
    [answer] = await initialize(store, await serve(store, make_catalogue(make_goal("a"))), "ann")
    assert (assigned(answer), answer["newAssignments"]) == ([], 0)
    row = await stored(store, "ann")
    assert row is not None
    assert row.assignments == ()
    [answer] = await initialize(store, await serve(store, defaults("a")), "ann")
    assert (assigned(answer), answer["newAssignments"]) == (["a"], 1)


async def test_a_second_call_says_the_same_and_writes_nothing(store: Store) -> None:
    state = await serve(store, defaults("a", "b"))
    [first] = await initialize(store, state, "ann")
    before = await stored(store, "ann")
    [second] = await initialize(store, state, "ann")
    assert second["newAssignments"] == 0
    assert second["assignedGoals"] == first["assignedGoals"]
    assert await stored(store, "ann") == before


async def test_a_returning_player_gets_exactly_the_added_defaults_in_one_write(
    store: Store,
) -> None:
    await initialize(store, await serve(store, defaults("a")), "ann")
    state = await serve(store, defaults("b", "a", "c"))
    [answer] = await initialize(store, state, "ann")
    assert assigned(answer) == ["b", "a", "c"]
    assert (answer["newAssignments"], answer["totalActive"]) == (2, 3)
    after = await stored(store, "ann")
    assert after is not None
    assert (after.version, after.revisions) == (2, (1, 2))
    [again] = await initialize(store, state, "ann")
    assert again["newAssignments"] == 0
    assert await stored(store, "ann") == after


async def test_a_goal_that_lost_its_flag_stays_with_who_has_it(store: Store) -> None:
    await initialize(store, await serve(store, defaults("a", "b")), "ann")
    state = await serve(store, make_catalogue(make_goal("a"), make_goal("b", default=True)))
    old, new = await initialize(store, state, "ann", "bob")
    assert (assigned(old), assigned(new)) == (["a", "b"], ["b"])


async def test_an_older_catalogue_served_again_gives_nothing_twice(store: Store) -> None:
    await initialize(store, await serve(store, defaults("a", "b")), "ann")
    older = await serve(store, defaults("a"))
    newer = await serve(store, defaults("a", "b", "c"))
    assert [(await initialize(store, older, "ann"))[0]["newAssignments"]] == [0]
    assert [(await initialize(store, newer, "ann"))[0]["newAssignments"]] == [1]


async def test_one_batch_serves_new_returning_and_unchanged_players(store: Store) -> None:
    await initialize(store, await serve(store, defaults("a")), "returning")
    state = await serve(store, defaults("a", "b"))
    await initialize(store, state, "unchanged")
    answers = await initialize(store, state, "new", "unchanged", "returning")
    assert [answer["newAssignments"] for answer in answers] == [2, 0, 1]
    assert [answer["totalActive"] for answer in answers] == [2, 2, 2]


async def test_what_a_first_call_gives_is_given_at_the_moment_that_the_row_begins(
    store: Store,
) -> None:
    state = await serve(store, defaults("a"))
    [answer] = await initialize(store, state, "ann")
    row = await stored(store, "ann")
    assert row is not None
    assert [row.since_ms] * 2 == [row.changed_at_ms, row.assignments[0].at_ms]
    [goal] = answer["assignedGoals"]
    assert msgspec.convert(goal["assignedAt"], datetime).timestamp() == row.since_ms // 1000


async def test_of_two_calls_in_one_batch_one_hears_of_the_new_goals(store: Store) -> None:
    state = await serve(store, defaults("a"))
    answers = await initialize(store, state, "ann", "bob", "ann")
    assert [answer["newAssignments"] for answer in answers] == [1, 1, 0]
    assert answers[0]["assignedGoals"] == answers[2]["assignedGoals"]


async def test_the_list_of_a_stranger_shows_everything_and_leaves_no_row(store: Store) -> None:
    state = await serve(store, defaults("a"))
    assert await shown(store, state, "stranger") == {"a": False}
    assert await stored(store, "stranger") is None


async def test_who_loses_a_race_reads_again_and_hears_of_nothing_new(store: Store) -> None:
    await initialize(store, await serve(store, defaults("a")), "ann")
    state = await serve(store, defaults("a", "b"))

    async def initialize_first() -> None:
        await initialize(store, state, "ann")

    racing = store._replace(players=Racing(store.players, initialize_first))
    [answer] = await initialize(racing, state, "ann")
    assert (assigned(answer), answer["newAssignments"]) == (["a", "b"], 0)


async def test_who_loses_every_race_is_told_to_come_back(store: Store) -> None:
    await initialize(store, await serve(store, defaults("a")), "ann")
    state = await serve(store, defaults("a", "b"))

    async def count_the_version_on() -> None:
        row = await stored(store, "ann")
        assert row is not None
        await store.players.update_assignments_many([row])

    racing = store._replace(players=Racing(store.players, count_the_version_on))
    with pytest.raises(Contended):
        await initialize(racing, state, "ann")


async def test_who_is_made_known_by_others_each_time_is_told_to_come_back(store: Store) -> None:
    state = await serve(store, defaults("a"))
    beaten = Beaten(store.players)
    with pytest.raises(Contended):
        await initialize(store._replace(players=beaten), state, "ann")
    assert beaten.times == ROUNDS_MAX
    assert await stored(store, "ann") is None


class Racing:
    """Players where somebody else is faster: between a read and its update, something happens."""

    def __init__(self, players: Players, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._players = players
        self._meanwhile = meanwhile
        self.read_many = players.read_many
        self.begin_many = players.begin_many
        self.insert_many = players.insert_many
        self.update_goals = players.update_goals

    async def update_assignments_many(self, players: Collection[Player]) -> frozenset[str]:
        await self._meanwhile()
        return await self._players.update_assignments_many(players)


class Beaten:
    """Players whose rows appear after a statement began, and are deleted before the next begins."""

    def __init__(self, players: Players) -> None:
        self.times = 0
        self.read_many = players.read_many
        self.insert_many = players.insert_many
        self.update_assignments_many = players.update_assignments_many
        self.update_goals = players.update_goals

    async def begin_many(self, players: Collection[str], revision: int | None) -> PlayersBegun:
        self.times += 1
        clock_ms, _ = await self.read_many(players)
        return PlayersBegun(clock_ms, {}, frozenset())
