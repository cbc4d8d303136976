"""An event for whose sake a transaction fails stands alone; its neighbours take effect."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from app.domain.player import Player
from app.errors import Problem
from app.services.events import POISON_MAX
from db.errors import unavailable
from db.events import PgEvents, PgEventTransaction
from tests.database import run_sql
from tests.event_pods import EventPod, a_login, event_pods

NAMES = [f"player-{number:02}" for number in range(40)]


@pytest.fixture
async def pod(database_url: str) -> AsyncIterator[EventPod]:
    async with event_pods(database_url) as [pod]:
        yield pod


def spoil(database_url: str, *names: str) -> None:
    """Give players facts that this code cannot read."""
    for name in names:
        run_sql(
            database_url,
            "insert into player (player, since, changed_at, version, format, answered, given)"
            f" values ('{name}', now(), now(), 1, 1, 0, '\\xff')",
        )


def remembered(database_url: str) -> int:
    return int(run_sql(database_url, "select count(distinct digest) from event_seen")[0])


async def test_only_the_event_that_fails_is_rejected_and_it_is_not_remembered(
    pod: EventPod, database_url: str
) -> None:
    spoil(database_url, "player-07", "player-31")
    batch = [a_login(name) for name in NAMES]
    with capture_logs() as lines:
        told = await pod.send(*batch)
    wrong = {place for place, word in enumerate(told) if word != "accepted"}
    assert wrong == {7, 31}
    assert told[7] == told[31] == "rejected internal"
    failed = [line["event_id"] for line in lines if line["event"] == "event_failed"]
    assert failed == [batch[7].id, batch[31].id]
    assert remembered(database_url) == 38
    run_sql(database_url, "delete from player where player = 'player-07'")
    again = await pod.send(*batch)
    assert again[7] == "accepted"
    assert again[31] == "rejected internal"
    assert again.count("duplicate") == 38


async def test_a_duplicate_of_what_fails_fails_as_well(pod: EventPod, database_url: str) -> None:
    spoil(database_url, "ann")
    event = a_login("ann")
    assert await pod.send(event, a_login("bob"), event) == [
        "rejected internal",
        "accepted",
        "rejected internal",
    ]


async def test_where_everything_fails_the_batch_fails_soon(
    pod: EventPod, database_url: str
) -> None:
    spoil(database_url, *NAMES)
    with capture_logs() as lines, pytest.raises(Exception, match="Expected `array`"):
        await pod.send(*(a_login(name) for name in NAMES))
    assert sum(line["event"] == "event_failed" for line in lines) == POISON_MAX


class Away(PgEventTransaction):
    """A transaction whose database goes away after all was written, and before the commit."""

    async def write_goals(self, players: Collection[Player]) -> None:
        await super().write_goals(players)
        raise unavailable()


class AwayEvents(PgEvents):
    """A store whose transactions do."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PgEventTransaction]:
        async with self._database.transaction() as transaction:
            yield Away(transaction, self._clock)


async def test_a_database_that_goes_away_leaves_nothing_and_acknowledges_nothing(
    pod: EventPod, database_url: str
) -> None:
    well, events = pod.store, [a_login("ann"), a_login("bob")]
    pod.store = AwayEvents(well._database, pod.clock)
    with pytest.raises(Problem) as raised:
        await pod.send(*events)
    assert raised.value.reason == "database_unavailable"
    assert remembered(database_url) == 0
    assert await pod.row("ann") is None
    pod.store = well
    assert await pod.send(*events) == ["accepted"] * 2
