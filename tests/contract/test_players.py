"""What the players' rows promise, whoever keeps them."""

from app.domain.facts import Counts, Given, GoalFacts, StatFacts
from app.domain.player import Player
from tests.contract.conftest import Store

NOW_MS = 1_800_000_000_123
ANN = Player("ann", NOW_MS, NOW_MS, 0, 1, (Given(7, NOW_MS),))
BOB = Player("bob", NOW_MS + 1, NOW_MS + 1, 0, 0, ())


async def test_players_without_a_row_are_not_in_the_answer(store: Store) -> None:
    await store.players.insert_many([ANN])
    read = await store.players.read_many(["ann", "bob"])
    assert list(read.players) == ["ann"]


async def test_the_clock_comes_with_every_answer(store: Store) -> None:
    first = await store.players.read_many(["nobody"])
    await store.players.insert_many([ANN])
    second = await store.players.read_many(["ann"])
    assert 1_700_000_000_000 < first.clock_ms <= second.clock_ms


async def test_what_was_inserted_is_read_back_to_the_millisecond(store: Store) -> None:
    assert await store.players.insert_many([ANN, BOB]) == {"ann", "bob"}
    read = await store.players.read_many(["bob", "ann"])
    assert read.players == {"ann": ANN._replace(version=1), "bob": BOB._replace(version=1)}


async def test_a_row_is_made_once_and_the_second_maker_is_told(store: Store) -> None:
    await store.players.insert_many([ANN])
    later = ANN._replace(since_ms=NOW_MS + 5, given=())
    assert await store.players.insert_many([later, BOB]) == {"bob"}
    read = await store.players.read_many(["ann"])
    assert read.players["ann"] == ANN._replace(version=1)


async def test_all_facts_are_read_back_as_they_were(store: Store) -> None:
    stat = StatFacts(7.5, NOW_MS, Counts(0, 2, 1, 0), 1, (Counts(1, 0, 0.25, 0),))
    goal = GoalFacts(True, NOW_MS, 20_000, 1.5, -2, NOW_MS + 1, NOW_MS + 2)
    facts = ANN._replace(stats={"statistic:wins": stat}, goals={"a": goal, "b": GoalFacts(False)})
    await store.players.insert_many([facts])
    read = await store.players.read_many(["ann"])
    assert read.players["ann"] == facts._replace(version=1)


async def test_a_decision_writes_goals_once_per_version(store: Store) -> None:
    await store.players.insert_many([ANN])
    decided = ANN._replace(version=1, changed_at_ms=NOW_MS + 9, goals={"a": GoalFacts(True, 5)})
    assert await store.players.update_goals(decided)
    assert not await store.players.update_goals(decided._replace(goals={}))
    assert not await store.players.update_goals(decided._replace(player="nobody"))
    read = await store.players.read_many(["ann"])
    assert read.players["ann"] == decided._replace(version=2)


async def test_an_update_writes_what_was_given_and_counts_the_version(store: Store) -> None:
    await store.players.insert_many([ANN])
    more = ANN._replace(
        version=1,
        changed_at_ms=NOW_MS + 9,
        answered=2,
        given=(*ANN.given, Given(8, NOW_MS + 9)),
    )
    assert await store.players.update_given_many([more]) == {"ann"}
    read = await store.players.read_many(["ann"])
    assert read.players["ann"] == more._replace(version=2)


async def test_an_update_of_another_version_changes_nothing(store: Store) -> None:
    await store.players.insert_many([ANN, BOB])
    stale = ANN._replace(version=0, answered=5)
    current = BOB._replace(version=1, answered=1)
    nobody = Player("nobody", NOW_MS, NOW_MS, 1, 0, ())
    assert await store.players.update_given_many([nobody, stale, current]) == {"bob"}
    read = await store.players.read_many(["ann", "bob", "nobody"])
    assert read.players == {"ann": ANN._replace(version=1), "bob": current._replace(version=2)}


async def test_an_id_may_be_any_text_of_a_hundred_characters(store: Store) -> None:
    ids = ["x" * 100, "\N{GRINNING FACE}" * 100, "'; drop table player; --", "A", "a"]
    await store.players.insert_many([BOB._replace(player=name) for name in ids])
    read = await store.players.read_many(ids)
    assert set(read.players) == set(ids)


async def test_a_row_that_was_deleted_and_made_again_is_not_the_one_that_was_read(
    store: Store,
) -> None:
    """It can have the same version, but not the same beginning."""
    await store.players.insert_many([ANN])
    before = ANN._replace(version=1, since_ms=NOW_MS - 1, goals={"a": GoalFacts(True, 5)})
    assert not await store.players.update_goals(before)
    assert await store.players.update_given_many([before]) == frozenset()
    assert (await store.players.read_many(["ann"])).players["ann"] == ANN._replace(version=1)
