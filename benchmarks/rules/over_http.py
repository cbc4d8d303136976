"""CPU per request over HTTP under saturation: the service beside canned bytes and goal rows.

Every rival runs on the same core, the database and the generator on the other ones. The rivals take
turns within each round, so that a machine that changes meanwhile changes them all.
"""

import asyncio
import http.client
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.conditions import Conditions, describe
from benchmarks.database import bench_database, load_test_catalogue
from benchmarks.held import Held
from benchmarks.processes import pin
from benchmarks.rules.canned import FRONT, PLAIN
from benchmarks.rules.closed_loop import GENERATOR, Loop, Looped
from benchmarks.rules.figures import Part, Row, Table, Target, Values, ratios
from benchmarks.rules.rivals import LOOPBACK, Server, cores_apart, run_loop, serving_rival
from benchmarks.rules.season_rows import SEASON_PREFIX, SeasonRows
from benchmarks.rules.sizes import Size
from benchmarks.service import serving

KEY = "http"
SERVER, DATABASE = "server", "database"
PLAYERS = 200
LIST_RATIO_MAX, INITIALIZE_RATIO_MAX = 1.8, 2.0
BUSY_MIN = 0.9
LIST, INITIALIZE = "/challenge/v1/challenges", "/challenge/v1/challenges/initialize"
SERVICE, CANNED, DOOR, NAIVE = "service", "canned", "canned, our front door", "row per goal"
RIVALS = (SERVICE, CANNED, DOOR, NAIVE)
SETTINGS = {"ENVIRONMENT": "test", "AUTH_ENABLED": "false", "DRAIN_DELAY_S": "0"}


class Kind(NamedTuple):
    """One kind of request. `fresh`: each comes from a player that nobody has seen."""

    name: str
    title: str
    method: str
    path: str
    fresh: bool
    beginning: str
    ratio_max: float


KINDS = (
    Kind(
        "list",
        "list of 500 goals, progress on 5 stats",
        "GET",
        LIST,
        False,
        '{"challenges":[{',
        LIST_RATIO_MAX,
    ),
    Kind(
        "first",
        "first initialize, 500 defaults",
        "POST",
        INITIALIZE,
        True,
        '{"assignedGoals":[{',
        INITIALIZE_RATIO_MAX,
    ),
    Kind(
        "returning",
        "returning initialize, 500 defaults, progress on 5 stats",
        "POST",
        INITIALIZE,
        False,
        '{"assignedGoals":[{',
        INITIALIZE_RATIO_MAX,
    ),
)

Found = Mapping[str, Mapping[str, list[Looped]]]
"""What each rival's loops found, by kind and rival: one for each round."""


class AnswersDiffer(Exception):
    """Two rivals say different things to the same player: nothing can be compared."""


def measure(size: Size) -> Part:
    """Run every kind by every rival in each round."""
    with cores_apart() as core, bench_database() as (database_url, folder):
        held = Held(database_url)
        version = asyncio.run(held.version())
        database = asyncio.run(held.server_pid())
        rows = SeasonRows(database_url, load_test_catalogue(folder, all_default=True), PLAYERS)
        asyncio.run(rows.fill())
        with _rivals(database_url, folder, rows.catalogue_path) as servers:
            for server in servers.values():
                pin(server.pid, core)
            found: dict[str, dict[str, list[Looped]]] = {
                kind.name: {rival: [] for rival in RIVALS} for kind in KINDS
            }
            for number in range(size.rounds):
                for kind in KINDS:
                    for rival in _in_turn(number):
                        loop = _loop(kind, rival, servers[rival], database, number, size.round_s)
                        found[kind.name][rival].append(run_loop(loop, folder))
                        if kind.fresh and rival == NAIVE:
                            asyncio.run(rows.refill_goal_rows())
    settings = SETTINGS | {"rounds": str(size.rounds), "seconds": str(size.round_s)}
    return part_of(found, describe("python -m benchmarks.rules --only http", version, settings))


def _in_turn(number: int) -> tuple[str, ...]:
    """Return the rivals, each round led by another one."""
    first = number % len(RIVALS)
    return RIVALS[first:] + RIVALS[:first]


@contextmanager
def _rivals(database_url: str, folder: Path, catalogue: Path) -> Iterator[Mapping[str, Server]]:
    """Start all rivals; the canned ones have the bytes that the service answered with."""
    settings = SETTINGS | {"DATABASE_URL": database_url, "CATALOGUE_PATH": str(catalogue)}
    canned = folder / "canned"
    canned.mkdir()
    with ExitStack() as stack:
        service = stack.enter_context(serving(settings, folder / "service.log"))
        naive = stack.enter_context(
            serving_rival(
                "benchmarks.rules.row_per_goal",
                [database_url, str(catalogue)],
                folder / "naive.log",
            )
        )
        for kind in KINDS:
            body = _ask(service.port, kind)
            if _document(body, kind) != _document(_ask(naive.port, kind), kind):
                raise AnswersDiffer(f"{kind.title}: {SERVICE} and {NAIVE} differ")
            (canned / kind.name).write_bytes(body)
        servers = {
            rival: stack.enter_context(
                serving_rival(
                    "benchmarks.rules.canned", [door, str(canned)], folder / f"{door}.log"
                )
            )
            for rival, door in ((CANNED, PLAIN), (DOOR, FRONT))
        }
        yield {SERVICE: Server(service.port, service.pid), NAIVE: naive, **servers}


def _ask(port: int, kind: Kind) -> bytes:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        player = "sample" if kind.fresh else f"{SEASON_PREFIX}000000"
        connection.request(kind.method, kind.path, headers={"x-mock-user-id": player})
        return connection.getresponse().read()
    finally:
        connection.close()


def _document(body: bytes, kind: Kind) -> Any:
    """Return what an answer says, without the instants that no two servers share."""
    document = msgspec.json.decode(body)
    if kind.fresh:
        for goal in document["assignedGoals"]:
            del goal["assignedAt"]
    return document


def _loop(
    kind: Kind, rival: str, server: Server, database: int, number: int, seconds: float
) -> Loop:
    is_canned = rival in (CANNED, DOOR)
    return Loop(
        port=server.port,
        method=kind.method,
        path=f"/{kind.name}" if is_canned else kind.path,
        prefix=f"fresh-{number}-" if kind.fresh else SEASON_PREFIX,
        players=0 if kind.fresh else PLAYERS,
        beginning=kind.beginning,
        roots={SERVER: server.pid} if is_canned else {SERVER: server.pid, DATABASE: database},
        seconds=seconds,
    )


def part_of(found: Found, conditions: Conditions) -> Part:
    """Return the figures of all loops, and the targets."""
    targets, tables, notes, wrong = [], [], [], []
    for kind in KINDS:
        loops = found[kind.name]
        failed = [
            f"{kind.title}, {rival}: {loop.wrong}"
            for rival in RIVALS
            for loop in loops[rival]
            if loop.wrong
        ]
        if failed:
            wrong += failed
            continue
        tables.append(Table(kind.title, list(RIVALS), list(_rows(loops))))
        targets.append(
            Target(
                name=f"{kind.title}: CPU, multiple of canned",
                unit="x",
                bound=kind.ratio_max,
                values=ratios(_cpu_us(loops[SERVICE]), _cpu_us(loops[CANNED])),
            )
        )
        idle = [rival for rival in RIVALS if min(map(_busy, loops[rival])) < BUSY_MIN]
        if idle:
            notes.append(f"{kind.title}: the core was not busy with {', '.join(idle)}")
    return Part(
        key=KEY,
        title="Over HTTP, one core, saturated",
        conditions=conditions,
        targets=targets,
        tables=tables,
        notes=notes,
        void="; ".join(wrong),
    )


def _rows(loops: Mapping[str, list[Looped]]) -> Iterator[Row]:
    cpu_us = {rival: _cpu_us(loops[rival]) for rival in RIVALS}
    yield Row("server, CPU per request", "µs", [cpu_us[rival] for rival in RIVALS])
    for base in (CANNED, DOOR):
        yield Row(
            f"... multiple of {base}",
            "x",
            [ratios(cpu_us[rival], cpu_us[base]) for rival in RIVALS],
        )
    figures: tuple[tuple[str, str, Callable[[Looped], float | None]], ...] = (
        ("database, CPU per request", "µs", lambda loop: _per_answer_us(loop, DATABASE)),
        ("requests a second", "", lambda loop: round(loop.answers / loop.seconds, 1)),
        ("core used by the server", "", _busy),
        ("generator, CPU per request", "µs", lambda loop: _per_answer_us(loop, GENERATOR)),
        ("latency, p50", "ms", lambda loop: loop.latency_ms.p50),
        ("body", "kB", lambda loop: round(loop.body_bytes / 1000, 1)),
    )
    for name, unit, figure in figures:
        cells = [
            [value for loop in loops[rival] if (value := figure(loop)) is not None]
            for rival in RIVALS
        ]
        yield Row(name, unit, cells)


def _cpu_us(loops: list[Looped]) -> Values:
    return [us for loop in loops if (us := _per_answer_us(loop, SERVER)) is not None]


def _per_answer_us(loop: Looped, process: str) -> float | None:
    used_s = loop.cpu_s.get(process)
    return None if used_s is None else round(1e6 * used_s / max(loop.answers, 1), 1)


def _busy(loop: Looped) -> float:
    return round(loop.cpu_s[SERVER] / loop.seconds, 3)
