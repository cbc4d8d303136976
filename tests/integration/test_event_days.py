"""The days under which events are remembered: made ahead, dropped when over, by which clock."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from subprocess import CalledProcessError

import asyncpg
import pytest

from app.domain.intake import DaysKept, days_kept
from app.domain.period import DAY_MS
from app.events.days import keeping_days, make_days
from db.events import PgEvents
from db.pool import Database
from tests.database import run_sql
from tests.event_pods import EventPod, a_login, event_pods
from tests.eventually import until

SUMMER_MS = 1_813_752_000_000  # 2027-06-23
EPOCH = date(1970, 1, 1)


@pytest.fixture
async def pod(database_url: str) -> AsyncIterator[EventPod]:
    async with event_pods(database_url) as [pod]:
        yield pod


def today() -> date:
    return datetime.now(UTC).date()


def days_of(database_url: str) -> list[date]:
    tables = run_sql(
        database_url,
        "select substr(inhrelid::regclass::text, 12) from pg_inherits"
        " where inhparent = 'event_seen'::regclass order by 1",
    )
    return [datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC).date() for name in tables]


def around(day: date) -> list[date]:
    return [day + timedelta(days=n) for n in range(-9, 3)]


async def until_days(database_url: str, count: int) -> None:
    async def are_so_many() -> bool:
        return len(days_of(database_url)) == count

    await until(are_so_many)


async def drop(pod: EventPod) -> int:
    return await pod.store.drop_days(days_kept(await pod.now_ms()).first)


async def test_nine_days_back_and_two_ahead_are_made_once(pod: EventPod, database_url: str) -> None:
    assert days_of(database_url) == around(today())
    await asyncio.gather(*(make_days(pod.store) for _ in range(8)))
    assert days_of(database_url) == around(today())


async def test_what_is_over_is_dropped_and_nothing_else(pod: EventPod, database_url: str) -> None:
    old = (today() - timedelta(days=12) - EPOCH).days
    await pod.store.make_days(DaysKept(old, old + 2))
    assert await drop(pod) == 3
    assert days_of(database_url) == around(today())


async def test_a_moment_that_is_set_ahead_drops_nothing_that_the_real_one_needs(
    pod: EventPod, database_url: str
) -> None:
    event = a_login("ann")
    await pod.send(event)
    await pod.stand_at(SUMMER_MS)
    assert await drop(pod) == 0
    assert days_of(database_url) == around(today()) + around(date(2027, 6, 23))
    in_summer = a_login("ann")
    await pod.send(in_summer)
    pod.clock.release()
    assert await pod.send(event) == ["duplicate"]
    assert await drop(pod) == 0
    await pod.stand_at(SUMMER_MS + DAY_MS)
    assert await pod.send(in_summer) == ["duplicate"]


async def test_a_moment_that_is_set_back_keeps_its_own_days_until_it_is_released(
    pod: EventPod, database_url: str
) -> None:
    await pod.stand_at(0)
    event = a_login("ann")
    assert await pod.send(event) == ["accepted"]
    assert await drop(pod) == 0
    assert await pod.send(event) == ["duplicate"]
    pod.clock.release()
    assert await drop(pod) == 12
    assert days_of(database_url) == around(today())
    await pod.stand_at(0)
    assert await pod.send(event) == ["accepted"]


async def test_an_event_that_finds_no_day_makes_it(pod: EventPod, database_url: str) -> None:
    """Another process, on another clock, may have dropped it; or nobody looked for a week."""
    for day in days_of(database_url):
        run_sql(database_url, f"drop table event_seen_{day:%Y%m%d}")
    event = a_login("ann")
    assert await pod.send(event, a_login("bob")) == ["accepted"] * 2
    assert await pod.send(event) == ["duplicate"]
    assert await pod.progress("ann", "logins") == 1


async def test_the_keeper_makes_and_drops_while_it_runs_and_survives_a_blip(
    pod: EventPod, database_url: str
) -> None:
    class Blips(PgEvents):
        left = 2

        async def drop_days(self, before: int) -> int:
            self.left -= 1
            if self.left >= 0:
                raise OSError("planted")
            return await super().drop_days(before)

    store = Blips(pod.store._database, pod.clock)
    old = (today() - timedelta(days=40) - EPOCH).days
    await store.make_days(DaysKept(old, old))
    async with keeping_days(store, look_every_s=0.01):
        await until_days(database_url, 12)
        run_sql(database_url, f"drop table event_seen_{today():%Y%m%d}")
        await until_days(database_url, 12)
    assert store.left < 0


async def test_a_start_lists_the_days_once_and_drops_what_is_over_before_it_ends(
    pod: EventPod, database_url: str
) -> None:
    """Later, somebody may set the moment between its reading and the drop."""
    old = (today() - timedelta(days=40) - EPOCH).days
    await pod.store.make_days(DaysKept(old, old))
    pod.statements.clear()
    async with keeping_days(pod.store):
        assert days_of(database_url) == around(today())
        assert pod.statements == {"events_now": 1, "events_make_days": 1, "events_drop_days": 1}


async def test_a_day_that_cannot_be_dropped_keeps_nobody_from_starting(
    pod: EventPod, database_url: str, session: asyncpg.Connection
) -> None:
    old = (today() - timedelta(days=40) - EPOCH).days
    await pod.store.make_days(DaysKept(old, old))
    async with session.transaction():
        # As a backup would read it.
        await session.execute("select from event_seen")
        async with keeping_days(pod.store):
            assert len(days_of(database_url)) == 13


async def test_whoever_writes_events_does_not_wait_for_a_day_to_be_made(
    pod: EventPod, database_url: str
) -> None:
    """Making takes no lock that an insert would wait for, or that an insert holds."""
    other = Database(database_url, size=1)
    await other.open()
    async with other.transaction() as transaction:
        await transaction.fetch("events_remember", [(today() - EPOCH).days], [b"x" * 16])
        ahead = (today() - EPOCH).days + 5
        await pod.store.make_days(DaysKept(ahead, ahead))
    await other.close()
    assert len(days_of(database_url)) == 13


@pytest.mark.parametrize(
    "days", ["'2026-01-02', '2026-01-01'", "'2026-01-01', '2026-02-02'", "'2026-01-01', 'infinity'"]
)
def test_nobody_makes_days_without_a_bound(database_url: str, days: str) -> None:
    with pytest.raises(CalledProcessError):
        run_sql(database_url, f"select event_seen_make({days})")


def test_nobody_drops_what_the_databases_own_clock_needs(database_url: str) -> None:
    run_sql(database_url, f"select event_seen_make('{today() - timedelta(days=10)}', '{today()}')")
    assert run_sql(database_url, "select event_seen_drop('infinity')") == ["1"]
    assert days_of(database_url) == around(today())[:10]


def test_a_role_that_may_only_read_and_write_can_keep_days(
    database_url: str, postgres_url: str
) -> None:
    run_sql(
        database_url,
        "do $$ begin create role ordinary_events login;"
        " exception when duplicate_object then null; end $$",
    )
    run_sql(database_url, "grant select, insert on event_seen to ordinary_events")
    as_role = "set role ordinary_events; create temp table event_seen (day date); "
    run_sql(database_url, as_role + f"select event_seen_make('{today()}', '{today()}')")
    run_sql(
        database_url,
        "set role ordinary_events;"
        f" insert into event_seen values ('{today()}', decode(repeat('00', 16), 'hex'))",
    )
    assert days_of(database_url) == [today()]
