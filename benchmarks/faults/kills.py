"""What becomes of acknowledged events when the embedded PostgreSQL is killed in mid-batch.

Producers send one batch after another, each until it is answered with 200. Meanwhile the database's
server is killed (kill -9); the service starts it again. In the end the stored rows say whether all
is there that a 200 was given for: the id of each event, and each player's statistic.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec

from app.domain.intake import digest_of
from benchmarks.conditions import Conditions
from benchmarks.faults.embedded import (
    SETTINGS,
    conditions_of,
    data_dir_of,
    kill_database,
    settings_on,
)
from benchmarks.rules.client import (
    BATCH,
    CHALLENGES,
    EVENTS,
    LOOPBACK,
    SOURCE,
    Unexpected,
    statistic,
)
from benchmarks.rules.figures import Part, Row, Table, Target
from benchmarks.service import serving
from db.embedded import url_of_running

KEY = "kills"
PRODUCERS = 4
PLAYERS = 25
"""Of each producer, so that nobody else changes their statistic."""
BATCH_EVENTS = 500
STAT, GOAL = "tutorial_completed", "complete-tutorial"
"""A statistic of the sample catalogue, and the goal whose progress shows it."""
PAUSE_S = (0.2, 1.0)
"""Between which lengths the time from a recovery to the next kill is drawn."""
AGAIN_S = 0.05
"""A producer comes back sooner than it is told, so that its rest is not taken for the recovery."""
TIMES_MAX = 2_000
"""So often a batch is sent: for longer than any recovery may take."""
ANSWER_S_MAX = 30.0
RECOVERY_S_MAX = 60.0
RECOVERY_S_TARGET = 5
LOST = "acknowledged events that are not in the database"
BEHIND = "players whose statistic is not what was acknowledged last"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial came to.

    `lost` are acknowledged events whose id is not stored, `behind` players whose statistic is not
    what was acknowledged last. `found_again` were stored already when their batch came again.
    """

    recovery_s: list[float]
    kills_that_cut: int
    acknowledged: int
    found_again: int
    lost: int
    behind: int
    statuses: dict[int, int]


class Producers:
    """Send batches until told to stop.

    `acknowledged` has the ids of all events that a 200 was given for, `values` each player's newest
    value, and `cut_by` which kills left a batch without a 200.
    """

    def __init__(self, session: aiohttp.ClientSession, root: str) -> None:
        self.acknowledged: list[str] = []
        self.found_again = 0
        self.values: dict[str, int] = {}
        self.statuses: Counter[int] = Counter()
        self.cut_by: set[int] = set()
        self.stopping = False
        self._session = session
        self._url = f"{root}{EVENTS}"
        self._under_way = 0
        self._begins = asyncio.Event()
        self._kills = 0
        self._killed_s = 0.0
        self._recovered: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def send_on(self, producer: int) -> None:
        """Send one batch after another, each until it is answered with 200."""
        number = 0
        while not self.stopping:
            number += 1
            batch = list(_batch(producer, number))
            await self._send_until_acknowledged(msgspec.json.encode(batch))
            for event in batch:
                self.acknowledged.append(event["id"])
                self.values[event["subject"]] = event["data"]["latestValue"]

    async def kill(self, folder: Path, service_pid: int) -> float:
        """Kill the database in mid-batch.

        Return after how many seconds a batch that was sent since then is acknowledged.
        """
        if not self._under_way:
            self._begins.clear()
            await self._begins.wait()
        self._recovered = asyncio.get_running_loop().create_future()
        self._killed_s = time.monotonic()
        kill_database(folder, service_pid)
        self._kills += 1
        try:
            return await asyncio.wait_for(self._recovered, RECOVERY_S_MAX)
        except TimeoutError:
            raise Unexpected(
                f"kill {self._kills}: for {RECOVERY_S_MAX:g} s no batch was acknowledged"
            ) from None

    async def _send_until_acknowledged(self, body: bytes) -> None:
        for _ in range(TIMES_MAX):
            if await self._send(body):
                return
            await asyncio.sleep(AGAIN_S)
        raise Unexpected(f"a batch was sent {TIMES_MAX} times: {dict(self.statuses)}")

    async def _send(self, body: bytes) -> bool:
        """Send a batch once; return whether it is acknowledged."""
        began_s, kills, status, answered = time.monotonic(), self._kills, 0, b""
        self._under_way += 1
        self._begins.set()
        try:
            async with self._session.post(
                self._url, data=body, headers={"content-type": BATCH}
            ) as answer:
                answered = await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = 0
        finally:
            self._under_way -= 1
        self.statuses[status] += 1
        if status != 200:
            if kills != self._kills:
                self.cut_by.add(self._kills)
            return False
        results = Counter(one["result"] for one in msgspec.json.decode(answered)["results"])
        if results["accepted"] + results["duplicate"] != BATCH_EVENTS:
            raise Unexpected(f"a batch of {BATCH_EVENTS} events was answered with {results}")
        self.found_again += results["duplicate"]
        if began_s > self._killed_s and not self._recovered.done():
            self._recovered.set_result(time.monotonic() - self._killed_s)
        return True


def _batch(producer: int, number: int) -> Iterator[dict[str, Any]]:
    """Yield the events of a producer's batch; each raises the statistic of one player by 1."""
    first = (number - 1) * BATCH_EVENTS
    for index in range(first, first + BATCH_EVENTS):
        value, player = divmod(index, PLAYERS)
        name = f"producer-{producer}-player-{player:02d}"
        yield statistic(f"{producer}-{index}", name, STAT, value + 1)


def lost_of(acknowledged: Iterable[str], stored: Collection[bytes]) -> list[str]:
    """Return the ids of the acknowledged events whose digests are not among those stored."""
    return [one for one in acknowledged if digest_of(SOURCE, one) not in stored]


def measure(folder: Path, kills: int) -> Part:
    """Kill the database so many times."""
    with serving(settings_on(folder), folder / "kills.log") as service:
        found = asyncio.run(_try(folder, service.port, service.pid, kills))
    settings = SETTINGS | {
        "kills": str(kills),
        "producers": str(PRODUCERS),
        "events a batch": str(BATCH_EVENTS),
    }
    return part_of(found, kills, conditions_of(folder, settings))


async def _try(folder: Path, port: int, service_pid: int, kills: int) -> Found:
    root = f"http://{LOOPBACK}:{port}"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_S_MAX)) as session:
        producers = Producers(session, root)
        try:
            async with asyncio.TaskGroup() as tasks:
                for producer in range(PRODUCERS):
                    tasks.create_task(producers.send_on(producer))
                recovery_s = await _kill_often(producers, folder, service_pid, kills)
                producers.stopping = True
        except ExceptionGroup as group:
            raise Unexpected(str(group.exceptions[0])) from group
        stored = await _stored(folder)
        seen = {player: await _progress(session, root, player) for player in producers.values}
    return Found(
        recovery_s=recovery_s,
        kills_that_cut=len(producers.cut_by),
        acknowledged=len(producers.acknowledged),
        found_again=producers.found_again,
        lost=len(lost_of(producers.acknowledged, stored)),
        behind=sum(seen[player] != value for player, value in producers.values.items()),
        statuses=dict(producers.statuses),
    )


async def _kill_often(
    producers: Producers, folder: Path, service_pid: int, kills: int
) -> list[float]:
    """Kill the database so many times while batches are under way; return how long each took."""
    dice = random.Random(1)
    recovery_s = []
    for _ in range(kills):
        await asyncio.sleep(dice.uniform(*PAUSE_S))
        recovery_s.append(round(await producers.kill(folder, service_pid), 3))
    return recovery_s


async def _stored(folder: Path) -> set[bytes]:
    """Return the digests of all events that the database remembers."""
    url = await asyncio.to_thread(url_of_running, data_dir_of(folder))
    connection = await asyncpg.connect(url)
    try:
        return {row["digest"] for row in await connection.fetch("select digest from event_seen")}
    finally:
        await connection.close()


async def _progress(session: aiohttp.ClientSession, root: str, player: str) -> int | None:
    """Return how far the goal is, as the player sees it."""
    async with session.get(f"{root}{CHALLENGES}", headers={"x-mock-user-id": player}) as answer:
        if answer.status != 200:
            raise Unexpected(f"the list of {player} is answered with {answer.status}")
        challenges = (await answer.json())["challenges"]
    goals = (goal for challenge in challenges for goal in challenge["goals"])
    return next((goal["progress"] for goal in goals if goal["goalId"] == GOAL), None)


def part_of(found: Found, kills: int, conditions: Conditions) -> Part:
    """Return the figures and the targets."""
    must_be_none = {
        f"{LOST}, of {found.acknowledged:,}": found.lost,
        BEHIND: found.behind,
        "answers other than 200 and 503, or none": sum(_others(found.statuses).values()),
    }
    recovery = Target(
        name=f"kill -9 to the first acknowledged batch, longest of {kills}",
        unit="s",
        bound=RECOVERY_S_TARGET,
        values=found.recovery_s,
        always=True,
    )
    return Part(
        key=KEY,
        title="The embedded database, killed in mid-batch",
        conditions=conditions,
        targets=[
            recovery,
            *(Target(name=name, unit="", bound=0, values=[n]) for name, n in must_be_none.items()),
        ],
        tables=[Table(f"{kills} kills", [""], list(_rows(found)))],
        void="" if found.kills_that_cut and found.acknowledged else "no kill cut a batch",
    )


def is_all_there(part: Part) -> bool:
    """Return whether nothing is missing that a producer was told yes for."""
    return all(one.met for one in part.targets if one.name.startswith((LOST, BEHIND)))


def _others(statuses: Mapping[int, int]) -> dict[int, int]:
    return {status: count for status, count in statuses.items() if status not in {200, 503}}


def _rows(found: Found) -> Iterator[Row]:
    yield Row("kill -9 to the first acknowledged batch", "s", [found.recovery_s])
    for name, figure in (
        ("kills that cut a batch", found.kills_that_cut),
        ("events acknowledged", found.acknowledged),
        ("... that were stored already when their batch came again", found.found_again),
        ("... and are not in the database", found.lost),
        ("batches answered with 200", found.statuses.get(200, 0)),
        ("... with 503", found.statuses.get(503, 0)),
        ("... otherwise, or not at all", sum(_others(found.statuses).values())),
    ):
        yield Row(name, "", [[figure]])
