"""Plays one story: a new PostgreSQL, a new service, and everybody who comes to it.

The service, its database and each kind of load are processes of their own. All load begins at one
moment of the monotonic clock, set so far ahead that all of it is ready by then.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks.answers import Call
from benchmarks.conditions import ROOT, Conditions, describe
from benchmarks.database import bench_database, load_test_catalogue
from benchmarks.generator import SPARE_S, GeneratorFailed, read_summary, start_generator
from benchmarks.held import Held, as_ordinary_role
from benchmarks.probe import Probe, hold_and_confirm
from benchmarks.processes import Child, Usage, machine_busy_s, start, stop, watch
from benchmarks.promise.real.senders import Sending, Sent, player_name
from benchmarks.promise.real.standstill import standing
from benchmarks.promise.real.stories import PATIENCE_S, Story
from benchmarks.promise.real.waits import Waits, ask_waits
from benchmarks.returning import Returning
from benchmarks.rules.client import Client, login
from benchmarks.schedule import NS_PER_S, Plan
from benchmarks.service import serving
from benchmarks.stats import Summary

COMMAND = "python -m benchmarks.promise.real"
SHARED = {"ENVIRONMENT": "test", "AUTH_ENABLED": "false", "DRAIN_DELAY_S": "0"}
# Three interpreters start on two cores meanwhile.
LEAD_S = 3
BATCH_EVENTS = 500
EVENT_PLAYERS = 5_000
LOGINS, GAMEPLAY, EVENTS = "logins", "gameplay", "events"
SENT = "sent.json"


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a story, from all sides. None is what was not in it."""

    logins: Summary | None
    gameplay: Summary | None
    events: Sent | None
    gameplay_waits: Waits
    service: Usage
    database: Usage
    # CPU seconds of this machine that were neither service, database nor load.
    elsewhere_cpu_s: float
    probe: Probe | None
    players_stored: int
    moments_taken: int
    service_exit_status: int

    @property
    def void(self) -> str:
        """Return why this is no result; empty when it is one."""
        loads = {LOGINS: self.logins, GAMEPLAY: self.gameplay}
        reasons = [f"{name}: {load.void}" for name, load in loads.items() if load and load.void]
        lost = self.logins.players_in - self.players_stored if self.logins else 0
        if lost > 0:
            reasons.append(f"{lost} acknowledged players are not stored")
        if self.service_exit_status:
            reasons.append(f"the service ended with exit status {self.service_exit_status}")
        return ", ".join(reasons)


def play(story: Story) -> tuple[Played, Conditions]:
    """Play a story once; return what came of it, and under which conditions."""
    with bench_database() as (owner_url, folder):
        held = Held(owner_url)
        asyncio.run(held.prepare())
        settings = SHARED | story.settings
        conditions = describe(COMMAND, asyncio.run(held.version()), settings)
        settings |= {
            "CATALOGUE_PATH": str(load_test_catalogue(folder)),
            "DATABASE_URL": as_ordinary_role(owner_url),
        }
        probed = None
        if story.held_per_s:
            log = folder / "probe.log"
            probed = hold_and_confirm(held, story.held_per_s, settings, log)
            asyncio.run(held.empty())
        return _play(story, held, folder, settings, probed), conditions


def _play(
    story: Story, held: Held, folder: Path, settings: dict[str, str], probed: Probe | None
) -> Played:
    database_pid = asyncio.run(held.server_pid())
    with serving(settings, folder / "service.log") as service:
        if story.senders:
            _make_known(service.port)
        busy_before_s = machine_busy_s()
        roots = {"service": service.pid, "database": database_pid}
        used = _load(story, folder, service.port, roots)
        busy_s = machine_busy_s() - busy_before_s
        waits = ask_waits(service.operations_port)
        counts = asyncio.run(held.count())
    logins = read_summary(folder / LOGINS) if story.logins_per_s else None
    gameplay = read_summary(folder / GAMEPLAY) if story.gameplay_per_s else None
    events = _read_sent(folder / EVENTS) if story.senders else None
    named_s = sum(usage.cpu_s for usage in used.values())
    named_s += sum(load.generator_cpu_s for load in (logins, gameplay) if load)
    named_s += events.cpu_s if events else 0
    return Played(
        logins=logins,
        gameplay=gameplay,
        events=events,
        gameplay_waits=waits,
        service=used["service"],
        database=used["database"],
        elsewhere_cpu_s=round(max(0.0, busy_s - named_s), 1),
        probe=probed,
        players_stored=counts.rows,
        moments_taken=counts.taken,
        service_exit_status=service.exit_status,
    )


def _make_known(port: int) -> None:
    """Give the players of the events their rows, so that these are not made in the story."""
    client = Client(port)
    for first in range(0, EVENT_PLAYERS, BATCH_EVENTS):
        names = [player_name(number + 1) for number in range(first, first + BATCH_EVENTS)]
        client.send_events([login(f"known-{name}", name) for name in names])
    client.close()


def _load(story: Story, folder: Path, port: int, roots: dict[str, int]) -> dict[str, Usage]:
    """Start all load at one moment, and wait until it has ended."""
    start_ns = time.monotonic_ns() + LEAD_S * NS_PER_S
    with ExitStack() as stack:
        children = []
        for child in _start(story, folder, port, start_ns):
            stack.callback(stop, child)
            children.append(child)
        stack.enter_context(standing(roots["database"], story.standstill, start_ns))
        used = watch(children[0], roots, LEAD_S + story.seconds_max + SPARE_S)
        for child in children[1:]:
            watch(child, {}, SPARE_S)
    return used


def _start(story: Story, folder: Path, port: int, start_ns: int) -> Iterator[Child]:
    """Start each kind of load; the one that ends last first."""
    plan = Plan(
        port=port,
        rate_per_s=story.logins_per_s,
        seconds=story.seconds,
        seconds_max=story.seconds_max,
        returning=story.returning,
        start_ns=start_ns,
    )
    if story.logins_per_s:
        yield start_generator(plan, _made(folder / LOGINS))
    if story.senders:
        yield _start_senders(story, _made(folder / EVENTS), port, start_ns)
    if story.gameplay_per_s:
        list_plan = msgspec.structs.replace(
            plan,
            rate_per_s=story.gameplay_per_s,
            call=Call.LIST,
            # With senders these are the players of their events. Beside logins they must have no
            # row: reading one takes a moment of what is held for logins.
            name="user" if story.senders else "visitor",
            returning=Returning.NEVER,
            seconds_max=story.seconds + PATIENCE_S,
        )
        yield start_generator(list_plan, _made(folder / GAMEPLAY))


def _start_senders(story: Story, folder: Path, port: int, start_ns: int) -> Child:
    sending = Sending(
        port=port,
        start_ns=start_ns,
        seconds=story.seconds,
        connections=story.senders,
        batch_events=BATCH_EVENTS,
        players=EVENT_PLAYERS,
        source="match-server",
    )
    return start(
        [sys.executable, "-m", "benchmarks.promise.real.senders"],
        {},
        folder=ROOT,
        output=folder / SENT,
        stdin=msgspec.json.encode(sending),
    )


def _read_sent(folder: Path) -> Sent:
    text = (folder / SENT).read_bytes()
    try:
        return msgspec.json.decode(text, type=Sent)
    except msgspec.MsgspecError:
        raise GeneratorFailed(f"the senders failed:\n{text[-2000:].decode()}") from None


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
