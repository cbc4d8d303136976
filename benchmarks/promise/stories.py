"""The stories that the promise is tried in, and what each must show with every seed."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from benchmarks.promise.server import MS, S, Server
from benchmarks.promise.simulation import (
    Client,
    Proof,
    Returning,
    Simulation,
    every_second,
    mostly_late,
    never,
    obedient,
)
from middleware.admission import AdmissionSettings, Class, Rate, Share

LIMIT = 10
HELD_MS = {Share.GAMEPLAY: 2.5, Share.LOGINS: 4.0, Share.EVENTS: 18.0}
BURST_PER_S, BURST_S, HELD_PER_S = 600, 60, 300
IDEAL_S = BURST_PER_S * BURST_S / HELD_PER_S
SENDERS, PIECES = 24, 3


@dataclass(frozen=True)
class Figure:
    """One figure of a story, with its bounds if it has any."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the figure keeps its bounds."""
        enough = self.at_least is None or self.value >= self.at_least
        return enough and (self.at_most is None or self.value <= self.at_most)


@dataclass(frozen=True)
class Story:
    """One story: what happens, told with a seed."""

    key: str
    title: str
    tell: Callable[[int], Sequence[Figure]]


def settings(limit: int = LIMIT, rate: int | None = None) -> AdmissionSettings:
    """Return the gate's settings; `rate` is the initialize rate that it is told, if any."""
    return AdmissionSettings(
        limit=limit,
        initialize_rate=Rate.per_second(rate, burst=rate // 10) if rate else None,
        quota=Rate.per_second(50, burst=100),
    )


# ── beside others ────────────────────


def _beside_events(seed: int, *, limit: int) -> list[Figure]:
    world = Simulation(settings(limit), Server(HELD_MS), seed=seed, until_s=20)
    world.send_batches(SENDERS, PIECES)
    _play(world, 200, until_s=19)
    return _gameplay_figures(world.run())


def _large_batches(seed: int) -> list[Figure]:
    """Batches of twenty pieces: each holds a place for 360 ms in all, and waits for a second."""
    world = Simulation(settings(), Server(HELD_MS), seed=seed, until_s=40)
    world.send_batches(SENDERS, 20)
    _play(world, 200, until_s=39)
    learnt_ns = 10 * S
    in_vain = [at_ns for sender in world.run().senders for at_ns in sender.in_vain]
    return [
        *_gameplay_figures(world),
        Figure("batches", sum(sender.batches for sender in world.senders), at_least=800),
        Figure(
            "batches that waited in vain, after 10 s",
            sum(at_ns > learnt_ns for at_ns in in_vain),
            at_most=5,
        ),
    ]


def _beside_logins(seed: int, *, limit: int) -> list[Figure]:
    world = Simulation(settings(limit), Server(HELD_MS, held_per_s=30), seed=seed, until_s=20)
    _log_in(world, 20 * 30, seconds=15)
    _play(world, 200, until_s=19)
    return _gameplay_figures(world.run())


def _beside_gameplay(seed: int) -> list[Figure]:
    """5,500 a second where 5,000 can be served: each of 10 places holds a list for 2 ms."""
    held_ms = {Share.GAMEPLAY: 2.0, Share.LOGINS: 2.0, Share.EVENTS: 18.0}
    world = Simulation(settings(), Server(held_ms), seed=seed, until_s=20)
    _play(world, 5_500, until_s=15)
    _log_in(world, 5_000, seconds=3, from_s=2)
    logins = _of(world.run(), Class.INITIALIZE)
    refused = [client for client in logins if client.told_ns]
    longest_ms = max(client.waited_ns for client in logins) / MS
    return [
        *_in_figures(logins),
        Figure("clients with a moment", len(refused), at_least=6_000),
        Figure("wait in line, longest", longest_ms, "ms", at_most=2_000),
    ]


# ── the database stands still ────────────────────


def _stall(seed: int, *, held_per_s: int, from_s: float) -> list[Figure]:
    stall_s = (from_s, from_s + 7)
    world = Simulation(settings(), Server(HELD_MS, held_per_s, stall_s), seed=seed)
    _log_in(world, 100, seconds=12)
    logins = world.run().clients
    ideal_s = max(12, len(logins) / held_per_s + 7)
    return [*_in_figures(logins, attempts_max=3), _last_in(logins, ideal_s, at_most=1.05)]


def _burst_stall(seed: int, *, stalled_s: int, at_most: float) -> list[Figure]:
    logins = _burst(seed, stall_s=(20, 20 + stalled_s))
    ideal_s = IDEAL_S + stalled_s
    return [*_in_figures(logins, attempts_max=None), _last_in(logins, ideal_s, at_most=at_most)]


def _late_stall(seed: int) -> list[Figure]:
    """Stand still in the last second of the drain, when few are left."""
    logins = _burst(seed, stall_s=(30, 37), seconds=15)
    ideal_s = 15 * BURST_PER_S / HELD_PER_S + 7
    return [*_in_figures(logins, attempts_max=None), _last_in(logins, ideal_s, at_most=1.1)]


def _slow_then_fast(seed: int) -> list[Figure]:
    """Go at a fifth for 15 s. Who was told a far moment meanwhile sleeps until then."""
    mixed = partial(_slow_spell, seed)
    logins = mixed(lambda number: every_second if number % 5 == 0 else obedient)
    others = [client for client in logins if client.returning is obedient]
    without_s = _time_to_in_s(mixed(lambda _: obedient))
    ideal_s = 15 + (len(logins) - 15 * HELD_PER_S / 5) / HELD_PER_S
    return [
        *_in_figures(logins, attempts_max=None),
        Figure(
            "others, time to in beside without", _time_to_in_s(others) / without_s, "x", None, 1.01
        ),
        _last_in(logins, ideal_s, at_most=None),
    ]


def _slow_spell(seed: int, returning_of: Callable[[int], Returning]) -> list[Client]:
    server = Server(HELD_MS, HELD_PER_S, slow=(HELD_PER_S / 5, 15))
    world = Simulation(settings(), server, seed=seed)
    _log_in(world, HELD_PER_S, seconds=15, returning_of=returning_of)
    return world.run().clients


# ── clients of all kinds ────────────────────


def _obedient(seed: int) -> list[Figure]:
    logins = _burst(seed)
    return [
        *_in_figures(logins),
        Figure("attempts per refused client", _attempts(logins), at_most=2.005),
        _last_in(logins, IDEAL_S, at_most=1.011),
    ]


def _late(seed: int) -> list[Figure]:
    return _in_figures(_burst(seed, lambda _: mostly_late))


def _no_shows(seed: int) -> list[Figure]:
    dice = random.Random(seed)
    logins = _burst(seed, lambda _: never if dice.random() < 0.5 else obedient)
    came = [client for client in logins if client.in_ns is not None or client.returning is obedient]
    return [*_in_figures(came), _last_in(came, len(came) / HELD_PER_S, at_most=1.1)]


def pollers(seed: int, seconds: int = BURST_S) -> list[Figure]:
    """Tell what those who knock every second gain, and what that costs the others."""
    mixed = partial(_burst, seed, lambda number: every_second if number % 5 == 0 else obedient)
    logins = mixed(seconds=seconds)
    impatient = [client for client in logins if client.returning is every_second]
    others = [client for client in logins if client.returning is obedient]
    without = _burst(seed, seconds=seconds)
    patient = [client for client in without if client.key % 5 == 0]
    others_s = _time_to_in_s(others) / _time_to_in_s(c for c in without if c.key % 5)
    impatient_s = _time_to_in_s(impatient) / _time_to_in_s(patient)
    return [
        *_in_figures(others),
        Figure("others, time to in beside without", others_s, "x", at_most=1.01),
        Figure("pollers, time to in beside obeying", impatient_s, "x", at_least=0.95),
        _last_in(logins, len(logins) / HELD_PER_S, at_most=1.015),
    ]


# ── tokens and several pods ────────────────────


def _forged(seed: int) -> list[Figure]:
    """Send 5,000 forged tokens a second beside players who are known, and new ones."""
    world = Simulation(settings(rate=HELD_PER_S), Server(HELD_MS, HELD_PER_S), seed=seed)
    seconds = 20
    for _ in range(5_000 * seconds):
        cls = Class.INITIALIZE if world.dice.random() < 0.5 else Class.GAMEPLAY
        world.arrive(cls, world.dice.randrange(seconds * S), never, Proof.FORGED)
    _play(world, 200, until_s=seconds)
    _log_in(world, 150, seconds=seconds)
    _log_in(world, 100, seconds=seconds, proof=Proof.NEW)
    world.run()
    known, new = (
        [client for client in world.clients if client.proof is proof]
        for proof in (Proof.KNOWN, Proof.NEW)
    )
    known_in = 100 * sum(client.in_ns is not None for client in known) / len(known)
    return [
        Figure("known players in", known_in, "%", at_least=99.9),
        *(Figure(f"new ones {each.name}", *_of_figure(each)) for each in _in_figures(new, None)),
        Figure("cores that look at tokens", world.looked_ns / (seconds * S), at_most=0.42),
    ]


def _of_figure(figure: Figure) -> tuple[float, str, float | None]:
    return figure.value, figure.unit, figure.at_least


def _after_forged(seed: int) -> list[Figure]:
    """Send 5,000 forged tokens a second to an idle gate for 20 s, and then the held burst."""
    server = Server(HELD_MS, HELD_PER_S)
    world = Simulation(settings(rate=HELD_PER_S), server, seed=seed)
    for _ in range(5_000 * 20):
        world.arrive(Class.INITIALIZE, world.dice.randrange(20 * S), never, Proof.FORGED)
    _log_in(world, BURST_PER_S, seconds=BURST_S, from_s=20, proof=Proof.NEW)
    world.run()
    logins = [client for client in world.clients if client.proof is Proof.NEW]
    return [
        *_in_figures(logins, None),
        Figure("attempts per refused client", _attempts(logins), at_most=2.05),
    ]


def _new_tokens(seed: int) -> list[Figure]:
    """Play the held burst where each attempt shows a token that nobody has looked at."""
    logins = _burst(seed, proof=Proof.NEW)
    once = 100 * sum(client.attempts <= 2 for client in logins) / len(logins)
    return [
        *_in_figures(logins, None),
        Figure("with at most one return", once, "%", at_least=99),
        Figure("attempts per refused client", _attempts(logins), at_most=2.05),
        _last_in(logins, IDEAL_S, at_most=1.05),
    ]


def _roll_out(seed: int, *, tickets: bool) -> list[Figure]:
    """Restart three pods one after another in mid-burst, behind a balancer that knows nobody."""
    pods = 3
    world = Simulation(
        settings(LIMIT // pods, HELD_PER_S // pods),
        Server(HELD_MS, HELD_PER_S),
        seed=seed,
        pods=pods,
    )
    for number, at_s in enumerate((20, 30, 40)):
        world.restart(number, at_s * S)
    _log_in(world, BURST_PER_S, seconds=BURST_S, tickets=tickets)
    logins = world.run().clients
    put_off_s = max(
        max(client.told_ns, default=0) - (client.told_ns or [0])[0] for client in logins
    )
    return [
        *_in_figures(logins, None),
        Figure("attempts per refused client", _attempts(logins), at_most=2.05 if tickets else None),
        Figure("a moment put off, longest", put_off_s / S, "s", at_most=1 if tickets else None),
        _last_in(logins, IDEAL_S, at_most=1.05 if tickets else None),
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
    Story("new-tokens", "held burst, a new token for each attempt", _new_tokens),
    Story("after-forged", "the same held burst right after a flood", _after_forged),
    Story("forged", "5,000 forged tokens/s beside known and new players", _forged),
    Story(
        "roll-out",
        "held burst, three pods restarted in it, tickets",
        partial(_roll_out, tickets=True),
    ),
    Story("roll-out-bare", "the same without tickets", partial(_roll_out, tickets=False)),
)


# ── telling and measuring ────────────────────


def _burst(
    seed: int,
    returning_of: Callable[[int], Returning] = lambda _: obedient,
    stall_s: tuple[float, float] | None = None,
    seconds: int = BURST_S,
    proof: Proof = Proof.KNOWN,
) -> list[Client]:
    """Play the burst that is held in the database, and return its clients."""
    server = Server(HELD_MS, HELD_PER_S, stall_s)
    world = Simulation(settings(rate=HELD_PER_S), server, seed=seed)
    _log_in(world, BURST_PER_S, seconds=seconds, returning_of=returning_of, proof=proof)
    return world.run().clients


def _log_in(
    world: Simulation,
    per_s: int,
    *,
    seconds: int,
    from_s: int = 0,
    returning_of: Callable[[int], Returning] = lambda _: obedient,
    proof: Proof = Proof.KNOWN,
    tickets: bool = False,
) -> None:
    """Let so many come a second on average, each on its own."""
    for number in range(per_s * seconds):
        at_ns = from_s * S + world.dice.randrange(seconds * S)
        world.arrive(Class.INITIALIZE, at_ns, returning_of(number), proof, tickets=tickets)


def _play(world: Simulation, per_s: int, *, until_s: int) -> None:
    at_ns = 0
    while (at_ns := at_ns + round(world.dice.expovariate(per_s) * S)) < until_s * S:
        world.arrive(Class.GAMEPLAY, at_ns)


def _of(world: Simulation, cls: Class) -> list[Client]:
    return [client for client in world.clients if client.cls is cls]


def _gameplay_figures(world: Simulation) -> list[Figure]:
    clients = _of(world, Class.GAMEPLAY)
    waits_ms = sorted(client.waited_ns / MS for client in clients if client.in_ns is not None)
    in_percent = 100 * len(waits_ms) / len(clients)
    return [
        Figure("gameplay in", in_percent, "%", at_least=99.9),
        Figure("wait in line, p95", waits_ms[len(waits_ms) * 95 // 100], "ms", at_most=10),
    ]


def _in_figures(clients: Sequence[Client], attempts_max: int | None = 2) -> list[Figure]:
    in_percent = 100 * sum(client.in_ns is not None for client in clients) / len(clients)
    most = max(client.attempts for client in clients)
    return [
        Figure("in", in_percent, "%", at_least=100),
        Figure("attempts, most", most, at_most=attempts_max),
    ]


def _attempts(clients: Iterable[Client]) -> float:
    return fmean(client.attempts for client in clients if client.attempts > 1)


def _last_in(clients: Iterable[Client], ideal_s: float, *, at_most: float | None) -> Figure:
    last_s = max(client.in_ns or 0 for client in clients) / S
    return Figure(f"last one in, beside {ideal_s:.0f} s", last_s / ideal_s, "x", at_most=at_most)


def _time_to_in_s(clients: Iterable[Client]) -> float:
    return fmean(((client.in_ns or 0) - client.arrived_ns) / S for client in clients)
