"""Processes of the service as far as events are concerned: connections, memory and a clock each."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

from app.catalogue.served import ServedCatalogue
from app.domain.clock import Clock
from app.domain.goal import Catalogue, Mode, Requirement, Rotation, Schedule, Source
from app.domain.intake import EventOutcome, Incoming
from app.domain.pieces import PieceSize
from app.domain.player import Player
from app.domain.view import View
from app.events.days import make_days
from app.services.challenges import ChallengeService
from app.services.events import EventService, IntakePolicy, keep_on
from app.services.initialize import InitializeService
from app.services.selections import SelectionService
from db.events import PgEvents
from db.players import PgPlayers
from db.pool import Database
from db.revisions import PgRevisions
from tests.catalogues import make_catalogue, make_goal
from tests.eventually import PATIENCE_S

HOUR_MS = 3_600_000


def relative(stat: str, target: int) -> Requirement:
    """Return that so much of a stat must come while the goal is active."""
    return Requirement(stat, ">=", target, Mode.RELATIVE)


SEASON = make_catalogue(
    make_goal("a", default=True),
    make_goal("logins", default=True, source=Source.LOGIN, requirement=relative("login", 3)),
    make_goal(
        "daily",
        default=True,
        source=Source.LOGIN,
        requirement=relative("login", 1),
        rotation=Rotation(Schedule.DAILY, reset_progress=True, allow_reselection=True),
    ),
    make_goal("by-hand", requirement=relative("wins", 100)),
)
"""`a`: 10 wins. `logins`: 3 of them. `daily`: one a day. `by-hand` is given to nobody: 100 wins."""

_numbers = count(1)


def a_login(player: str, event_id: str | None = None, at_ms: int | None = None) -> Incoming:
    """Return a login; without an id it is one that nobody sent before."""
    name = event_id or f"login-{next(_numbers)}"
    return Incoming(name, "tests", None, player, Source.LOGIN, at_ms)


def wins(
    player: str,
    value: float,
    event_id: str | None = None,
    at_ms: int | None = None,
    *,
    increase: float = 0,
    stat: str = "wins",
) -> Incoming:
    """Return a statistic's new value; without an id it is one that nobody sent before."""
    name = event_id or f"wins-{next(_numbers)}"
    return Incoming(name, "tests", None, player, Source.STATISTIC, at_ms, stat, value, increase)


def words(outcomes: Sequence[EventOutcome]) -> list[str]:
    """Return the outcomes as one reads them: the result, and the reason if there is one."""
    return [f"{one.result} {one.reason}".strip() for one in outcomes]


class EventPod:
    """One process."""

    def __init__(self, database: Database, statements: Counter[str], *, make_known: bool) -> None:
        self.statements = statements
        """How often each statement ran."""
        self.clock = Clock()
        self.store = PgEvents(database, self.clock)
        self.players = PgPlayers(database, self.clock)
        self.revisions = PgRevisions(database)
        self.policy = IntakePolicy("local", make_known=make_known, piece=PieceSize())
        self.served: ServedCatalogue

    async def serve(self, catalogue: Catalogue) -> None:
        """Serve a catalogue from now on."""
        revision = await self.revisions.register(catalogue)
        self.served = ServedCatalogue(catalogue, revision, self.revisions)
        self.challenges = ChallengeService(self.players, self.served)
        self.selections = SelectionService(self.players, self.challenges)

    async def send(
        self, *events: Incoming, hand_on: Callable[[], Awaitable[None]] = keep_on
    ) -> list[str]:
        """Return what became of the events of one batch."""
        return words(
            await EventService(self.store, self.served, self.policy).apply(events, hand_on)
        )

    async def initialize(self, player: str) -> int:
        """Return how many goals the player is told are new."""
        [result] = await InitializeService(self.players, self.served).initialize([player])
        return result.new_assignments

    async def see(self, player: str) -> View:
        """Return what a player sees."""
        return (await self.challenges.see(player)).view

    async def progress(self, player: str, goal: str = "a") -> int:
        """Return how far a goal is."""
        view = await self.see(player)
        return view.of(self.served.rules.by_id[goal].number).progress

    async def row(self, player: str) -> Player | None:
        """Return what is stored."""
        return (await self.players.read_many([player])).players.get(player)

    async def now_ms(self) -> int:
        """Return the moment."""
        return await self.store.now_ms()

    async def stand_at(self, moment_ms: int) -> None:
        """Set the moment, as an operator would."""
        database_ms = await self.store.database_ms()
        self.clock.set(moment_ms, database_ms)
        await make_days(self.store)


@asynccontextmanager
async def event_pods(
    database_url: str, number: int = 1, *, size: int = 8, make_known: bool = True
) -> AsyncIterator[list[EventPod]]:
    """Yield so many pods that serve SEASON; the days are made."""
    async with AsyncExitStack() as stack:
        pods = []
        for _ in range(number):
            statements: Counter[str] = Counter()
            database = Database(
                database_url,
                size=size,
                acquire_s_max=PATIENCE_S * 10,
                statement_s_max=PATIENCE_S,
                on_statement=_counting(statements),
            )
            await database.open()
            stack.push_async_callback(database.close)
            pods.append(EventPod(database, statements, make_known=make_known))
            await pods[-1].serve(SEASON)
        await make_days(pods[0].store)
        yield pods


def _counting(statements: Counter[str]) -> Callable[[str, float], None]:
    def count_one(name: str, _: float) -> None:
        statements[name] += 1

    return count_one
