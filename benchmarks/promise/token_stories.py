"""The stories of tokens and of several pods."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.promise.server import S, Server
from benchmarks.promise.simulation import Proof, Simulation, never
from benchmarks.promise.telling import (
    BURST_PER_S,
    BURST_S,
    HELD_MS,
    HELD_PER_S,
    IDEAL_S,
    LIMIT,
    Figure,
    Story,
    attempts,
    burst,
    in_figures,
    last_in,
    log_in,
    play,
    settings,
)
from middleware.admission import Class


def _forged(seed: int) -> list[Figure]:
    """Send 5,000 forged tokens a second beside players who are known, and new ones."""
    world = Simulation(settings(rate=HELD_PER_S), Server(HELD_MS, HELD_PER_S), seed=seed)
    seconds = 20
    for _ in range(5_000 * seconds):
        cls = Class.INITIALIZE if world.dice.random() < 0.5 else Class.GAMEPLAY
        world.arrive(cls, world.dice.randrange(seconds * S), never, Proof.FORGED)
    play(world, 200, until_s=seconds)
    log_in(world, 150, seconds=seconds)
    log_in(world, 100, seconds=seconds, proof=Proof.NEW)
    world.run()
    known, new = (
        [client for client in world.clients if client.proof is proof]
        for proof in (Proof.KNOWN, Proof.NEW)
    )
    known_in = 100 * sum(client.in_ns is not None for client in known) / len(known)
    return [
        Figure("known players in", known_in, "%", at_least=99.9),
        *(Figure(f"new ones {each.name}", *_of_figure(each)) for each in in_figures(new, None)),
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
    log_in(world, BURST_PER_S, seconds=BURST_S, from_s=20, proof=Proof.NEW)
    world.run()
    logins = [client for client in world.clients if client.proof is Proof.NEW]
    return [
        *in_figures(logins, None),
        Figure("attempts per refused client", attempts(logins), at_most=2.05),
    ]


def _new_tokens(seed: int) -> list[Figure]:
    """Play the held burst where each attempt shows a token that nobody has looked at."""
    logins = burst(seed, proof=Proof.NEW)
    once = 100 * sum(client.attempts <= 2 for client in logins) / len(logins)
    return [
        *in_figures(logins, None),
        Figure("with at most one return", once, "%", at_least=99),
        Figure("attempts per refused client", attempts(logins), at_most=2.05),
        last_in(logins, IDEAL_S, at_most=1.05),
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
    log_in(world, BURST_PER_S, seconds=BURST_S, tickets=tickets)
    logins = world.run().clients
    put_off_s = max(
        max(client.told_ns, default=0) - (client.told_ns or [0])[0] for client in logins
    )
    return [
        *in_figures(logins, None),
        Figure("attempts per refused client", attempts(logins), at_most=2.05 if tickets else None),
        Figure("a moment put off, longest", put_off_s / S, "s", at_most=1 if tickets else None),
        last_in(logins, IDEAL_S, at_most=1.05 if tickets else None),
    ]


TOKEN_STORIES: Final[Sequence[Story]] = (
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
