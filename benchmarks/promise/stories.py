"""The stories that the promise is tried in, and what each must show with every seed."""

import random
from collections.abc import Callable
from functools import partial

from benchmarks.promise.server import MS, S, Server
from benchmarks.promise.simulation import (
    Client,
    Returning,
    Simulation,
    every_second,
    mostly_late,
    never,
    obedient,
)
from benchmarks.promise.telling import (
    BURST_PER_S,
    BURST_S,
    HELD_MS,
    HELD_PER_S,
    IDEAL_S,
    PIECES,
    SENDERS,
    Figure,
    Story,
    attempts,
    burst,
    gameplay_figures,
    in_figures,
    last_in,
    log_in,
    of,
    play,
    settings,
    time_to_in_s,
)
from benchmarks.promise.token_stories import TOKEN_STORIES
from middleware.admission import Class, Share

# ── beside others ────────────────────


def _beside_events(seed: int, *, limit: int) -> list[Figure]:
    world = Simulation(settings(limit), Server(HELD_MS), seed=seed, until_s=20)
    world.send_batches(SENDERS, PIECES)
    play(world, 200, until_s=19)
    return gameplay_figures(world.run())


def _large_batches(seed: int) -> list[Figure]:
    """Batches of twenty pieces: each holds a place for 360 ms in all, and waits for a second."""
    world = Simulation(settings(), Server(HELD_MS), seed=seed, until_s=40)
    world.send_batches(SENDERS, 20)
    play(world, 200, until_s=39)
    learnt_ns = 10 * S
    in_vain = [at_ns for sender in world.run().senders for at_ns in sender.in_vain]
    return [
        *gameplay_figures(world),
        Figure("batches", sum(sender.batches for sender in world.senders), at_least=800),
        Figure(
            "batches that waited in vain, after 10 s",
            sum(at_ns > learnt_ns for at_ns in in_vain),
            at_most=5,
        ),
    ]


def _beside_logins(seed: int, *, limit: int) -> list[Figure]:
    world = Simulation(settings(limit), Server(HELD_MS, held_per_s=30), seed=seed, until_s=20)
    log_in(world, 20 * 30, seconds=15)
    play(world, 200, until_s=19)
    return gameplay_figures(world.run())


def _beside_gameplay(seed: int) -> list[Figure]:
    """5,500 a second where 5,000 can be served: each of 10 places holds a list for 2 ms."""
    held_ms = {Share.GAMEPLAY: 2.0, Share.LOGINS: 2.0, Share.EVENTS: 18.0}
    world = Simulation(settings(), Server(held_ms), seed=seed, until_s=20)
    play(world, 5_500, until_s=15)
    log_in(world, 5_000, seconds=3, from_s=2)
    logins = of(world.run(), Class.INITIALIZE)
    refused = [client for client in logins if client.told_ns]
    longest_ms = max(client.waited_ns for client in logins) / MS
    return [
        *in_figures(logins),
        Figure("clients with a moment", len(refused), at_least=6_000),
        Figure("wait in line, longest", longest_ms, "ms", at_most=2_000),
    ]


# ── the database stands still ────────────────────


def _stall(seed: int, *, held_per_s: int, from_s: float) -> list[Figure]:
    stall_s = (from_s, from_s + 7)
    world = Simulation(settings(), Server(HELD_MS, held_per_s, stall_s), seed=seed)
    log_in(world, 100, seconds=12)
    logins = world.run().clients
    ideal_s = max(12, len(logins) / held_per_s + 7)
    return [*in_figures(logins, attempts_max=3), last_in(logins, ideal_s, at_most=1.05)]


def _burst_stall(seed: int, *, stalled_s: int, at_most: float) -> list[Figure]:
    logins = burst(seed, stall_s=(20, 20 + stalled_s))
    ideal_s = IDEAL_S + stalled_s
    return [*in_figures(logins, attempts_max=None), last_in(logins, ideal_s, at_most=at_most)]


def _late_stall(seed: int) -> list[Figure]:
    """Stand still in the last second of the drain, when few are left."""
    logins = burst(seed, stall_s=(30, 37), seconds=15)
    ideal_s = 15 * BURST_PER_S / HELD_PER_S + 7
    return [*in_figures(logins, attempts_max=None), last_in(logins, ideal_s, at_most=1.1)]


def _slow_then_fast(seed: int) -> list[Figure]:
    """Go at a fifth for 15 s. Who was told a far moment meanwhile sleeps until then."""
    mixed = partial(_slow_spell, seed)
    logins = mixed(lambda number: every_second if number % 5 == 0 else obedient)
    others = [client for client in logins if client.returning is obedient]
    without_s = time_to_in_s(mixed(lambda _: obedient))
    ideal_s = 15 + (len(logins) - 15 * HELD_PER_S / 5) / HELD_PER_S
    return [
        *in_figures(logins, attempts_max=None),
        Figure(
            "others, time to in beside without", time_to_in_s(others) / without_s, "x", None, 1.01
        ),
        last_in(logins, ideal_s, at_most=None),
    ]


def _slow_spell(seed: int, returning_of: Callable[[int], Returning]) -> list[Client]:
    server = Server(HELD_MS, HELD_PER_S, slow=(HELD_PER_S / 5, 15))
    world = Simulation(settings(), server, seed=seed)
    log_in(world, HELD_PER_S, seconds=15, returning_of=returning_of)
    return world.run().clients


# ── clients of all kinds ────────────────────


def _obedient(seed: int) -> list[Figure]:
    logins = burst(seed)
    return [
        *in_figures(logins),
        Figure("attempts per refused client", attempts(logins), at_most=2.005),
        last_in(logins, IDEAL_S, at_most=1.011),
    ]


def _late(seed: int) -> list[Figure]:
    return in_figures(burst(seed, lambda _: mostly_late))


def _no_shows(seed: int) -> list[Figure]:
    dice = random.Random(seed)
    logins = burst(seed, lambda _: never if dice.random() < 0.5 else obedient)
    came = [client for client in logins if client.in_ns is not None or client.returning is obedient]
    return [*in_figures(came), last_in(came, len(came) / HELD_PER_S, at_most=1.1)]


def pollers(seed: int, seconds: int = BURST_S) -> list[Figure]:
    """Tell what those who knock every second gain, and what that costs the others."""
    mixed = partial(burst, seed, lambda number: every_second if number % 5 == 0 else obedient)
    logins = mixed(seconds=seconds)
    impatient = [client for client in logins if client.returning is every_second]
    others = [client for client in logins if client.returning is obedient]
    without = burst(seed, seconds=seconds)
    patient = [client for client in without if client.key % 5 == 0]
    others_s = time_to_in_s(others) / time_to_in_s(c for c in without if c.key % 5)
    impatient_s = time_to_in_s(impatient) / time_to_in_s(patient)
    return [
        *in_figures(others),
        Figure("others, time to in beside without", others_s, "x", at_most=1.01),
        Figure("pollers, time to in beside obeying", impatient_s, "x", at_least=0.95),
        last_in(logins, len(logins) / HELD_PER_S, at_most=1.015),
    ]


STORIES = (
    Story(
        "events-10",
        "gameplay at 200/s beside 24 event senders, limit 10",
        partial(_beside_events, limit=10),
    ),
    Story("events-4", "the same at limit 4", partial(_beside_events, limit=4)),
    Story(
        "logins-10",
        "gameplay at 200/s beside 20x logins, limit 10",
        partial(_beside_logins, limit=10),
    ),
    Story("logins-4", "the same at limit 4", partial(_beside_logins, limit=4)),
    Story("batches", "24 senders of large batches beside gameplay at 200/s", _large_batches),
    Story("flood", "logins beside gameplay at 110 % of capacity", _beside_gameplay),
    Story(
        "stall-100",
        "100 logins/s for 12 s, 7 s of standstill, drain 100/s",
        partial(_stall, held_per_s=100, from_s=1),
    ),
    Story(
        "stall-500",
        "the same with a drain of 500/s",
        partial(_stall, held_per_s=500, from_s=2),
    ),
    Story("burst", "held burst, obedient clients", _obedient),
    Story(
        "burst-stall-7",
        "held burst, 7 s of standstill",
        partial(_burst_stall, stalled_s=7, at_most=129 / 127),
    ),
    Story(
        "burst-stall-30",
        "held burst, 30 s of standstill",
        partial(_burst_stall, stalled_s=30, at_most=1.05),
    ),
    Story("stall-late", "7 s of standstill in the last second of a drain", _late_stall),
    Story("slow-fast", "a fifth of the drain for 15 s, 20 % knock every second", _slow_then_fast),
    Story("no-shows", "held burst, half of the refused never return", _no_shows),
    Story("late", "held burst, half of the returns up to 55 s late", _late),
    Story("pollers", "held burst, 20 % knock every second", pollers),
    *TOKEN_STORIES,
)
