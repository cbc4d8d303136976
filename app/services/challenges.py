"""Shows a player the challenges, and anybody when one of them rotates."""

from typing import NamedTuple

from app.answers.rotation import RotationStatus, rotation_status
from app.catalogue.served import Cohort, ServedCatalogue
from app.domain.errors import ChallengeUnknown, GoalUnknown
from app.domain.player import Player, Players
from app.domain.rules import Rule
from app.domain.view import View, view_of


class PlayerNow(NamedTuple):
    """One player's facts in one moment: with the catalogue, all that decides what is shown."""

    player: Player
    now_ms: int


class Seen(NamedTuple):
    """What one player sees in one moment, and the cohort whose answers they get."""

    view: View
    cohort: Cohort


class ChallengeService:
    """Reads what players see. Nothing is locked or written."""

    def __init__(self, players: Players, served: ServedCatalogue) -> None:
        self.served = served
        self._players = players

    async def see(self, player_id: str) -> Seen:
        """Return what the player sees; one select.

        A player without a row sees the catalogue with nothing begun. Raises `Unavailable`.
        """
        return await self.show(await self.read(player_id))

    async def read(self, player_id: str) -> PlayerNow:
        """Return the player's facts, empty ones without a row. Raises `Unavailable`."""
        clock_ms, stored = await self._players.read_many([player_id])
        player = stored.get(player_id) or Player.unknown(player_id, clock_ms)
        return PlayerNow(player, max(clock_ms, player.changed_at_ms))

    async def show(self, read: PlayerNow) -> Seen:
        """Return what the player sees. Raises `Unavailable`."""
        player, now_ms = read
        served = self.served
        cohort = await served.cohort(player.revisions)
        return Seen(view_of(served.rules, cohort.plan, player, now_ms), cohort)

    def goals_of(self, challenge_id: str) -> tuple[int, ...]:
        """Return the numbers of a challenge's goals. Raises `ChallengeUnknown`."""
        goals = self.served.rules.challenges.get(challenge_id)
        if goals is None:
            raise ChallengeUnknown(challenge_id)
        return goals

    def rule_of(self, challenge_id: str, goal_id: str) -> Rule:
        """Return the rule of a challenge's goal. Raises `GoalUnknown`."""
        rules = self.served.rules
        rule = rules.by_id.get(goal_id)
        if rule is None or rule.number not in rules.challenges.get(challenge_id, ()):
            raise GoalUnknown(challenge_id, goal_id, elsewhere=rule is not None)
        return rule

    async def rotation(self, challenge_id: str) -> RotationStatus:
        """Return how a challenge rotates now, by the database's clock; the same for everybody.

        Raises `ChallengeUnknown` or `Unavailable`.
        """
        goals = self.goals_of(challenge_id)
        clock_ms, _ = await self._players.read_many([])
        served = self.served
        challenge = served.catalogue.challenges[served.rules.goals[goals[0]].challenge]
        return rotation_status(challenge, clock_ms)
