"""The stories of the promise are what they say, and so are their figures."""

import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from app.domain.intake import Incoming
from app.events.cloudevents import BATCH, decode
from app.settings_loading import load_settings
from app.telemetry import Metrics
from benchmarks.answers import Call, Outcome, judge
from benchmarks.processes import Usage, start, stop
from benchmarks.promise.real.parts import part_of
from benchmarks.promise.real.play import Played
from benchmarks.promise.real.senders import Senders, Sending
from benchmarks.promise.real.standstill import DidNotStand, stand_still
from benchmarks.promise.real.stories import FULL, Story, stories
from benchmarks.promise.real.waits import Waits, read_waits
from benchmarks.returning import LATE_MS_MAX, Clients, Returning
from benchmarks.schedule import NS_PER_MS, Attempt, Plan
from benchmarks.stats import summarise
from tests.eventually import eventually
from tests.unit.test_bench_figures import CONDITIONS
from tests.unit.test_bench_report import load

CLIENTS = 10_000
STORIES = {story.key: story for story in stories(FULL)}


def returns(returning: Returning, *, told_ms: int = 30_000) -> list[int | None]:
    """Return after how long each client comes again."""
    clients = Clients(returning, CLIENTS, seed=1)
    return [clients.return_after_ms(arrival, told_ms) for arrival in range(CLIENTS)]


# ── clients ────────────────────


def test_obedient_clients_return_when_told_and_others_never() -> None:
    assert set(returns(Returning.OBEDIENT)) == {30_000}
    assert set(returns(Returning.NEVER)) == {None}


def test_half_of_the_clients_never_return_however_often_they_are_told() -> None:
    clients = Clients(Returning.NO_SHOWS, CLIENTS, seed=1)
    first = [clients.return_after_ms(arrival, 500) for arrival in range(CLIENTS)]
    assert [clients.return_after_ms(arrival, 500) for arrival in range(CLIENTS)] == first
    assert 0.48 < first.count(None) / CLIENTS < 0.52
    assert set(first) == {500, None}
    assert all(clients.is_wilful(arrival) == (first[arrival] is None) for arrival in range(CLIENTS))


def test_each_return_is_late_with_a_chance_of_one_half() -> None:
    late_ms = [after_ms - 30_000 for after_ms in returns(Returning.LATE) if after_ms is not None]
    some = [each for each in late_ms if each]
    assert len(late_ms) == CLIENTS
    assert 0.48 < len(some) / CLIENTS < 0.52
    assert min(late_ms) == 0
    assert max(late_ms) <= LATE_MS_MAX
    assert 0.48 < sum(some) / len(some) / LATE_MS_MAX < 0.52


def test_a_fifth_of_the_clients_come_every_second_or_when_told_if_that_is_sooner() -> None:
    counted = Counter(returns(Returning.POLLERS))
    assert 0.18 < counted[1_000] / CLIENTS < 0.22
    assert set(counted) == {1_000, 30_000}
    assert set(returns(Returning.POLLERS, told_ms=400)) == {400}


# ── stories ────────────────────


@pytest.mark.parametrize("story", STORIES.values(), ids=lambda story: story.key)
def test_every_story_sets_what_it_says(story: Story) -> None:
    settings = load_settings({"AUTH_ENABLED": "false", **story.settings}).settings
    assert settings.limit == story.limit
    assert settings.database_pool_size == 10
    assert (settings.admission_initialize_rate or 0) == story.rate_told_per_s


def test_the_ideals_are_those_of_the_targets() -> None:
    ideals_s = {key: story.ideal_s for key, story in STORIES.items() if not story.cut}
    assert ideals_s.pop("stall") == 15
    assert ideals_s.pop("burst-stall-7") == 127
    assert ideals_s.pop("burst-stall-30") == 150
    assert set(ideals_s.values()) == {120}


# ── what is sent and read ────────────────────


def test_every_event_that_is_sent_is_one_of_its_own() -> None:
    sending = Sending(
        port=1,
        start_ns=0,
        seconds=1,
        connections=1,
        batch_events=500,
        players=50,
        source="match-server",
    )
    senders = Senders(sending)
    read = [event for _ in range(2) for event in decode(BATCH, senders._make())]
    events = [event for event in read if isinstance(event, Incoming)]
    assert len({event.id for event in events}) == 1_000
    last: Counter[tuple[str, str]] = Counter()
    for event in events:
        last[event.player_id, event.stat_code] += 1
        assert event.value == last[event.player_id, event.stat_code]


def test_the_waits_of_gameplay_are_read_from_what_the_service_shows() -> None:
    metrics = Metrics()
    for ms in (1, 2, 9, 200):
        metrics.admission_wait.labels("gameplay").observe(ms / 1000)
    metrics.admission_wait.labels("initialize").observe(1)
    waits = read_waits(generate_latest(metrics.registry).decode())
    assert waits.count == 4
    assert waits.percent_within_10_ms == 75
    assert waits.p95_ms_at_most == 250


@pytest.mark.parametrize("full", [False, True])
def test_a_list_counts_only_with_goals_in_it(full: bool) -> None:
    whole, empty = b'{"challenges":[{"goals":[{}]}]}', b'{"challenges":[]}'
    assert judge(200, whole, full=full, call=Call.LIST).outcome is Outcome.OK
    assert judge(200, empty, full=full, call=Call.LIST).outcome is Outcome.BAD_BODY
    assert judge(200, whole, full=full).outcome is Outcome.BAD_BODY


# ── figures ────────────────────


def targets(key: str, *, obedient_mean_ms: float | None = None, **changes: Any) -> dict[str, Any]:
    """Return what is measured of a story of logins, and against which bound, by name."""
    usage = Usage(cpu_s=1.0, rss_mib_max=1.0, pss_mib_max=1.0)
    played = Played(
        logins=load(**changes),
        gameplay=None,
        events=None,
        gameplay_waits=Waits(0, {}),
        service=usage,
        database=usage,
        elsewhere_cpu_s=0.0,
        probe=None,
        players_stored=36_000,
        moments_taken=36_000,
        service_exit_status=0,
    )
    part = part_of(STORIES[key], played, CONDITIONS, obedient_mean_ms)
    return {target.name: (target.values[0], target.bound) for target in part.targets}


def test_the_ideal_of_no_shows_is_that_of_those_who_came_in() -> None:
    made = targets("burst-no-shows", arrived_in=27_000, told_last=9_000, last_in_s=98.0)
    assert made["last one in"] == (98, 99)
    assert made["arrivals in, or refused for good"] == (36_000, 36_000)


def test_who_came_in_with_more_than_one_return_does_not_count_as_soon() -> None:
    made = targets("burst-late", in_after_attempts={1: 18_000, 2: 9_000, 3: 9_000})
    assert made["arrivals in with at most one return"] == (75, 100)


def test_pollers_are_set_against_the_others_and_the_others_against_a_burst_without_any() -> None:
    means = {"mean_to_in_ms": 20_000.0, "wilful_mean_to_in_ms": 15_000.0}
    made = targets("burst-pollers", obedient_mean_ms=16_000, **means)
    assert made["pollers' mean time to get in, multiple of the others'"] == (0.75, 0.95)
    name = "the others' mean time to get in, multiple of that without pollers"
    assert made[name] == (1.25, 1.01)
    assert name not in targets("burst-pollers", **means)


def test_the_wilful_have_a_mean_of_their_own() -> None:
    plan = Plan(port=1, rate_per_s=10, seconds=10, returning=Returning.POLLERS)
    clients = Clients(plan.returning, plan.arrivals, plan.seed)
    attempts = []
    for arrival in range(plan.arrivals):
        attempt = Attempt(arrival, 1, 0)
        attempt.end(Outcome.OK, (5 if clients.is_wilful(arrival) else 7) * NS_PER_MS)
        attempts.append(attempt)
    made = summarise(
        plan,
        attempts,
        player_of=["a"] * plan.arrivals,
        start_ns=0,
        generator_cpu_ns=0,
        in_flight_max=1,
        full_checks=0,
    )
    assert (made.mean_to_in_ms, made.wilful_mean_to_in_ms, made.attempts_max) == (7, 5, 1)


# ── standstill ────────────────────


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_server_stands_still_and_goes_on(tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.symlink_to("/bin/sleep")
    child = start([str(program), "60"], {}, folder=tmp_path, output=tmp_path / "out")
    try:
        standing = threading.Thread(target=stand_still, args=(child.pid, time.monotonic_ns(), 1))
        standing.start()
        eventually(lambda: state_of(child.pid) == "T")
        standing.join()
        eventually(lambda: state_of(child.pid) == "S")
    finally:
        stop(child)


def test_nothing_but_a_database_is_stopped() -> None:
    with pytest.raises(DidNotStand, match="not postgres"):
        stand_still(os.getpid(), 0, 1)
