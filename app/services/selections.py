"""Lets a player decide about goals: one, a list of them, or some drawn at random.

Each is: read the facts, decide by pure rules, write one row, answer from the new facts. Nothing is
locked. What every write relies on is the guard: a new row is inserted only if there is none, an
existing one is updated only if its version is the one that was read. So what was decided on is what
is changed, whichever other writer (a selection, an event, a claim, an initialize) came between;
whoever loses reads and decides again. Where nothing changes nothing is written.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from app.domain.errors import (
    Contended,
    GoalNamedTwice,
    GoalUnknown,
    NothingToSelect,
)
from app.domain.goal import GoalState
from app.domain.player import Player, Players
from app.domain.selection import Sample, Selected, pool, select, set_active
from app.domain.view import View, view_of
from app.services.challenges import ChallengeService
from app.services.contention import ROUNDS_MAX


class Selection(NamedTuple):
    """What came of a selection: what the player sees then, and which goals (by number) it was."""

    view: View
    selected: tuple[int, ...]
    replaced: tuple[int, ...]


class Draw(NamedTuple):
    """How many goals are drawn at random, and in place of or beside which."""

    size: int
    replace_existing: bool
    exclude_active: bool


class SelectionService:
    """Writes what players decide, guarded by the version that was read."""

    def __init__(self, players: Players, challenges: ChallengeService) -> None:
        self._players = players
        self._challenges = challenges
        self._rules = challenges.served.rules

    async def set_active(
        self, player_id: str, challenge_id: str, goal_id: str, *, active: bool
    ) -> GoalState:
        """Activate or deactivate a goal, and return what the player then sees of it.

        To repeat a decision changes nothing. Raises `GoalUnknown`, or `Unavailable` if the database
        does not answer or others keep writing the row.
        """
        rule = self._challenges.rule_of(challenge_id, goal_id)

        def decide(view: View) -> Selected:
            return Selected(set_active(view, rule.number, active=active), (rule.number,), ())

        selection = await self._decide_and_write(player_id, decide)
        return selection.view.of(rule.number)

    async def select_batch(
        self,
        player_id: str,
        challenge_id: str,
        goal_ids: Sequence[str],
        *,
        replace_existing: bool,
    ) -> Selection:
        """Activate goals of one challenge, all or none; selected are these, in the order asked for.

        Raises `ChallengeUnknown`, `GoalUnknown` or `GoalNamedTwice` before anything is read, or
        `Unavailable` as `set_active` does.
        """
        challenge = self._challenges.goals_of(challenge_id)
        chosen = self._chosen(challenge_id, challenge, goal_ids)

        def decide(view: View) -> Selected:
            return select(view, challenge, chosen, replace_existing=replace_existing)

        return await self._decide_and_write(player_id, decide)

    async def select_random(
        self, player_id: str, challenge_id: str, draw: Draw, sample: Sample
    ) -> Selection:
        """Activate goals of one challenge that `sample` draws; selected are in catalogue order.

        Fewer are drawn where fewer may be. Raises `ChallengeUnknown`, `NothingToSelect`, or
        `Unavailable` as `set_active` does.
        """
        challenge = self._challenges.goals_of(challenge_id)

        def decide(view: View) -> Selected:
            eligible = pool(
                view, challenge, without_active=draw.exclude_active or draw.replace_existing
            )
            if not eligible:
                raise NothingToSelect
            drawn = sorted(sample(eligible, min(draw.size, len(eligible))))
            return select(view, challenge, drawn, replace_existing=draw.replace_existing)

        return await self._decide_and_write(player_id, decide)

    async def _decide_and_write(
        self, player_id: str, decide: Callable[[View], Selected]
    ) -> Selection:
        for _ in range(ROUNDS_MAX):
            view = (await self._challenges.see(player_id)).view
            player, selected, replaced = decide(view)
            if player is view.player:
                return Selection(view, selected, replaced)
            player = player._replace(changed_at_ms=view.now_ms)
            if await self._write(player):
                # Only what was decided differs; what the player was assigned is as it was.
                after = view_of(self._rules, view.plan, player, view.now_ms)
                return Selection(after, selected, replaced)
        raise Contended

    async def _write(self, player: Player) -> bool:
        """Write what was decided; return False if somebody else wrote the row meanwhile."""
        if player.version:
            return await self._players.update_goals(player)
        return bool(await self._players.insert_many([player]))

    def _chosen(
        self, challenge_id: str, challenge: Collection[int], goal_ids: Sequence[str]
    ) -> list[int]:
        """Return the goals' numbers: no more than the challenge has, since none is named twice."""
        members = frozenset(challenge)
        chosen: dict[int, str] = {}
        twice = None
        for goal_id in goal_ids:
            rule = self._rules.by_id.get(goal_id)
            if rule is None or rule.number not in members:
                raise GoalUnknown(challenge_id, goal_id, elsewhere=rule is not None)
            if rule.number in chosen:
                twice = goal_id
            chosen[rule.number] = goal_id
        # As in the contract, what is unknown is told before what was named twice.
        if twice is not None:
            raise GoalNamedTwice(twice)
        return list(chosen)
