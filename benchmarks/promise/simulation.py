"""The admission core among simulated clients and a simulated server: no loop, no sleep, one result.

It is the very core that serves. Time jumps from one event to the next, and every random number
comes from one seed, so a story told twice is the same story.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import count

from benchmarks.promise.server import MS, S, Server
from middleware.admission import (
    AdmissionCore,
    AdmissionReason,
    AdmissionSettings,
    Admitted,
    Arrival,
    Class,
    Decision,
    Outcome,
    Place,
    Promise,
    Refused,
    Turn,
    Vitals,
)
from middleware.admission.looks import Looks
from middleware.admission.settings import CLASS_TABLE

NETWORK_NS = 20 * MS
"""A client comes up to so much later than it was told."""

UNAVAILABLE_NS = (500 * MS, 3_000 * MS)
"""A request that timed out is told to come again after so long, at random."""

LOOK_NS = 100_000
"""What looking at one token takes, with a cold cache."""

VERIFY_SHARE_PPM = 100_000

Returning = Callable[[random.Random, int], int | None]
"""From the moment a client was told, in ns from now, to when it comes again; None for never."""


def obedient(dice: random.Random, told_ns: int) -> int | None:
    """Return when told."""
    return told_ns + dice.randrange(NETWORK_NS)


def never(_: random.Random, __: int) -> int | None:
    """Do not return."""
    return None


def mostly_late(dice: random.Random, told_ns: int) -> int | None:
    """Return when told, or with a chance of one half up to 55 s later."""
    return told_ns + dice.randrange(NETWORK_NS if dice.random() < 0.5 else 55 * S)


def every_second(dice: random.Random, told_ns: int) -> int | None:
    """Return when told, and every second until then."""
    return min(told_ns, S) + dice.randrange(NETWORK_NS)


class Proof(Enum):
    """What a client shows of who it is."""

    KNOWN = auto()
    """A token that every pod has looked at."""
    NEW = auto()
    """A token that no pod has looked at, another one each time."""
    FORGED = auto()


@dataclass(eq=False)
class Client:
    """One arrival, and what became of it. Times are in ns; `in_ns` is None until it is served.

    `promise` is what its ticket says; one without `tickets` forgets what it was promised.
    """

    cls: Class
    arrived_ns: int
    key: int
    returning: Returning
    proof: Proof = Proof.KNOWN
    tickets: bool = False
    promise: Promise | None = None
    in_ns: int | None = None
    attempts: int = 0
    waited_ns: int = 0
    told_ns: list[int] = field(default_factory=list)
    """The moments that it was told."""


@dataclass(eq=False)
class Sender:
    """A connection that posts batches of events one after another, each of so many pieces."""

    pieces: int
    left: int = 0
    batches: int = 0
    in_vain: list[int] = field(default_factory=list)
    """When it was refused after a wait."""


class Pod:
    """One process: its core, what it may spend on tokens, and when it is woken next."""

    def __init__(self, settings: AdmissionSettings) -> None:
        self.core = AdmissionCore(settings)
        self.looks = Looks(self.core, VERIFY_SHARE_PPM)
        self.wake_ns: int | None = None


class Simulation:
    """Events in time order: arrivals, ends of holds, timers. Each pod gets every n-th request."""

    def __init__(
        self,
        settings: AdmissionSettings,
        server: Server,
        *,
        seed: int = 1,
        until_s: float = 600,
        pods: int = 1,
    ) -> None:
        self._settings = settings
        self.pods = [Pod(settings) for _ in range(pods)]
        self.looked_ns = 0
        self._requests = count()
        self.dice = random.Random(seed)
        self.clients: list[Client] = []
        self.senders: list[Sender] = []
        self.place_ns: Counter[Class] = Counter()
        self._server = server
        self._until_ns = round(until_s * S)
        self._events: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = count()
        self._owners: dict[Place, tuple[Client | Sender, Pod]] = {}

    def at(self, at_ns: int, happen: Callable[[int], None]) -> None:
        """Let something happen at a moment."""
        heapq.heappush(self._events, (at_ns, next(self._order), happen))

    def arrive(
        self,
        cls: Class,
        at_ns: int,
        returning: Returning = never,
        proof: Proof = Proof.KNOWN,
        *,
        tickets: bool = False,
    ) -> None:
        """Let a client of its own come for the first time."""
        client = Client(cls, at_ns, len(self.clients), returning, proof, tickets)
        self.clients.append(client)
        self.at(at_ns, lambda now_ns: self._knock(client, now_ns))

    def restart(self, number: int, at_ns: int) -> None:
        """Replace a pod: what it promised is forgotten, who runs or waits there ends there.

        The new one is told how far the others have booked.
        """

        def replace(now_ns: int) -> None:
            booked_ns = max(pod.core.snapshot(now_ns).booked_until_ns for pod in self.pods)
            self.pods[number] = Pod(self._settings)
            self.pods[number].core.resume(booked_ns, now_ns)

        self.at(at_ns, replace)

    def send_batches(self, senders: int, pieces: int) -> None:
        """Let so many connections post batches of events from the beginning to the end."""
        for _ in range(senders):
            sender = Sender(pieces)
            self.senders.append(sender)
            self.at(0, lambda now_ns, sender=sender: self._post(sender, now_ns))  # type: ignore[misc]

    def run(self) -> "Simulation":
        """Let everything happen."""
        while self._events:
            now_ns, _, happen = heapq.heappop(self._events)
            if now_ns > self._until_ns:
                break
            happen(now_ns)
        return self

    # ── clients ────────────────────

    def _knock(self, client: Client, now_ns: int) -> None:
        client.attempts += 1
        self._ask(client, client.cls, client.key, now_ns)

    def _post(self, sender: Sender, now_ns: int) -> None:
        sender.left = sender.pieces
        self._ask(sender, Class.EVENTS, -1, now_ns)

    def _ask(self, owner: Client | Sender, cls: Class, key: int, now_ns: int) -> None:
        pod = self.pods[next(self._requests) % len(self.pods)]
        decision = self._decide(pod, owner, Arrival(cls, key, True, self.dice.random()), now_ns)
        if isinstance(decision, Refused):
            self._refused(owner, decision, now_ns)
        elif decision is not None:
            self._owners[decision.place] = owner, pod
            if isinstance(decision, Admitted):
                self._start(decision.place, now_ns)
            else:
                self._wake_at(pod, decision.wake_at_ns, now_ns)

    def _decide(
        self, pod: Pod, owner: Client | Sender, arrival: Arrival, now_ns: int
    ) -> Decision | None:
        """Return what the gate decides; None of a forged token that was looked at: it is a 401."""
        if isinstance(owner, Sender):
            return pod.core.arrive(arrival, Vitals(), now_ns)
        arrival = replace(arrival, promise=owner.promise)
        if owner.proof is Proof.KNOWN:
            return pod.core.arrive(arrival, Vitals(), now_ns)
        vouched = owner.promise is not None
        newcomer = replace(arrival, verified=False, unknown=True, vouched=vouched, promise=None)
        budget = pod.looks.budget_for(newcomer, now_ns)
        if budget is None:
            return pod.core.turn_away(newcomer, now_ns)
        self.looked_ns += LOOK_NS
        budget.spend(LOOK_NS, now_ns)
        if owner.proof is Proof.FORGED:
            return None
        decision = pod.core.arrive(arrival, Vitals(), now_ns)
        if not isinstance(decision, Refused):
            budget.give_back(LOOK_NS)
        return decision

    def _refused(self, owner: Client | Sender, refused: Refused, now_ns: int) -> None:
        if isinstance(owner, Sender):
            if refused.reason is AdmissionReason.WAIT_EXPIRED:
                owner.in_vain.append(now_ns)
            self.at(now_ns + refused.retry_after_ns, lambda now_ns: self._post(owner, now_ns))
            return
        owner.told_ns.append(now_ns + refused.retry_after_ns)
        owner.promise = refused.promise if owner.tickets else None
        self._come_back(owner, refused.retry_after_ns, now_ns)

    def _come_back(self, client: Client, told_ns: int, now_ns: int) -> None:
        later_ns = client.returning(self.dice, told_ns)
        if later_ns is not None:
            self.at(now_ns + later_ns, lambda now_ns: self._knock(client, now_ns))

    # ── places ────────────────────

    def _start(self, place: Place, now_ns: int) -> None:
        share = CLASS_TABLE[place.cls].share
        end_ns, outcome = self._server.end(share, now_ns, self.dice)
        self.at(end_ns, lambda now_ns: self._end(place, outcome, now_ns))

    def _end(self, place: Place, outcome: Outcome, now_ns: int) -> None:
        owner, pod = self._owners[place]
        self.place_ns[place.cls] += now_ns - place.started_at_ns
        if isinstance(owner, Sender) and owner.left > 1:
            owner.left -= 1
            self._take(pod, pod.core.hand_on(place, now_ns), now_ns)
            return
        del self._owners[place]
        self._take(pod, pod.core.leave(place, outcome, now_ns), now_ns)
        if isinstance(owner, Sender):
            owner.batches += 1
            self._post(owner, now_ns)
        elif outcome is Outcome.SUCCESS:
            owner.in_ns = now_ns
            owner.waited_ns = place.started_at_ns - place.arrived_at_ns
        else:
            self._come_back(owner, self.dice.randint(*UNAVAILABLE_NS), now_ns)

    def _take(self, pod: Pod, turn: Turn, now_ns: int) -> None:
        for place in turn.granted:
            self._start(place, now_ns)
        for place, refused in turn.refused:
            self._refused(self._owners.pop(place)[0], refused, now_ns)
        self._wake_at(pod, turn.wake_at_ns, now_ns)

    def _wake_at(self, pod: Pod, wake_at_ns: int | None, now_ns: int) -> None:
        if wake_at_ns is not None and (pod.wake_ns is None or wake_at_ns < pod.wake_ns):
            due_ns = pod.wake_ns = max(wake_at_ns, now_ns)
            self.at(due_ns, lambda now_ns: self._wake(pod, due_ns, now_ns))

    def _wake(self, pod: Pod, due_ns: int, now_ns: int) -> None:
        if due_ns == pod.wake_ns:
            pod.wake_ns = None
            self._take(pod, pod.core.wake(now_ns), now_ns)
