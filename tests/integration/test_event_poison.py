"""A player or event for whose sake a transaction fails stands alone; neighbours take effect."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from traceback import format_exception
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.domain.errors import Unavailable
from app.domain.intake import SeenKey, digest_of
from app.domain.pieces import EVENTS_MIN
from app.domain.player import Player, PlayersRead
from app.services.events import POISON_MAX
from db.events import PgEvents, PgEventTransaction
from tests.database import run_sql
from tests.event_pods import EventPod, a_login, event_pods, wins

NAMES = [f"player-{number:02}" for number in range(40)]
SPOILT = {digest_of("tests", f"spoilt-{number}") for number in range(40)}


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


def failed(lines: list[Any]) -> list[list[str]]:
    """Return the ids of the events of each line that tells of failed ones."""
    told = [line for line in lines if line["event"] == "event_failed"]
    assert not any("exc_info" in line for line in told)
    return [[event_id for _, event_id in line["events"]] for line in told]


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
    assert failed(lines) == [[batch[7].id], [batch[31].id]]
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


async def test_many_events_of_one_bad_player_cost_nobody_else_anything(
    pod: EventPod, database_url: str
) -> None:
    """Not even the order of their own events, which do not come in the order of their times."""
    spoil(database_url, "bad")
    now_ms = await pod.now_ms()
    batch, expected = [], []
    for number in range(3 * POISON_MAX):
        ann, bob = (wins(name, 90 - number, at_ms=now_ms - number) for name in ("ann", "bob"))
        batch += [ann, a_login("bad"), bob]
        expected += ["accepted", "rejected internal", "accepted"]
    with capture_logs() as lines:
        assert await pod.send(*batch) == expected
    assert failed(lines) == [[each.id for each in batch if each.player_id == "bad"]]
    for name in ("ann", "bob"):
        row = await pod.row(name)
        assert row is not None
        assert (row.stats["statistic:wins"].value, row.version) == (90, 2)
    run_sql(database_url, "delete from player where player = 'bad'")
    again = ["accepted" if word.startswith("rejected") else "duplicate" for word in expected]
    assert await pod.send(*batch) == again


async def test_as_many_bad_players_as_there_may_be_are_taken_out_with_all_their_events(
    pod: EventPod, database_url: str
) -> None:
    bad = NAMES[:POISON_MAX]
    spoil(database_url, *bad)
    batch = [a_login(name) for _ in range(5) for name in NAMES]
    told = await pod.send(*batch)
    assert told == ["rejected internal" if each.player_id in bad else "accepted" for each in batch]


async def test_five_hundred_events_of_a_bad_player_are_a_transaction_for_each_piece(
    pod: EventPod, database_url: str
) -> None:
    spoil(database_url, "bad")
    pod.statements.clear()
    assert await pod.send(*(a_login("bad") for _ in range(500))) == ["rejected internal"] * 500
    assert 1 <= pod.statements["transaction_begin"] <= 500 // EVENTS_MIN


async def test_what_needs_no_facts_of_a_bad_player_is_told_as_ever(
    pod: EventPod, database_url: str
) -> None:
    known, unheard = a_login("ann"), wins("ann", 1, stat="nobody_listens")
    await pod.send(known)
    run_sql(database_url, "update player set stats = '\\xff'")
    assert await pod.send(known, a_login("ann"), unheard) == [
        "duplicate",
        "rejected internal",
        "ignored stat_unknown",
    ]


async def test_where_everything_fails_the_batch_fails_soon(
    pod: EventPod, database_url: str
) -> None:
    spoil(database_url, *NAMES)
    with capture_logs() as lines, pytest.raises(RuntimeError, match="more than 8 players"):
        await pod.send(*(a_login(name) for name in NAMES for _ in range(3)))
    assert len(failed(lines)) == POISON_MAX


class Refusing(PgEventTransaction):
    """A transaction that fails on some events and quotes a row, as the database's errors do."""

    async def remember(self, keys: Collection[SeenKey]) -> frozenset[SeenKey]:
        if any(key.digest in SPOILT for key in keys):
            raise ValueError(f"Failing row contains ({NAMES[0]})")
        return await super().remember(keys)


class Away(PgEventTransaction):
    """A transaction whose database goes away after all was written, and before the commit."""

    async def write_goals(self, players: Collection[Player]) -> None:
        await super().write_goals(players)
        raise Unavailable


class Planted(PgEvents):
    """A store whose transactions are of another kind."""

    def __init__(self, pod: EventPod, kind: type[PgEventTransaction]) -> None:
        super().__init__(pod.store._database, pod.clock)
        self._kind = kind

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PgEventTransaction]:
        async with self._database.transaction() as transaction:
            yield self._kind(transaction, self._clock)


async def test_of_a_player_whose_facts_can_be_read_only_the_events_that_fail_are_rejected(
    pod: EventPod,
) -> None:
    pod.store = Planted(pod, Refusing)
    batch = [wins(name, value) for value in range(1, 7) for name in NAMES[:3]]
    spoilt = {0: "spoilt-0", 3: "spoilt-1", 10: "spoilt-2"}
    for place, event_id in spoilt.items():
        batch[place] = batch[place]._replace(id=event_id)
    with capture_logs() as lines:
        told = await pod.send(*batch)
    assert {
        place: batch[place].id for place, word in enumerate(told) if word != "accepted"
    } == spoilt
    assert failed(lines) == [["spoilt-0"], ["spoilt-1"], ["spoilt-2"]]
    assert "player-" not in str(lines)
    assert [await pod.progress(name) for name in NAMES[:3]] == [6, 6, 6]


async def test_what_a_failed_batch_raises_names_no_player(pod: EventPod) -> None:
    pod.store = Planted(pod, Refusing)
    with capture_logs() as lines, pytest.raises(RuntimeError) as raised:
        await pod.send(*(wins(name, 6, f"spoilt-{place}") for place, name in enumerate(NAMES)))
    assert "player-" not in "".join(format_exception(raised.value)) + str(lines)


async def test_a_database_that_goes_away_leaves_nothing_and_acknowledges_nothing(
    pod: EventPod, database_url: str
) -> None:
    well, events = pod.store, [a_login("ann"), a_login("bob")]
    pod.store = Planted(pod, Away)
    with pytest.raises(Unavailable):
        await pod.send(*events)
    assert remembered(database_url) == 0
    assert await pod.row("ann") is None
    pod.store = well
    assert await pod.send(*events) == ["accepted"] * 2


class GivenUp(PgEventTransaction):
    """A transaction that a lock keeps waiting, and that is given up."""

    async def lock(self, players: Collection[str]) -> PlayersRead:
        raise Unavailable


async def test_pieces_that_are_given_up_after_a_wait_become_smaller(
    pod: EventPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod.store = Planted(pod, GivenUp)
    each_look_30_ms_later = partial(next, count(0, 0.03))
    monkeypatch.setattr("app.services.events.perf_counter", each_look_30_ms_later)
    pod.policy.piece.events = 200
    with pytest.raises(Unavailable):
        await pod.send(*(wins(f"player-{number:03}", 3) for number in range(200)))
    assert pod.policy.piece.events == 100
