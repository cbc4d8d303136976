"""Players through the real rules, as the services do it: read a row, decide, write a row."""

from collections.abc import Sequence

from app.domain.claim import Claimed, Refusal, claim
from app.domain.event import Event, apply_event, concerns
from app.domain.facts import (
    decode_assignments,
    decode_goals,
    decode_stats,
    encode_assignments,
    encode_goals,
    encode_stats,
)
from app.domain.goal import Catalogue, GoalState
from app.domain.initialize import Initialized, assign_defaults, initialize
from app.domain.intake import (
    Result,
    SeenKey,
    days_kept,
    days_to_remember,
    digest_of,
    is_too_old,
)
from app.domain.plan import Plan
from app.domain.player import Player
from app.domain.rules import Rules
from app.domain.selection import Selected, pool, select, set_active
from app.domain.upkeep import drop_what_says_nothing
from app.domain.view import View, view_of


class Season:
    """Rows of players under catalogues that change; `revision` is the one being served.

    The caller says what the clock reads, which may be earlier than before. A write passes through
    the columns' bytes, and counts the row's version.
    """

    def __init__(self, catalogue: Catalogue, *, events_make_known: bool = True) -> None:
        self.catalogues: list[Catalogue] = []
        self.players: dict[str, Player] = {}
        self.events_make_known = events_make_known
        self._plans: dict[tuple[int, ...], Plan] = {}
        self._seen: set[SeenKey] = set()
        self.publish(catalogue)

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue being served."""
        return self.catalogues[self.revision - 1]

    def publish(self, catalogue: Catalogue) -> None:
        """Serve a new catalogue as the next revision."""
        self.catalogues.append(catalogue)
        self.serve(len(self.catalogues))

    def serve(self, revision: int) -> None:
        """Serve a catalogue that was published; the first is revision 1."""
        self.revision = revision
        self.rules = Rules(self.catalogue)
        self._plans = {}

    def player(self, name: str, clock_ms: int) -> Player:
        """Return a player's facts, empty ones without a row."""
        return self.players.get(name) or Player.unknown(name, clock_ms)

    def plan(self, player: Player) -> Plan:
        """Return what the player's entries give under the catalogue being served."""
        if player.revisions not in self._plans:
            given = [self.catalogues[revision - 1] for revision in player.revisions]
            self._plans[player.revisions] = Plan(
                self.catalogue, self.rules, [default_ids(catalogue) for catalogue in given]
            )
        return self._plans[player.revisions]

    def see(self, name: str, clock_ms: int) -> View:
        """Return what a player sees."""
        player = self.player(name, clock_ms)
        now_ms = max(clock_ms, player.changed_at_ms)
        return view_of(self.rules, self.plan(player), player, now_ms)

    def state(self, name: str, goal_id: str, clock_ms: int) -> GoalState:
        """Return what a player sees of one goal."""
        return self.see(name, clock_ms).of(self.number(goal_id))

    def number(self, goal_id: str) -> int:
        """Return a goal's number in the catalogue being served."""
        return self.rules.by_id[goal_id].number

    def initialize(self, name: str, clock_ms: int) -> Initialized:
        """Initialize a player."""
        player = self.player(name, clock_ms)
        result = initialize(self.rules, self.plan(player), player, self.revision, clock_ms)
        if result.changed:
            self._write(result.player, result.player.changed_at_ms)
        return result

    def hear(self, name: str, event: Event, event_id: str, clock_ms: int) -> Result:
        """Take an event: at most once, whatever comes again, and if it is not too old."""
        if is_too_old(event.at_ms, clock_ms):
            return Result.REJECTED
        digest = digest_of("game", event_id)
        keys = {SeenKey(day, digest) for day in days_to_remember(event.at_ms, clock_ms)}
        # Older days than these are dropped.
        first = days_kept(clock_ms).first
        self._seen = {key for key in self._seen if key.day >= first}
        if not self._seen.isdisjoint(keys):
            return Result.DUPLICATE
        self._seen |= keys
        player = self.player(name, clock_ms)
        if not concerns(self.rules, event) or not (player.version or self.events_make_known):
            return Result.IGNORED
        self.apply(name, event, clock_ms)
        return Result.ACCEPTED

    def apply(self, name: str, event: Event, clock_ms: int) -> None:
        """Let an event take effect that concerns a goal of the catalogue."""
        player = self.player(name, clock_ms)
        now_ms = max(clock_ms, player.changed_at_ms)
        if not player.version:
            player = assign_defaults(self.rules, self.plan(player), player, self.revision, now_ms)
        after = apply_event(self.rules, self.plan(player), player, event, now_ms)
        if after.goals is not player.goals:
            after = drop_what_says_nothing(self.rules, after, now_ms)
        if not player.version or after is not player:
            self._write(after, now_ms)

    def set_active(self, name: str, goal_id: str, clock_ms: int, *, active: bool) -> GoalState:
        """Activate or deactivate a goal, and return what the player sees of it then."""
        seen = self.see(name, clock_ms)
        after = set_active(seen, self.number(goal_id), active=active)
        if after is not seen.player:
            self._write(after, seen.now_ms)
        return self.state(name, goal_id, clock_ms)

    def select(
        self,
        name: str,
        challenge_id: str,
        goal_ids: Sequence[str],
        clock_ms: int,
        *,
        replace_existing: bool,
    ) -> Selected:
        """Take up goals of a challenge, together."""
        seen = self.see(name, clock_ms)
        chosen = [self.number(goal_id) for goal_id in goal_ids]
        challenge = self.rules.challenges[challenge_id]
        selected = select(seen, challenge, chosen, replace_existing=replace_existing)
        if selected.player is not seen.player:
            self._write(selected.player, seen.now_ms)
        return selected

    def pool(self, seen: View, challenge_id: str, *, without_active: bool) -> list[str]:
        """Return the ids of the goals that a random selection may draw."""
        numbers = self.rules.challenges[challenge_id]
        drawn = pool(seen, numbers, without_active=without_active)
        return [self.rules.goals[number].goal_id for number in drawn]

    def verdict(self, seen: View, goal_id: str) -> Claimed | Refusal:
        """Return what a claim would be answered."""
        return claim(seen, self.number(goal_id))

    def claim(self, name: str, goal_id: str, clock_ms: int) -> Claimed | Refusal:
        """Claim a goal's reward."""
        seen = self.see(name, clock_ms)
        answer = claim(seen, self.number(goal_id))
        if isinstance(answer, Claimed):
            self._write(answer.player, seen.now_ms)
        return answer

    def _write(self, player: Player, now_ms: int) -> None:
        self.players[player.player_id] = player._replace(
            changed_at_ms=now_ms,
            version=player.version + 1,
            assignments=decode_assignments(encode_assignments(player.assignments)),
            stats=decode_stats(encode_stats(player.stats)),
            goals=decode_goals(encode_goals(player.goals)),
        )


def default_ids(catalogue: Catalogue) -> frozenset[str]:
    """Return the goals that a catalogue gives by default, as its registered revision has them."""
    return frozenset(goal.goal_id for goal in catalogue.goals if goal.default_assigned)
