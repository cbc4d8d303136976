"""Lets a player decide about goals: one, a list of them, or some drawn at random.

Each is: read the facts, decide by pure rules, write one row, answer from the new facts. Nothing is
locked. What every write relies on is the guard: a new row is inserted only if there is none, an
existing one is updated only if its version is the one that was read. So what was decided on is what
is changed, whichever other writer (a selection, an event, a claim, an initialize) came between;
whoever loses reads and decides again. Where nothing changes nothing is written.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from app.domain.catalogue_state import CatalogueState
from app.domain.goal import GoalState
from app.domain.player import Player, Players, Revisions
from app.domain.selection import Sample, Selected, pool, select, set_active
from app.domain.view import View, view
from app.errors import Problem, Reason, short
from app.services.challenges import see
from app.services.contention import ROUNDS_MAX, contended


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


async def set_goal_active(
    players: Players,
    revisions: Revisions,
    state: CatalogueState,
    player_id: str,
    challenge_id: str,
    goal_id: str,
    *,
    active: bool,
) -> GoalState:
    """Activate or deactivate a goal, and return what the player then sees of it.

    To repeat a decision changes nothing. Raise Problem(goal_not_found), or
    Problem(database_unavailable) if the database does not answer or others keep writing the row.
    """
    rule = state.rules.by_id.get(goal_id)
    if rule is None:
        raise Problem(
            Reason.GOAL_NOT_FOUND,
            f"goal '{short(goal_id)}' not found in challenge '{short(challenge_id)}'",
        )
    if rule.number not in state.rules.challenges.get(challenge_id, ()):
        raise _elsewhere(goal_id, challenge_id)

    def decide(seen: View) -> Selected:
        return Selected(set_active(seen, rule.number, active=active), (rule.number,), ())

    selection = await _decide_and_write(players, revisions, state, player_id, decide)
    return selection.view.of(rule.number)


async def batch_select(
    players: Players,
    revisions: Revisions,
    state: CatalogueState,
    player_id: str,
    challenge_id: str,
    goal_ids: Sequence[str],
    *,
    replace_existing: bool,
) -> Selection:
    """Activate goals of one challenge, all or none; selected are these, in the order asked for.

    Raise Problem with bad_request, challenge_not_found or goal_not_found before anything is read,
    or Problem(database_unavailable) as `set_goal_active` does.
    """
    if not goal_ids:
        raise Problem(Reason.BAD_REQUEST, "goal_ids cannot be empty")
    challenge = _challenge(state, challenge_id)
    chosen = _chosen(state, challenge_id, challenge, goal_ids)

    def decide(seen: View) -> Selected:
        return select(seen, challenge, chosen, replace_existing=replace_existing)

    return await _decide_and_write(players, revisions, state, player_id, decide)


async def random_select(
    players: Players,
    revisions: Revisions,
    state: CatalogueState,
    player_id: str,
    challenge_id: str,
    draw: Draw,
    sample: Sample,
) -> Selection:
    """Activate goals of one challenge that `sample` draws; selected are these, in catalogue order.

    Fewer are drawn where fewer may be. Raise Problem with bad_request, challenge_not_found or
    insufficient_goals, or Problem(database_unavailable) as `set_goal_active` does.
    """
    if draw.size <= 0:
        raise Problem(Reason.BAD_REQUEST, "count must be greater than 0")
    challenge = _challenge(state, challenge_id)

    def decide(seen: View) -> Selected:
        eligible = pool(
            seen, challenge, without_active=draw.exclude_active or draw.replace_existing
        )
        if not eligible:
            raise Problem(
                Reason.INSUFFICIENT_GOALS,
                "No goal of this challenge is left to select.",
                message="INSUFFICIENT_GOALS: no goals available for selection "
                f"(available: 0, requested: {draw.size})",
            )
        drawn = sorted(sample(eligible, min(draw.size, len(eligible))))
        return select(seen, challenge, drawn, replace_existing=draw.replace_existing)

    return await _decide_and_write(players, revisions, state, player_id, decide)


async def _decide_and_write(
    players: Players,
    revisions: Revisions,
    state: CatalogueState,
    player_id: str,
    decide: Callable[[View], Selected],
) -> Selection:
    for _ in range(ROUNDS_MAX):
        seen = (await see(players, revisions, state, player_id)).view
        player, selected, replaced = decide(seen)
        if player is seen.player:
            return Selection(seen, selected, replaced)
        player = player._replace(changed_at_ms=seen.now_ms)
        if await _write(players, player):
            # Only what was decided differs; what the player was given is as it was.
            after = view(state.rules, seen.plan, player, seen.now_ms)
            return Selection(after, selected, replaced)
    raise contended()


async def _write(players: Players, player: Player) -> bool:
    """Write what was decided; return False if somebody else wrote the row meanwhile."""
    if player.version:
        return await players.update_goals(player)
    return bool(await players.insert_many([player]))


def _challenge(state: CatalogueState, challenge_id: str) -> tuple[int, ...]:
    challenge = state.rules.challenges.get(challenge_id)
    if challenge is None:
        raise Problem(Reason.CHALLENGE_NOT_FOUND, f"challenge '{short(challenge_id)}' not found")
    return challenge


def _chosen(
    state: CatalogueState,
    challenge_id: str,
    challenge: Collection[int],
    goal_ids: Sequence[str],
) -> list[int]:
    """Return the goals' numbers: no more than the challenge has, since none may be named twice."""
    members = frozenset(challenge)
    chosen: dict[int, str] = {}
    twice = None
    for goal_id in goal_ids:
        rule = state.rules.by_id.get(goal_id)
        if rule is None:
            raise Problem(Reason.GOAL_NOT_FOUND, f"goal '{short(goal_id)}' not found")
        if rule.number not in members:
            raise _elsewhere(goal_id, challenge_id)
        if rule.number in chosen:
            twice = goal_id
        chosen[rule.number] = goal_id
    # As in the contract, what is unknown is told before what was named twice.
    if twice is not None:
        raise Problem(Reason.BAD_REQUEST, f"goal '{twice}' is in goal_ids more than once")
    return list(chosen)


def _elsewhere(goal_id: str, challenge_id: str) -> Problem:
    return Problem(
        Reason.GOAL_NOT_FOUND,
        f"goal '{short(goal_id)}' does not belong to challenge '{short(challenge_id)}'",
    )
