"""What the players' rows promise, whoever keeps them."""

from app.domain.facts import Assignment, Counts, GoalFacts, StatFacts
from app.domain.player import Player
from tests.contract.conftest import Store

NOW_MS = 1_800_000_000_123
ANN = Player("ann", NOW_MS, NOW_MS, 0, 1, (Assignment(7, NOW_MS),))
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


async def test_who_has_no_row_begins_and_who_has_one_stays(store: Store) -> None:
    await store.players.insert_many([ANN])
    begun = await store.players.begin_many(["ann", "bob", "cid"], 9)
    now_ms = begun.clock_ms
    assert begun.new == {"bob", "cid"}
    assert begun.players == {
        "ann": ANN._replace(version=1),
        "bob": Player("bob", now_ms, now_ms, 1, 1, (Assignment(9, now_ms),)),
        "cid": Player("cid", now_ms, now_ms, 1, 1, (Assignment(9, now_ms),)),
    }
    assert (await store.players.read_many(["ann", "bob", "cid"])).players == begun.players


async def test_who_begins_again_is_answered_the_same_and_is_not_new(store: Store) -> None:
    first = await store.players.begin_many(["ann"], 7)
    again = await store.players.begin_many(["ann"], 8)
    assert (again.new, again.players) == (frozenset(), first.players)
    assert again.clock_ms >= first.clock_ms


async def test_who_is_given_nothing_has_a_row_all_the_same(store: Store) -> None:
    begun = await store.players.begin_many(["ann"], None)
    now_ms = begun.clock_ms
    assert begun.new == {"ann"}
    read = await store.players.read_many(["ann"])
    assert read.players == {"ann": Player("ann", now_ms, now_ms, 1, 0, ())} == begun.players


async def test_the_clock_of_who_begins_is_cut_off_as_that_of_a_reading(store: Store) -> None:
    for _ in range(50):  # some of them would show a clock that was rounded
        before = await store.players.read_many([])
        begun = await store.players.begin_many(["ann"], 7)
        after = await store.players.read_many([])
        assert before.clock_ms <= begun.clock_ms <= after.clock_ms


async def test_when_nobody_begins_there_is_still_a_clock(store: Store) -> None:
    begun = await store.players.begin_many([], 7)
    assert begun.clock_ms > 1_700_000_000_000
    assert not begun.players


async def test_a_row_is_made_once_and_the_second_maker_is_told(store: Store) -> None:
    await store.players.insert_many([ANN])
    later = ANN._replace(since_ms=NOW_MS + 5, assignments=())
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
    assert not await store.players.update_goals(decided._replace(player_id="nobody"))
    read = await store.players.read_many(["ann"])
    assert read.players["ann"] == decided._replace(version=2)


async def test_an_update_writes_what_was_given_and_counts_the_version(store: Store) -> None:
    await store.players.insert_many([ANN])
    more = ANN._replace(
        version=1,
        changed_at_ms=NOW_MS + 9,
        answered=2,
        assignments=(*ANN.assignments, Assignment(8, NOW_MS + 9)),
    )
    assert await store.players.update_assignments_many([more]) == {"ann"}
    read = await store.players.read_many(["ann"])
    assert read.players["ann"] == more._replace(version=2)


async def test_an_update_of_another_version_changes_nothing(store: Store) -> None:
    await store.players.insert_many([ANN, BOB])
    stale = ANN._replace(version=0, answered=5)
    current = BOB._replace(version=1, answered=1)
    nobody = Player("nobody", NOW_MS, NOW_MS, 1, 0, ())
    assert await store.players.update_assignments_many([nobody, stale, current]) == {"bob"}
    read = await store.players.read_many(["ann", "bob", "nobody"])
    assert read.players == {"ann": ANN._replace(version=1), "bob": current._replace(version=2)}


async def test_an_id_may_be_any_text_of_a_hundred_characters(store: Store) -> None:
    ids = ["x" * 100, "\N{GRINNING FACE}" * 100, "'; drop table player; --", "A", "a"]
    await store.players.insert_many([BOB._replace(player_id=name) for name in ids])
    read = await store.players.read_many(ids)
    assert set(read.players) == set(ids)
    begun = await store.players.begin_many([*ids, *(f"{name[:99]}!" for name in ids)], 7)
    assert len(begun.new) == len(ids)
    assert set(ids) < set(begun.players)


async def test_a_row_that_was_deleted_and_made_again_is_not_the_one_that_was_read(
    store: Store,
) -> None:
    """It can have the same version, but not the same beginning."""
    await store.players.insert_many([ANN])
    before = ANN._replace(version=1, since_ms=NOW_MS - 1, goals={"a": GoalFacts(True, 5)})
    assert not await store.players.update_goals(before)
    assert await store.players.update_assignments_many([before]) == frozenset()
    assert (await store.players.read_many(["ann"])).players["ann"] == ANN._replace(version=1)
