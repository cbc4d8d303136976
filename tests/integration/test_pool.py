"""The pool against a server that is slow, silent, gone, back, or of another mind."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType

import asyncpg
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.domain.errors import TimedOut, Unavailable
from app.errors import problem_of
from db.errors import DatabaseUnreachable
from db.pool import Database
from tests.database import run_sql
from tests.eventually import PATIENCE_S

TERMINATE = (
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name='headrace'"
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = with_statements(Database(database_url, size=2, statement_s_max=1.0))
    await database.open()
    yield database
    await database.close()


def with_statements(database: Database) -> Database:
    """Add statements that misbehave, which the service has none of."""
    ping = database._statements["database_ping"]
    texts = {
        "sleep": "select pg_sleep($1)",
        "pid": "select pg_backend_pid()",
        "wrong": "select 1 from no_such_table",
        "fail": "do $$ begin raise sqlstate '57P01' using message = 'the secret'; end $$",
        "setting": "select current_setting($1)",
        "lock_bound": "select current_setting('lock_timeout'), pg_backend_pid()",
    }
    database._statements = MappingProxyType(
        {name: replace(ping, name=name, text=text) for name, text in texts.items()}
        | dict(database._statements)
    )
    return database


async def is_unavailable(database: Database, *statement: object) -> bool:
    with pytest.raises(Unavailable):
        await database.fetch(*statement)  # type: ignore[arg-type]
    return True


async def test_a_statement_that_takes_too_long_is_a_503_and_the_pool_goes_on(
    database: Database,
) -> None:
    for _ in range(3):
        assert await is_unavailable(database, "sleep", 30.0)
    assert await database.fetch("database_ping")


async def test_the_driver_s_text_never_reaches_the_client(database: Database) -> None:
    with pytest.raises(Unavailable) as caught:
        await database.fetch("fail")
    assert b"secret" not in problem_of(caught.value).body()
    assert "the secret" in str(caught.value.__cause__)


async def test_our_own_mistake_is_no_problem_of_the_database_s(database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.fetch("wrong")


async def test_more_callers_than_connections_wait_no_longer_than_told(database_url: str) -> None:
    database = with_statements(Database(database_url, size=1, acquire_s_max=0.1))
    await database.open()
    busy = asyncio.create_task(database.fetch("sleep", 60.0))
    await asyncio.sleep(0)
    assert await is_unavailable(database, "database_ping")
    busy.cancel()
    assert await database.fetch("database_ping")
    await database.close()


async def test_who_waits_gets_the_next_connection_that_is_free(database_url: str) -> None:
    database = with_statements(Database(database_url, size=1, acquire_s_max=PATIENCE_S))
    await database.open()
    await database.fetch("database_ping")
    order: list[str] = []

    async def ask(name: str, *arguments: object) -> None:
        await database.fetch(name, *arguments)
        order.append(name)

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        group.create_task(ask("sleep", 0.1))
        group.create_task(ask("database_ping"))
    assert order == ["sleep", "database_ping"]
    assert database.in_use == 0
    await database.close()


async def test_connections_that_were_cut_are_replaced(
    database: Database, database_url: str
) -> None:
    await database.fetch("database_ping")
    run_sql(database_url, TERMINATE)
    # A connection may be chosen before the news of its end has arrived.
    for _ in range(database.size):
        try:
            await database.fetch("database_ping")
        except Unavailable:
            continue
    assert await database.fetch("database_ping")


async def test_a_statement_whose_connection_is_cut_is_a_503(
    database_url: str,
) -> None:
    database = with_statements(Database(database_url, size=1))
    await database.open()
    sleeping = asyncio.create_task(is_unavailable(database, "sleep", 60.0))
    await asyncio.sleep(0.05)
    assert database.in_use == 1
    run_sql(database_url, TERMINATE)
    assert await sleeping
    assert await database.fetch("database_ping")
    await database.close()


@asynccontextmanager
async def silent_server(database_url: str, statement_s_max: float) -> AsyncIterator[Database]:
    """Yield a pool whose only connection leads to a server process that does nothing any more."""
    database = with_statements(Database(database_url, size=1, statement_s_max=statement_s_max))
    await database.open()
    [[pid]] = await database.fetch("pid")
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield database
    finally:
        os.kill(pid, signal.SIGCONT)
        await database.close()


async def test_a_server_that_falls_silent_costs_its_connection_and_no_more_time(
    database_url: str,
) -> None:
    async with silent_server(database_url, statement_s_max=1.0) as database:
        assert await is_unavailable(database, "database_ping")
        assert await database.fetch("database_ping")


async def test_who_leaves_a_silent_server_does_not_wait_for_its_word(database_url: str) -> None:
    async with silent_server(database_url, statement_s_max=3600) as database:
        leaving = asyncio.create_task(database.fetch("database_ping"))
        await asyncio.sleep(0.05)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert await database.fetch("database_ping")


async def test_a_connection_that_the_driver_lost_track_of_is_replaced(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen when a server's farewell arrives in the very moment that its connection is taken."""
    database = with_statements(Database(database_url, size=1))
    await database.open()
    [[pid]] = await database.fetch("pid")

    async def lose_track(*_: object, **__: object) -> None:
        raise asyncpg.InternalClientError("cannot switch to another state")

    with monkeypatch.context() as patch:
        patch.setattr("asyncpg.pool.PoolConnectionProxy.fetch", lose_track)
        assert await is_unavailable(database, "pid")
    [[another]] = await database.fetch("pid")
    assert another != pid
    await database.close()


async def test_a_caller_that_leaves_gives_its_connection_back(database: Database) -> None:
    for _ in range(2 * database.size):
        leaving = asyncio.create_task(database.fetch("sleep", 30.0))
        await asyncio.sleep(0.01)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
    assert database.in_use == 0
    assert await database.fetch("database_ping")


async def test_a_database_that_comes_late_is_waited_for_and_named_if_it_does_not_come() -> None:
    database = Database("postgresql://me:s3cret@127.0.0.1:1/headrace", size=1)
    with pytest.raises(DatabaseUnreachable, match=r"127\.0\.0\.1:1, database headrace") as caught:
        await database.open(wait_s_max=0.3)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (("test_", "absent_"), "does not exist"),
        (("headrace@", "stranger@"), "stranger"),
        (("?", "?no_such_setting=1&"), "no_such_setting"),
        (("?", "?sslmode=never&"), "sslmode"),
    ],
)
async def test_a_wrong_address_is_not_waited_for(
    database_url: str, wrong: tuple[str, str], complaint: str
) -> None:
    database = Database(database_url.replace(*wrong, 1), size=1)
    with pytest.raises(DatabaseUnreachable, match=complaint):
        await database.open(wait_s_max=3600)


async def test_a_server_without_tls_that_is_asked_for_it_is_not_waited_for() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"N")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        database = Database(f"postgresql://me@127.0.0.1:{port}/any?sslmode=require", size=1)
        with pytest.raises(DatabaseUnreachable, match="rejected SSL upgrade"):
            await database.open(wait_s_max=3600)


async def test_a_closed_pool_is_a_503_and_closing_twice_is_closing_once(database: Database) -> None:
    await database.close()
    await database.close()
    assert await is_unavailable(database, "database_ping")


async def test_closing_does_not_wait_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.pool.CLOSE_S_MAX", 0.1)
    database = with_statements(Database(database_url, size=1))
    await database.open()
    sleeping = asyncio.create_task(is_unavailable(database, "sleep", 60.0))
    await asyncio.sleep(0.05)
    await database.close()
    assert await sleeping


async def test_callers_who_ask_at_once_share_one_ping(database_url: str) -> None:
    asked: list[str] = []
    database = Database(database_url, size=1, on_statement=lambda name, _: asked.append(name))
    await database.open()
    first = asyncio.create_task(database.ping())
    await asyncio.sleep(0)
    others = [asyncio.create_task(database.ping()) for _ in range(9)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(*others)
    assert asked == ["database_ping"]
    await database.ping()
    assert asked == ["database_ping"] * 2
    await database.close()


async def test_a_ping_that_gets_no_answer_is_a_503(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.pool.PING_S_MAX", 0.05)
    slow = replace(database._statements["database_ping"], text="select pg_sleep(30)")
    database._statements = MappingProxyType({**database._statements, "database_ping": slow})
    with pytest.raises(TimedOut):
        await database.ping()


async def test_the_ping_has_a_connection_of_its_own(database: Database) -> None:
    """Whether the database answers does not depend on who uses it."""
    busy = [asyncio.create_task(is_unavailable(database, "sleep", 30.0)) for _ in range(2)]
    await asyncio.sleep(0)
    await database.ping()
    assert not any(task.done() for task in busy)
    assert await asyncio.gather(*busy) == [True, True]


async def test_the_server_itself_bounds_statements_and_speaks_utc(database: Database) -> None:
    values = {
        name: (await database.fetch("setting", name))[0][0]
        for name in ("statement_timeout", "TimeZone", "application_name", "enable_seqscan")
    }
    assert values == {
        "statement_timeout": "1250ms",
        "TimeZone": "UTC",
        "application_name": "headrace",
        "enable_seqscan": "off",
    }


async def test_a_traced_request_has_a_span_for_each_named_statement(database_url: str) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = provider.get_tracer("test")
    database = Database(database_url, size=1, tracer=tracer)
    await database.open()
    await database.fetch("database_ping")
    assert not spans.get_finished_spans()
    with tracer.start_as_current_span("request"):
        await database.fetch("players_read", ["ann"])
    span, request = spans.get_finished_spans()
    assert (span.name, span.kind.name) == ("players_read", "CLIENT")
    assert span.parent == request.context
    assert dict(span.attributes or {}) == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT player",
    }
    await database.close()
