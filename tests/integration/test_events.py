"""What events do to players, and that each does it once, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from app.domain.goal import Rotation, Schedule, Source, Status
from app.domain.period import DAY_MS
from tests.catalogues import make_catalogue, make_goal
from tests.database import run_sql
from tests.event_pods import HOUR_MS, SEASON, EventPod, a_login, event_pods, relative, wins

NOON_MS = 1_796_126_400_000  # 2026-12-01, a Tuesday
MIDNIGHT_MS = NOON_MS - 12 * HOUR_MS


@pytest.fixture
async def pod(database_url: str) -> AsyncIterator[EventPod]:
    async with event_pods(database_url) as [pod]:
        await pod.stand_at(NOON_MS)
        yield pod


@pytest.fixture
async def strict_pod(database_url: str) -> AsyncIterator[EventPod]:
    """Give a pod that makes nobody known."""
    async with event_pods(database_url, make_known=False) as [pod]:
        await pod.stand_at(NOON_MS)
        yield pod


def remembered(database_url: str) -> int:
    return int(run_sql(database_url, "select count(*) from event_seen")[0])


# ── effects ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_batch_moves_every_player_that_it_names(pod: EventPod) -> None:
    batch = [wins("ann", 4), a_login("bob"), wins("ann", 7), a_login("bob"), wins("cid", 12)]
    assert await pod.send(*batch) == ["accepted"] * 5
    assert [await pod.progress(name) for name in ("ann", "bob", "cid")] == [7, 0, 12]
    assert await pod.progress("bob", "logins") == 2
    goal = (await pod.see("cid")).of(0)
    assert goal.status is Status.COMPLETED
    assert goal.completed_at_ms is not None
    assert NOON_MS <= goal.completed_at_ms < NOON_MS + HOUR_MS


async def test_a_batch_writes_each_player_once(pod: EventPod) -> None:
    for name in ("ann", "bob"):
        await pod.initialize(name)
    assert await pod.send(*(wins("ann", value) for value in range(1, 30)), wins("bob", 2))
    for name in ("ann", "bob"):
        row = await pod.row(name)
        assert row is not None
        assert row.version == 2


async def test_a_batch_is_one_transaction_of_a_statement_for_each_thing(pod: EventPod) -> None:
    names = [f"player-{number}" for number in range(20)]
    for name in names[:10]:
        await pod.initialize(name)
    await pod.send(*(wins(name, 1) for name in names))
    pod.statements.clear()
    await pod.send(*(wins(name, 10 if name < "player-5" else 2) for name in names))
    once = ["now", "remember", "make_known", "lock", "write_stats", "write_goals"]
    assert pod.statements == {
        "transaction_begin": 1,
        "transaction_wait_longer": 1,
        **{f"events_{name}": 1 for name in once},
        "transaction_commit": 1,
    }


async def test_a_large_batch_is_committed_in_pieces_and_others_run_between_them(
    pod: EventPod,
) -> None:
    handed_on = 0
    committed: list[int] = []

    async def hand_on() -> None:
        nonlocal handed_on
        handed_on += 1
        committed.append(len((await pod.players.read_many(names)).players))

    names = [f"player-{number:03}" for number in range(250)]
    pod.policy.piece.events = 100
    batch = [wins(name, 3) for name in reversed(names)]
    assert await pod.send(*batch, hand_on=hand_on) == ["accepted"] * 250
    # Between two pieces: what was committed until then is there.
    assert committed[0] == 100
    assert sorted(committed) == committed
    assert handed_on == len(committed) >= 2
    assert len((await pod.players.read_many(names)).players) == 250


async def test_the_pieces_of_a_batch_take_effect_in_the_order_of_time(pod: EventPod) -> None:
    """A statistic's last value by its own time is what counts, wherever it stands in the batch."""
    pod.policy.piece.events = 25
    now_ms = await pod.now_ms()
    earlier = [wins("ann", 5, at_ms=now_ms - 1_000 - second) for second in range(60)]
    assert await pod.send(wins("ann", 3, at_ms=now_ms), *earlier) == ["accepted"] * 61
    assert await pod.progress("ann") == 3


async def test_what_is_sent_twice_in_one_batch_counts_once_wherever_the_pieces_are_cut(
    pod: EventPod,
) -> None:
    pod.policy.piece.events = 25
    first = [wins("ann", 0, event_id=f"id-{number}", increase=1) for number in range(30)]
    told = await pod.send(*first, *first)
    assert told == ["accepted"] * 30 + ["duplicate"] * 30


async def test_a_piece_that_fails_leaves_those_before_it_committed_and_known(
    pod: EventPod,
) -> None:
    pod.policy.piece.events = 25
    batch = [wins(f"player-{number:03}", 3) for number in range(60)]

    async def hand_on() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await pod.send(*batch, hand_on=hand_on)
    assert await pod.send(*batch) == ["duplicate"] * 25 + ["accepted"] * 35


async def test_no_event_is_as_good_as_one(pod: EventPod) -> None:
    assert await pod.send() == []


async def test_an_event_that_changes_nothing_leaves_the_row_alone(
    pod: EventPod, database_url: str
) -> None:
    await pod.send(wins("ann", 5, at_ms=NOON_MS - 1000))
    where = "select ctid, version, changed_at from player"
    before = run_sql(database_url, where)
    assert await pod.send(wins("ann", 5, at_ms=NOON_MS - 2000)) == ["accepted"]
    assert run_sql(database_url, where) == before


async def test_events_of_one_batch_count_in_the_order_of_their_own_time(pod: EventPod) -> None:
    """Whatever comes later about a time before the player was known does not count any more."""
    await pod.serve(make_catalogue(make_goal("r", default=True, requirement=relative("wins", 5))))
    later = wins("ann", 104, at_ms=NOON_MS - 1000, increase=4)
    earlier = wins("ann", 100, at_ms=NOON_MS - 2000, increase=2)
    await pod.send(later, earlier)
    assert await pod.progress("ann", "r") == 6


async def test_of_two_events_of_one_time_the_later_in_the_batch_counts(pod: EventPod) -> None:
    await pod.send(wins("ann", 9, at_ms=NOON_MS), wins("ann", 3, at_ms=NOON_MS))
    assert await pod.progress("ann") == 3


async def test_an_event_from_the_future_happens_now(pod: EventPod) -> None:
    for ahead_ms in (1000, 20 * HOUR_MS, 40 * HOUR_MS, 900_000 * HOUR_MS):
        assert await pod.send(a_login("ann", at_ms=NOON_MS + ahead_ms)) == ["accepted"]
    assert await pod.progress("ann", "daily") == 4
    await pod.send(wins("ann", 3, at_ms=NOON_MS + 40 * HOUR_MS), wins("ann", 5))
    assert await pod.progress("ann") == 5


async def test_the_events_own_time_decides_its_period(pod: EventPod) -> None:
    await pod.stand_at(MIDNIGHT_MS - HOUR_MS)
    await pod.initialize("ann")
    await pod.stand_at(MIDNIGHT_MS + 1000)
    await pod.send(a_login("ann", at_ms=MIDNIGHT_MS + 500))
    await pod.send(a_login("ann", at_ms=MIDNIGHT_MS - 1), a_login("ann", at_ms=MIDNIGHT_MS - 2))
    assert await pod.progress("ann", "daily") == 1
    assert await pod.progress("ann", "logins") == 3


async def test_a_hand_picked_goal_counts_from_its_activation(pod: EventPod) -> None:
    await pod.send(wins("ann", 50))
    await pod.selections.set_active("ann", "challenge", "by-hand", active=True)
    await pod.send(wins("ann", 62))
    assert await pod.progress("ann", "by-hand") == 12


async def test_what_says_nothing_any_more_goes_when_goals_are_written(pod: EventPod) -> None:
    twice = make_goal(
        "twice",
        default=True,
        source=Source.LOGIN,
        requirement=relative("login", 2),
        rotation=Rotation(Schedule.DAILY, reset_progress=True, allow_reselection=True),
    )
    await pod.serve(make_catalogue(SEASON.goals[1], twice))
    await pod.send(a_login("ann"), a_login("ann"))
    row = await pod.row("ann")
    assert row is not None
    claimed = replace(row.goals["twice"], claimed_at_ms=row.changed_at_ms)
    assert await pod.players.update_goals(row._replace(goals={"twice": claimed}))
    await pod.stand_at(NOON_MS + DAY_MS)
    await pod.send(a_login("ann"))
    row = await pod.row("ann")
    assert row is not None
    assert row.goals.keys() == {"logins"}


async def test_fractions_are_kept_and_a_negative_increase_is_one(pod: EventPod) -> None:
    await pod.send(wins("ann", 2.5), wins("ann", 2.25, increase=-0.25))
    row = await pod.row("ann")
    assert row is not None
    assert row.stats["statistic:wins"].value == 2.25
    assert await pod.progress("ann") == 2


# ── once ──────────────────────────────────────────────────────────────────────────────────────────


async def test_an_event_counts_once_in_a_batch_and_over_batches(pod: EventPod) -> None:
    first = [a_login("ann", "x"), a_login("ann", "x"), a_login("ann", "y")]
    assert await pod.send(*first) == ["accepted", "duplicate", "accepted"]
    assert await pod.send(*reversed(first)) == ["duplicate"] * 3
    assert await pod.progress("ann", "logins") == 2


async def test_another_source_is_another_event(pod: EventPod) -> None:
    event = a_login("ann", "x")
    assert await pod.send(event, event._replace(source="others")) == ["accepted"] * 2


@pytest.mark.parametrize("after_days", [1, 2, 5, 7])
async def test_an_event_that_comes_again_days_later_is_known_by_its_own_day(
    pod: EventPod, after_days: int
) -> None:
    event = a_login("ann", "x", NOON_MS - HOUR_MS)
    await pod.send(event)
    await pod.stand_at(NOON_MS + after_days * DAY_MS)
    assert await pod.send(event) == ["duplicate"]


@pytest.mark.parametrize("at_ms", [None, NOON_MS + 40 * HOUR_MS, NOON_MS + 20 * HOUR_MS])
async def test_an_event_without_a_past_is_known_by_the_day_of_receipt_and_the_next(
    pod: EventPod, at_ms: int | None
) -> None:
    event = a_login("ann", "x", at_ms)
    await pod.send(event)
    assert await pod.send(event) == ["duplicate"]
    await pod.stand_at(MIDNIGHT_MS + DAY_MS + HOUR_MS)
    assert await pod.send(event) == ["duplicate"]


@pytest.mark.parametrize("at_ms", [None, NOON_MS + 90 * HOUR_MS])
async def test_an_event_without_a_past_that_comes_again_after_the_next_day_counts_again(
    pod: EventPod, at_ms: int | None
) -> None:
    event = a_login("ann", "x", at_ms)
    await pod.send(event)
    await pod.stand_at(MIDNIGHT_MS + 2 * DAY_MS - HOUR_MS)
    assert await pod.send(event) == ["duplicate"]
    await pod.stand_at(MIDNIGHT_MS + 3 * DAY_MS)
    assert await pod.send(event) == ["accepted"]


async def test_an_event_that_comes_again_with_a_time_of_another_day_counts_again(
    pod: EventPod,
) -> None:
    event = a_login("ann", "x", NOON_MS - DAY_MS)
    await pod.send(event)
    assert await pod.send(event._replace(at_ms=NOON_MS)) == ["accepted"]


async def test_an_event_beyond_the_horizon_is_refused_whether_it_is_known_or_not(
    pod: EventPod,
) -> None:
    event = a_login("ann", "x", NOON_MS)
    await pod.send(event)
    await pod.stand_at(NOON_MS + 8 * DAY_MS - HOUR_MS)
    assert await pod.send(event) == ["duplicate"]
    await pod.stand_at(NOON_MS + 8 * DAY_MS + 1)
    ancient = a_login("ann", at_ms=-(10**14))
    assert await pod.send(event, ancient) == ["rejected too_old"] * 2
    assert await pod.progress("ann", "logins") == 1


# ── ignored ───────────────────────────────────────────────────────────────────────────────────────


async def test_another_namespaces_events_are_ignored_and_not_remembered(
    pod: EventPod, database_url: str
) -> None:
    foreign = a_login("ann", "x")._replace(namespace="theirs")
    assert await pod.send(foreign, foreign) == ["ignored namespace_foreign"] * 2
    assert remembered(database_url) == 0
    ours = a_login("ann", "x")._replace(namespace="local")
    assert await pod.send(ours, foreign, ours._replace(namespace=None)) == [
        "accepted",
        "ignored namespace_foreign",
        "duplicate",
    ]


async def test_an_ancient_event_of_another_namespace_is_just_foreign(pod: EventPod) -> None:
    event = a_login("ann", at_ms=0)._replace(namespace="theirs")
    assert await pod.send(event) == ["ignored namespace_foreign"]


async def test_what_no_goal_listens_to_and_negative_values_are_ignored_and_remembered(
    pod: EventPod,
) -> None:
    unheard, negative = wins("ann", 1, "u", stat="losses"), wins("ann", -1, "n")
    assert await pod.send(unheard, negative) == ["ignored stat_unknown", "ignored value_negative"]
    assert await pod.row("ann") is None
    assert await pod.send(unheard, negative) == ["duplicate"] * 2
    listening = make_goal("b", requirement=SEASON.goals[0].requirement)
    await pod.serve(make_catalogue(listening))
    assert await pod.send(a_login("ann")) == ["ignored stat_unknown"]


async def test_a_login_does_not_move_a_statistic_of_the_same_code(pod: EventPod) -> None:
    await pod.serve(
        make_catalogue(make_goal("a", default=True), make_goal("l", source=Source.LOGIN))
    )
    await pod.send(a_login("ann"), a_login("ann"), wins("ann", 1))
    assert await pod.progress("ann") == 1


# ── players nobody knows ──────────────────────────────────────────────────────────────────────────


async def test_an_event_makes_a_player_known_and_the_next_initialize_tells_of_the_goals(
    pod: EventPod,
) -> None:
    assert await pod.send(a_login("ann")) == ["accepted"]
    row = await pod.row("ann")
    assert row is not None
    assert (row.answered, len(row.assignments), row.version) == (0, 1, 2)
    assert await pod.initialize("ann") == 3
    assert await pod.initialize("ann") == 0
    assert await pod.progress("ann", "logins") == 1


async def test_a_known_player_is_left_with_what_he_was_given(pod: EventPod) -> None:
    await pod.initialize("ann")
    await pod.send(a_login("ann"))
    row = await pod.row("ann")
    assert row is not None
    assert (row.answered, len(row.assignments)) == (1, 1)


async def test_without_defaults_a_player_is_known_all_the_same(pod: EventPod) -> None:
    await pod.serve(make_catalogue(make_goal("a")))
    assert await pod.send(wins("ann", 3)) == ["accepted"]
    row = await pod.row("ann")
    assert row is not None
    assert row.assignments == ()


async def test_where_events_make_nobody_known_they_are_ignored_and_remembered(
    strict_pod: EventPod,
) -> None:
    event = a_login("ann", "x")
    await strict_pod.initialize("bob")
    assert await strict_pod.send(event, a_login("bob")) == ["ignored player_unknown", "accepted"]
    assert await strict_pod.row("ann") is None
    await strict_pod.initialize("ann")
    assert await strict_pod.send(event) == ["duplicate"]
    assert await strict_pod.progress("ann", "logins") == 0
    assert await strict_pod.send(a_login("ann")) == ["accepted"]
