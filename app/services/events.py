"""Lets events take effect: each once, a batch in pieces, each piece in one transaction.

What a producer is told is true when it is told: ids and effects are committed together. A batch is
answered after its last piece; one that failed on the way can be sent again, and what was committed
is known then. Between two transactions whoever is due first at the gate runs, so a piece is as
large as 10 to 20 ms of work. The events of a player stay together and in the order of their time.
A producer that leaves in between is not missed: what it sent takes effect.

Rows are locked in one order everywhere: event ids, then players, both ascending. So batches that
overlap wait for each other, and never in a circle. Where a transaction fails for the sake of a
player, the piece is halved until that player stands alone. If the facts cannot be read, all events
of the player are rejected; otherwise the ones that fail alone. What is left takes effect.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from time import perf_counter
from traceback import format_tb
from typing import Final, NamedTuple

import structlog

from app.catalogue.served import Cohort, ServedCatalogue
from app.domain.errors import Contended, Unavailable
from app.domain.event import Event, apply_event, concerns
from app.domain.initialize import assign_defaults
from app.domain.intake import (
    EVENTS_MAX,
    MEANINGS,
    DayMissing,
    EventOutcome,
    EventReason,
    EventStore,
    EventTransaction,
    Incoming,
    Result,
    SeenKey,
    days_kept,
    days_to_remember,
    digest_of,
    is_too_old,
)
from app.domain.pieces import PieceSize
from app.domain.player import Player
from app.domain.upkeep import drop_what_says_nothing

ROUNDS_MAX: Final = 3
"""A round is lost only to what is new to this process: a day, or a list of revisions."""

POISON_MAX: Final = 8
"""So many players of one batch may have events that fail. If more do, it is not their fault."""

log = structlog.get_logger()


async def keep_on() -> None:
    """Hand nothing on: nobody else waits for what this caller holds."""


class IntakePolicy(NamedTuple):
    """Which namespace's events take effect, whether they make players known, and how many at once.

    `piece` learns while events are taken in.
    """

    namespace: str
    make_known: bool
    piece: PieceSize

    def takes(self, incoming: Incoming) -> bool:
        """Return whether an event is of our namespace; one that names none is."""
        return incoming.namespace is None or incoming.namespace == self.namespace


class EventService:
    """Takes batches of events in, under one policy."""

    def __init__(self, store: EventStore, served: ServedCatalogue, policy: IntakePolicy) -> None:
        self._store = store
        self._served = served
        self._policy = policy

    async def apply(
        self,
        events: Sequence[Incoming],
        hand_on: Callable[[], Awaitable[None]] = keep_on,
    ) -> list[EventOutcome]:
        """Return what became of each of at most EVENTS_MAX events, in their order.

        `hand_on` is awaited between two transactions, and lets others run who are due first.

        Raises `Unavailable` if it is not known what was committed, what `hand_on` raises if the
        batch may not go on, or RuntimeError if events of too many players fail: all can be sent
        again, and those that were committed are duplicates then.
        """
        assert len(events) <= EVENTS_MAX
        policy, store = self._policy, self._store
        outcomes: dict[int, EventOutcome] = {}
        pending = []
        now_ms = await store.now_ms() if any(map(policy.takes, events)) else 0
        for position, incoming in enumerate(events):
            if not policy.takes(incoming):
                outcomes[position] = _outcome(incoming, EventReason.NAMESPACE_FOREIGN)
            elif is_too_old(incoming.at_ms, now_ms):
                outcomes[position] = _outcome(incoming, EventReason.TOO_OLD)
            else:
                pending.append(_pending(position, incoming, now_ms))
        if pending:
            intake = _Intake(store, self._served, policy, now_ms, hand_on)
            outcomes |= await intake.commit_in_pieces(_in_order(pending))
        return [outcomes[position] for position in range(len(events))]


class _Pending(NamedTuple):
    """An event that may take effect: its place in the batch, and under what it is remembered."""

    position: int
    incoming: Incoming
    event: Event
    keys: Sequence[SeenKey]

    @property
    def digest(self) -> bytes:
        return self.keys[0].digest


class _CohortsUnknown(Exception):
    """Players have lists of revisions of which this process does not keep the cohorts."""

    def __init__(self, lists: Collection[tuple[int, ...]]) -> None:
        super().__init__(lists)
        self.lists = lists


class _Unreadable(Exception):
    """Facts of players cannot be read; `digests` are of the events that would change them."""

    def __init__(self, digests: Collection[bytes]) -> None:
        super().__init__(f"{len(digests)} events")
        self.digests = digests


class _Intake:
    """One batch on its way. `now_ms` is the moment of its receipt."""

    def __init__(
        self,
        store: EventStore,
        served: ServedCatalogue,
        policy: IntakePolicy,
        now_ms: int,
        hand_on: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._served = served
        self._policy = policy
        self._now_ms = now_ms
        self._hand_on = hand_on
        self._began = False
        self._cohorts: dict[tuple[int, ...], Cohort] = {}
        self._poisoned: set[str] = set()

    async def commit_in_pieces(self, batch: Sequence[_Pending]) -> dict[int, EventOutcome]:
        """Commit the batch, as many events at a time as take effect in the time of a piece."""
        outcomes: dict[int, EventOutcome] = {}
        size = self._policy.piece
        while batch:
            piece, batch = batch[: size.events], batch[size.events :]
            outcomes |= await self.commit_isolating(piece)
        return outcomes

    async def commit_isolating(self, batch: Sequence[_Pending]) -> dict[int, EventOutcome]:
        """Commit the batch without the events for whose sake it fails.

        These are at most two transactions for each event.
        """
        outcomes: dict[int, EventOutcome] = {}
        try:
            return await self._commit(batch)
        except Unavailable:
            raise
        except Exception as failure:  # noqa: BLE001 - it is logged below, but for its text
            spoiling, parts = _parted(batch, failure)
            if spoiling:
                outcomes = self._reject(spoiling, failure)
            else:
                log.warning("events_halved", events=len(batch), cause=type(failure).__name__)
        for part in filter(None, parts):
            outcomes |= await self.commit_isolating(part)
        return outcomes

    def _reject(self, spoiling: Sequence[_Pending], failure: Exception) -> dict[int, EventOutcome]:
        """Return what becomes of one player's events that fail."""
        self._poisoned.add(spoiling[0].incoming.player_id)
        if len(self._poisoned) > POISON_MAX:
            raise RuntimeError(f"events of more than {POISON_MAX} players fail") from None
        cause = failure.__cause__ or failure
        log.error(
            "event_failed",
            events=[(each.incoming.source, each.incoming.id) for each in spoiling],
            cause=type(cause).__name__,
            # Not its text: the database's quotes rows, and so players.
            exception="".join(format_tb(cause.__traceback__)),
        )
        return {each.position: _outcome(each.incoming, EventReason.INTERNAL) for each in spoiling}

    async def _commit(self, batch: Sequence[_Pending]) -> dict[int, EventOutcome]:
        if self._began:
            await self._hand_on()
        self._began = True
        started_s = perf_counter()
        committed = False
        try:
            outcomes = await self._commit_at_once(batch)
            committed = True
        finally:
            took_ms = 1000 * (perf_counter() - started_s)
            self._policy.piece.learn(len(batch), took_ms, committed=committed)
        return outcomes

    async def _commit_at_once(self, batch: Sequence[_Pending]) -> dict[int, EventOutcome]:
        for _ in range(ROUNDS_MAX):
            try:
                async with self._store.transaction() as transaction:
                    return await self._apply(transaction, batch)
            except _CohortsUnknown as unknown:
                # Not inside: that would wait for a second connection while it holds one.
                self._cohorts |= await self._served.cohorts(unknown.lists)
            except DayMissing:
                await self._store.make_days(days_kept(self._now_ms))
        raise Contended

    def _find_cohorts(self, lists: Iterable[tuple[int, ...]]) -> None:
        """Have the cohorts of these lists at hand. Raises _CohortsUnknown if some are not kept."""
        unknown = []
        for revisions in lists:
            cohort = self._cohorts.get(revisions) or self._served.known_cohort(revisions)
            if cohort is None:
                unknown.append(revisions)
            else:
                self._cohorts[revisions] = cohort
        if unknown:
            raise _CohortsUnknown(unknown)

    async def _apply(
        self, transaction: EventTransaction, batch: Sequence[_Pending]
    ) -> dict[int, EventOutcome]:
        keys = sorted({key for each in batch for key in each.keys})
        known = await transaction.remember(keys)
        outcomes: dict[int, EventOutcome] = {}
        effective = []
        digests: set[bytes] = set()
        for each in batch:
            if each.digest in digests or not known.isdisjoint(each.keys):
                outcomes[each.position] = EventOutcome(each.incoming.id, Result.DUPLICATE)
            elif concerns(self._served.rules, each.event):
                effective.append(each)
            else:
                reason = (
                    EventReason.VALUE_NEGATIVE if each.event.value < 0 else EventReason.STAT_UNKNOWN
                )
                outcomes[each.position] = _outcome(each.incoming, reason)
            digests.add(each.digest)
        if effective:
            known_players = await self._write(transaction, effective)
            for position, incoming, *_ in effective:
                reason = (
                    EventReason.NONE
                    if incoming.player_id in known_players
                    else EventReason.PLAYER_UNKNOWN
                )
                outcomes[position] = _outcome(incoming, reason)
        return outcomes

    async def _write(
        self, transaction: EventTransaction, effective: Sequence[_Pending]
    ) -> Collection[str]:
        """Write what events make of their players; return who of these has a row."""
        events: dict[str, list[Event]] = {}
        for each in effective:
            events.setdefault(each.incoming.player_id, []).append(each.event)
        ids = sorted(events)
        if self._policy.make_known:
            await transaction.make_known(ids, self._newcomer())
        try:
            read = await transaction.lock(ids)
        except Unavailable:
            raise
        except Exception as failure:
            raise _Unreadable({each.digest for each in effective}) from failure
        self._find_cohorts({each.revisions for each in read.players.values()})
        stats, goals = [], []
        for player_id, before in read.players.items():
            after = self._fold(before, events[player_id], read.clock_ms)
            if after.goals is not before.goals:
                goals.append(after)
            elif after is not before:
                stats.append(after)
        if stats:
            await transaction.write_stats(stats)
        if goals:
            await transaction.write_goals(goals)
        return read.players.keys()

    def _newcomer(self) -> Player:
        """Return the facts of a player whom an event makes known, and who hears of them later."""
        served = self._served
        nobody = Player.unknown("", self._now_ms)
        plan = served.newcomers.plan
        return assign_defaults(served.rules, plan, nobody, served.revision, self._now_ms)

    def _fold(self, player: Player, events: Sequence[Event], clock_ms: int) -> Player:
        """Return what the events make of a player; the same object if they change nothing."""
        # The clock steps back when another server takes over; what a row has seen stays.
        now_ms = max(clock_ms, player.changed_at_ms)
        rules, plan = self._served.rules, self._cohorts[player.revisions].plan
        after = player
        for event in sorted(events, key=lambda event: event.at_ms):
            after = apply_event(rules, plan, after, event, now_ms)
        if after is player:
            return player
        if after.goals is not player.goals:
            after = drop_what_says_nothing(rules, after, now_ms)
        return after._replace(changed_at_ms=now_ms)


def _pending(position: int, incoming: Incoming, now_ms: int) -> _Pending:
    # What did not happen yet happens now, as does what does not say when.
    at_ms = now_ms if incoming.at_ms is None else min(incoming.at_ms, now_ms)
    event = Event(incoming.kind, at_ms, incoming.stat_code, incoming.value, incoming.increase)
    digest = digest_of(incoming.source, incoming.id)
    days = days_to_remember(incoming.at_ms, now_ms)
    return _Pending(position, incoming, event, [SeenKey(day, digest) for day in days])


def _in_order(pending: Sequence[_Pending]) -> list[_Pending]:
    """Put the events of a player together, in the order of their time.

    Pieces are cut from them, and each takes effect after the one before. What repeats an id stands
    behind the first that has it.
    """
    first: dict[bytes, _Pending] = {}
    for each in pending:
        first.setdefault(each.digest, each)

    def order(each: _Pending) -> tuple[str, int, int, int]:
        leader = first[each.digest]
        return leader.incoming.player_id, leader.event.at_ms, leader.position, each.position

    return sorted(pending, key=order)


def _parted(
    batch: Sequence[_Pending], failure: Exception
) -> tuple[Sequence[_Pending], Sequence[Sequence[_Pending]]]:
    """Return which events spoil a batch, none if that is not known, and how to try the others."""
    players = list(dict.fromkeys(each.incoming.player_id for each in batch))
    if len(batch) == 1:
        return batch, []
    if len(players) > 1:
        first = set(players[: len(players) // 2])
        return [], _split(batch, lambda each: each.incoming.player_id in first)
    if isinstance(failure, _Unreadable):
        spoiling, others = _split(batch, lambda each: each.digest in failure.digests)
        return spoiling, [others]
    middle = len(batch) // 2
    return [], [batch[:middle], batch[middle:]]


def _split(
    batch: Sequence[_Pending], belongs: Callable[[_Pending], bool]
) -> tuple[Sequence[_Pending], Sequence[_Pending]]:
    return [each for each in batch if belongs(each)], [each for each in batch if not belongs(each)]


def _outcome(incoming: Incoming, reason: EventReason) -> EventOutcome:
    result = MEANINGS[reason][0] if reason else Result.ACCEPTED
    return EventOutcome(incoming.id, result, reason)
