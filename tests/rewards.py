"""What tests of rewards share: a shop with everything behind a claim, and a scripted provider."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Generic, Self, TypeAlias, TypeVar
from uuid import UUID

from app.catalogue.served import ServedCatalogue
from app.domain.errors import ClaimRefused, GoalUnknown, GrantRefused, Unavailable
from app.domain.facts import GoalFacts
from app.domain.goal import Catalogue
from app.domain.player import Player
from app.domain.reward import Claim, Granted, GrantOutcome, RewardProvider
from app.errors import problem_of
from app.handlers.claims import claim_problem
from app.rewards.calls import Calls
from app.rewards.delivery import ClaimDeliveries
from app.rewards.pace import Pace
from app.rewards.relay import Relay
from app.services.challenges import ChallengeService
from app.services.claims import ClaimResult, ClaimService
from app.services.initialize import InitializeService
from app.services.selections import SelectionService
from app.telemetry import Metrics
from db.claims import PgClaims
from db.outbox import PgOutbox
from db.players import PgPlayers
from db.pool import Database, Transaction
from db.revisions import PgRevisions
from tests.eventually import PATIENCE_S

NAMESPACE = "game"
LEASE_MS = 15_000

PATIENT_S = PATIENCE_S
"""How long players wait for an answer that does come; no test depends on how fast it does."""

HASTY_S = 0.05
"""How long they wait for one that does not."""

P = TypeVar("P", bound=RewardProvider)


class ScriptedProvider:
    """Answers what it is told to, in order, and then grants. `asked` is who asked for what."""

    def __init__(self, *script: GrantOutcome | Awaitable[GrantOutcome]) -> None:
        self.script = list(script)
        self.asked: list[Claim] = []

    async def grant(self, claim: Claim) -> GrantOutcome:
        self.asked.append(claim)
        if not self.script:
            return Granted()
        answer = self.script.pop(0)
        return answer if isinstance(answer, GrantOutcome) else await answer

    @property
    def keys(self) -> list[UUID]:
        return [claim.claim_id for claim in self.asked]


class Shop(Generic[P]):
    """Everything behind a claim, on a real database; the relay runs only if it is started."""

    def __init__(
        self,
        database_url: str,
        catalogue: Catalogue,
        provider: P,
        *,
        concurrency: int = 16,
        wait_s_max: float = PATIENT_S,
        tries_max: int = 3,
        lease_ms: int = LEASE_MS,
        pool_size: int = 4,
    ) -> None:
        self.url = database_url
        self.database = Database(database_url, size=pool_size)
        self.provider = provider
        self.metrics = Metrics()
        self.players, self.revisions = PgPlayers(self.database), PgRevisions(self.database)
        self.outbox = PgOutbox(self.database)
        self.claims = PgClaims(
            self.database, erasure_secret="s" * 32, on_conflict=self.metrics.claim_conflicts.inc
        )
        pace = Pace(concurrency=concurrency, rate_per_s=1_000)
        self.calls = Calls(
            provider, self.outbox, self.claims, tries_max=tries_max, metrics=self.metrics
        )
        self.relay = Relay(
            self.calls, self.outbox, pace, lease_ms=lease_ms, metrics=self.metrics, poll_s=0.02
        )
        self.deliveries = ClaimDeliveries(
            self.calls,
            pace,
            lease_ms=lease_ms,
            metrics=self.metrics,
            wake_relay=self.relay.wake,
            wait_s_max=wait_s_max,
        )
        self._catalogue = catalogue
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.database.open()
        self._closing.push_async_callback(self.database.close)
        self._closing.push_async_callback(self.deliveries.close, 0.0)
        self._closing.push_async_callback(self.relay.close, 1.0)
        await self.publish(self._catalogue)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    async def publish(self, catalogue: Catalogue) -> None:
        """Serve a catalogue from now on."""
        revision = await self.revisions.register(catalogue)
        self.served = ServedCatalogue(catalogue, revision, self.revisions)
        self.challenges = ChallengeService(self.players, self.served)
        self.selections = SelectionService(self.players, self.challenges)
        self.initialize = InitializeService(self.players, self.served)

    @property
    def service(self) -> ClaimService:
        return ClaimService(self.players, self.challenges, self.claims, self.deliveries, NAMESPACE)

    def use(self, claims: PgClaims) -> None:
        """Make and undo claims by these rows from now on."""
        self.claims = self.calls._claims = claims

    async def complete(self, player: str, goal_ids: Collection[str], **facts: object) -> None:
        """Make a player known who has completed these goals."""
        completed = GoalFacts(**{"active": True, "completed_at_ms": 1_000, "carry": 10} | facts)  # type: ignore[arg-type]
        goals = dict.fromkeys(goal_ids, completed)
        clock_ms, _ = await self.players.read_many([])
        row = Player.unknown(player, clock_ms)._replace(goals=goals)
        assert await self.players.insert_many([row])

    async def claim(
        self,
        player: str,
        goal_id: str,
        released: Callable[[], None] = lambda: None,
        challenge_id: str = "challenge",
    ) -> ClaimResult:
        """Claim as a player does. Raises the Problem that the player would be told."""
        try:
            return await self.service.claim(player, challenge_id, goal_id, released)
        except (GoalUnknown, ClaimRefused, GrantRefused) as refused:
            raise claim_problem(refused, challenge_id, goal_id) from None
        except Unavailable as failure:
            raise problem_of(failure) from failure.__cause__

    async def decide(self, player: str, goal_id: str, *, active: bool) -> None:
        """Activate or deactivate a goal."""
        await self.selections.set_active(player, "challenge", goal_id, active=active)

    async def stored(self, player: str) -> dict[str, str]:
        """Return the state of each of a player's claims, by goal."""
        claims = await self.outbox.list_of_player(player, 1_000)
        return {stored.claim.goal_id: stored.state for stored in claims}

    async def facts(self, player: str) -> Player:
        return (await self.players.read_many([player])).players[player]


ScriptedShop: TypeAlias = Shop[ScriptedProvider]


class Pausing(Database):
    """A database whose transactions tell which statement is next."""

    def __init__(self, database_url: str, before: Callable[[str], Awaitable[None]]) -> None:
        super().__init__(database_url, size=2)
        self._before = before

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with super().transaction() as transaction:

            async def fetch(name: str, *arguments: object) -> list[object]:
                await self._before(name)
                return list(await transaction.fetch(name, *arguments))

            yield Transaction(fetch)  # type: ignore[arg-type]
