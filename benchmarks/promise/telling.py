"""What stories are told with: their figures, the gate's settings, and who comes when."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.promise.server import MS, S, Server
from benchmarks.promise.simulation import Client, Proof, Returning, Simulation, obedient
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


# ── telling and measuring ────────────────────


def burst(
    seed: int,
    returning_of: Callable[[int], Returning] = lambda _: obedient,
    stall_s: tuple[float, float] | None = None,
    seconds: int = BURST_S,
    proof: Proof = Proof.KNOWN,
) -> list[Client]:
    """Play the burst that is held in the database, and return its clients."""
    server = Server(HELD_MS, HELD_PER_S, stall_s)
    world = Simulation(settings(rate=HELD_PER_S), server, seed=seed)
    log_in(world, BURST_PER_S, seconds=seconds, returning_of=returning_of, proof=proof)
    return world.run().clients


def log_in(
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


def play(world: Simulation, per_s: int, *, until_s: int) -> None:
    """Let gameplay come so often a second."""
    at_ns = 0
    while (at_ns := at_ns + round(world.dice.expovariate(per_s) * S)) < until_s * S:
        world.arrive(Class.GAMEPLAY, at_ns)


def of(world: Simulation, cls: Class) -> list[Client]:
    """Return the clients of a class."""
    return [client for client in world.clients if client.cls is cls]


def gameplay_figures(world: Simulation) -> list[Figure]:
    """Return how gameplay fared."""
    clients = of(world, Class.GAMEPLAY)
    waits_ms = sorted(client.waited_ns / MS for client in clients if client.in_ns is not None)
    in_percent = 100 * len(waits_ms) / len(clients)
    return [
        Figure("gameplay in", in_percent, "%", at_least=99.9),
        Figure("wait in line, p95", waits_ms[len(waits_ms) * 95 // 100], "ms", at_most=10),
    ]


def in_figures(clients: Sequence[Client], attempts_max: int | None = 2) -> list[Figure]:
    """Return who got in, and after how many attempts."""
    in_percent = 100 * sum(client.in_ns is not None for client in clients) / len(clients)
    most = max(client.attempts for client in clients)
    return [
        Figure("in", in_percent, "%", at_least=100),
        Figure("attempts, most", most, at_most=attempts_max),
    ]


def attempts(clients: Iterable[Client]) -> float:
    """Return how often those asked who were refused."""
    return fmean(client.attempts for client in clients if client.attempts > 1)


def last_in(clients: Iterable[Client], ideal_s: float, *, at_most: float | None) -> Figure:
    """Return when the last one was in, beside the ideal."""
    last_s = max(client.in_ns or 0 for client in clients) / S
    return Figure(f"last one in, beside {ideal_s:.0f} s", last_s / ideal_s, "x", at_most=at_most)


def time_to_in_s(clients: Iterable[Client]) -> float:
    """Return how long it took on average to get in."""
    return fmean(((client.in_ns or 0) - client.arrived_ns) / S for client in clients)
