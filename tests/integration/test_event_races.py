"""Events beside other events and beside everything else that writes players; sums stay exact."""

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from app.domain.errors import Unavailable
from app.domain.goal import Source
from app.domain.period import DAY_MS
from db.sql import load_statements
from tests.catalogues import make_catalogue, make_goal
from tests.database import await_blocked, run_sql
from tests.event_pods import EventPod, a_login, event_pods, relative, wins
from tests.eventually import PATIENCE_S

PLAYERS = [f"player-{number:03}" for number in range(60)]
# Byte by byte in ascending order; languages would order them differently.
ASCENDING = ("B", "a", "b", "é", "\N{GRINNING FACE}")


@pytest.fixture
async def pods(database_url: str) -> AsyncIterator[list[EventPod]]:
    async with event_pods(database_url, 2) as pods:
        yield pods


async def logins_of(pod: EventPod, names: list[str]) -> int:
    """Return how many logins were counted, whatever goals make of them."""
    rows = (await pod.players.read_many(names)).players.values()
    return sum(int(row.stats["login:login"].value) for row in rows)


@pytest.mark.parametrize("known", [True, False])
async def test_overlapping_batches_wait_for_each_other_and_every_login_counts_once(
    pods: list[EventPod], known: bool
) -> None:
    """Each event is in three batches, of two processes, in any order."""
    if known:
        for name in PLAYERS:
            await pods[0].initialize(name)
    rng = random.Random(1)
    now_ms = await pods[0].now_ms()
    events = [
        a_login(rng.choice(PLAYERS), at_ms=now_ms - rng.randrange(3 * DAY_MS)) for _ in range(1000)
    ]
    thrice = [rng.sample(events, len(events)) for _ in range(3)]
    batches = [each[start : start + 50] for each in thrice for start in range(0, 1000, 50)]
    rng.shuffle(batches)
    told = await asyncio.gather(
        *(pods[number % 2].send(*batch) for number, batch in enumerate(batches))
    )
    words = [word for each in told for word in each]
    assert words.count("accepted") == 1000
    assert words.count("duplicate") == 2000
    assert await logins_of(pods[0], PLAYERS) == 1000


async def test_one_event_sent_many_times_at_once_is_accepted_once(pods: list[EventPod]) -> None:
    for _ in range(5):
        event = a_login("ann")
        told = await asyncio.gather(*(pod.send(event) for pod in pods for _ in range(8)))
        assert sorted(told) == [["accepted"]] + [["duplicate"]] * 15
    assert await pods[0].progress("ann", "logins") == 5


async def test_events_initializes_and_selections_at_once_lose_nothing(
    pods: list[EventPod],
) -> None:
    """Nobody is known at the beginning, and a patch brings a new default meanwhile."""
    after_patch = make_catalogue(
        *pods[0].served.catalogue.goals,
        make_goal("new", default=True, source=Source.LOGIN, requirement=relative("login", 5)),
    )
    await pods[1].serve(after_patch)
    names = PLAYERS[:6]
    rng = random.Random(2)

    async def select(pod: EventPod, name: str, active: bool) -> None:
        await pod.selections.set_active(name, "challenge", "by-hand", active=active)

    async def wish(pod: EventPod, number: int) -> None:
        """Do one of three things; who is told to try again does."""
        try:
            await attempt(pod, number)
        except Unavailable:
            await wish(pod, number)

    async def attempt(pod: EventPod, number: int) -> None:
        name = names[number % len(names)]
        match number % 3:
            case 0:
                await pod.initialize(name)
            case 1:
                await select(pod, name, bool(number % 2))
            case _:
                await pod.send(*(a_login(each) for each in names), wins(name, number))

    wishes = [(pod, number) for pod in pods for number in range(60)]
    rng.shuffle(wishes)
    await asyncio.gather(*(wish(*each) for each in wishes))
    assert await logins_of(pods[1], names) == 2 * 20 * len(names)


async def test_each_write_of_a_player_has_a_version_of_its_own(pods: list[EventPod]) -> None:
    await pods[0].initialize("ann")
    await asyncio.gather(*(pod.send(a_login("ann")) for pod in pods for _ in range(10)))
    row = await pods[0].row("ann")
    assert row is not None
    assert row.version == 21


async def test_players_are_locked_in_ascending_order_of_bytes(
    pods: list[EventPod], session: asyncpg.Connection
) -> None:
    for name in reversed(ASCENDING):  # so that they do not lie in order
        await pods[0].initialize(name)
    async with session.transaction():
        await session.execute("select from player where player = 'b' for update")
        batch = [a_login(name) for name in ASCENDING[::-1]]
        sending = asyncio.create_task(pods[0].send(*batch))
        await await_blocked(session)
        # What comes after `b` is free; what comes before it is held.
        assert await pods[1].send(a_login("é"), a_login("\N{GRINNING FACE}")) == ["accepted"] * 2
        behind = asyncio.create_task(pods[1].send(a_login("a")))
        await await_blocked(session, 2)
    assert await sending == ["accepted"] * 5
    assert await behind == ["accepted"]


async def test_new_players_are_made_in_ascending_order_of_bytes(
    pods: list[EventPod], session: asyncpg.Connection
) -> None:
    async with session.transaction():
        await session.execute("insert into player values ('b', now(), now(), 1, 1, 0, '\\x90')")
        batch = [a_login(name) for name in ASCENDING[::-1]]
        sending = asyncio.create_task(pods[0].send(*batch))
        await await_blocked(session)
        assert await pods[1].send(a_login("é"), a_login("\N{GRINNING FACE}")) == ["accepted"] * 2
    assert await sending == ["accepted"] * 5


async def test_ids_come_before_players(pods: list[EventPod], session: asyncpg.Connection) -> None:
    """A batch that waits for an id holds no player up."""
    await pods[0].initialize("ann")
    event = a_login("ann")
    async with session.transaction():
        await session.execute("select from player where player = 'ann' for update")
        first = asyncio.create_task(pods[0].send(event))
        await await_blocked(session)
        again = asyncio.create_task(pods[1].send(event, a_login("bob")))
        await await_blocked(session, 2)
        assert await pods[1].send(a_login("bob")) == ["accepted"]
    assert await first == ["accepted"]
    assert await again == ["duplicate", "accepted"]


async def test_who_waits_over_midnight_decides_by_the_later_clock(
    pods: list[EventPod], session: asyncpg.Connection
) -> None:
    """A goal that completes after the wait is not completed before the row's last change."""
    await pods[0].initialize("ann")
    async with session.transaction():
        await session.execute("select from player where player = 'ann' for update")
        sending = asyncio.create_task(pods[0].send(wins("ann", 10)))
        await await_blocked(session)
        await session.execute("update player set changed_at = clock_timestamp() + '1 hour'")
    await sending
    row = await pods[0].row("ann")
    assert row is not None
    assert row.changed_at_ms > await pods[0].now_ms() + 3_000_000
    assert row.goals["a"].completed_at_ms == row.changed_at_ms


async def test_many_new_processes_with_few_connections_find_their_plans(
    database_url: str,
) -> None:
    """What a process lacks is never fetched while it holds a connection that others wait for."""
    async with event_pods(database_url, 1, size=2) as [old]:
        await old.initialize("ann")
        goals = old.served.catalogue.goals
        for number in range(3):
            await old.serve(make_catalogue(*goals, make_goal(f"more-{number}", default=True)))
            await old.initialize("ann")
    async with event_pods(database_url, 1, size=2) as [new]:
        # No time ends the wait for a connection: it is a deadlock, or there is none.
        async with asyncio.timeout(PATIENCE_S):
            told = await asyncio.gather(*(new.send(a_login("ann")) for _ in range(10)))
        assert told == [["accepted"]] * 10


def test_no_statement_of_events_scans_the_players(database_url: str) -> None:
    """Plans are kept: one made on the empty table of a launch day must be right for a full one."""
    run_sql(database_url, "select event_seen_make('2026-01-01', '2026-01-12')")
    statements = [each for each in load_statements().values() if each.name.startswith("events_")]
    assert len(statements) == 8
    for statement in statements:
        explain = f"set enable_seqscan = off; explain (generic_plan) {statement.text}"
        plan = "\n".join(run_sql(database_url, explain))
        assert "Seq Scan" not in plan, plan
