"""What the catalogue revisions promise, whoever keeps them."""

import pytest

from app.domain.goal import GoalIdentity, Mode, Requirement, Rotation, Schedule, Source
from app.domain.identity import IdentityChanged
from tests.catalogues import defaults, make_catalogue, make_goal
from tests.contract.conftest import Store


async def test_revisions_are_numbered_in_order(store: Store) -> None:
    assert await store.revisions.register(defaults("a")) == 1
    assert await store.revisions.register(defaults("a", "b")) == 2


async def test_the_same_content_has_the_same_number_for_ever(store: Store) -> None:
    for catalogue in (defaults("a"), defaults("b"), defaults("a")):
        await store.revisions.register(catalogue)
    assert await store.revisions.register(defaults("a")) == 1
    assert await store.revisions.register(defaults("b")) == 2


async def test_each_revision_knows_its_own_defaults(store: Store) -> None:
    await store.revisions.register(make_catalogue(make_goal("a", default=True), make_goal("b")))
    await store.revisions.register(defaults("b", "c"))
    await store.revisions.register(make_catalogue(make_goal("b")))
    given = await store.revisions.defaults_of({3, 1, 2})
    assert given == {1: {"a"}, 2: {"b", "c"}, 3: set()}
    assert await store.revisions.defaults_of({2}) == {2: {"b", "c"}}
    assert await store.revisions.defaults_of(()) == {}


async def test_a_revision_that_never_was_is_an_error(store: Store) -> None:
    await store.revisions.register(defaults("a"))
    with pytest.raises(LookupError, match="9"):
        await store.revisions.defaults_of({1, 9})


async def test_goals_that_left_the_catalogue_are_still_known(store: Store) -> None:
    rotation = Rotation(Schedule.WEEKLY, reset_progress=True)
    await store.revisions.register(make_catalogue(make_goal("a", rotation=rotation)))
    await store.revisions.register(defaults("b"))
    assert await store.revisions.identities() == {
        "a": GoalIdentity(Source.STATISTIC, "wins", Mode.ABSOLUTE, rotation),
        "b": GoalIdentity(Source.STATISTIC, "wins", Mode.ABSOLUTE, None),
    }


async def test_a_goal_may_not_become_another_one_even_after_an_absence(store: Store) -> None:
    await store.revisions.register(defaults("a", "b"))
    await store.revisions.register(defaults("b"))
    kills = Requirement("kills", ">=", 10)
    with pytest.raises(IdentityChanged, match='goal "a":'):
        await store.revisions.register(
            make_catalogue(make_goal("a", requirement=kills), make_goal("b"))
        )
    assert set(await store.revisions.identities()) == {"a", "b"}
    assert await store.revisions.register(defaults("c")) == 3


async def test_a_new_target_is_no_new_meaning(store: Store) -> None:
    await store.revisions.register(defaults("a"))
    harder = Requirement("wins", ">=", 99)
    assert await store.revisions.register(make_catalogue(make_goal("a", requirement=harder))) == 2
