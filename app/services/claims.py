"""Lets a player claim a reward: one statement that marks and records, then one call.

    read the facts ─► decide ─► mark the goal and record the claim ─► give the place back
                        ▲              │ lost                              │
                        └──────────────┘                     call the provider, wait a moment

Nothing is locked before the write. It is guarded by the version that was read, so of parallel
claims one is made, and the others read again and find the goal claimed. While the provider is
waited for, neither a connection nor a place is held.
"""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

import structlog

from app.domain.claim import Claimed, Refusal, claim, claim_id, claim_period
from app.domain.errors import ClaimRefused, Contended, GrantRefused, WhyNoClaim
from app.domain.goal import Goal
from app.domain.player import Players
from app.domain.progress import NO_FACTS, Days, normal
from app.domain.reward import (
    Call,
    Claim,
    Claims,
    ClaimState,
    Deliveries,
    Erased,
    Making,
    Undo,
)
from app.domain.rules import Rule
from app.domain.view import DONE, View
from app.services.challenges import ChallengeService
from app.services.contention import ROUNDS_MAX

log = structlog.get_logger()


class ClaimResult(NamedTuple):
    """A claim that was made, and how far its reward is: granted, or pending."""

    claim: Claim
    state: ClaimState


class ClaimService:
    """Makes claims in one namespace, and forgets players."""

    def __init__(
        self,
        players: Players,
        challenges: ChallengeService,
        claims: Claims,
        deliveries: Deliveries,
        namespace: str,
    ) -> None:
        self._players = players
        self._challenges = challenges
        self._claims = claims
        self._deliveries = deliveries
        self._namespace = namespace

    async def claim(
        self,
        player_id: str,
        challenge_id: str,
        goal_id: str,
        release_place: Callable[[], None],
    ) -> ClaimResult:
        """Claim a goal's reward; `release_place` is called as soon as the claim is committed.

        Raises `GoalUnknown`, `ClaimRefused`; `GrantRefused` if the provider refuses at once, and
        the claim is undone; or `Unavailable`.
        """
        goal, rule = self._goal(challenge_id, goal_id)
        reserved = False
        leased: Call | None = None
        try:
            for _ in range(ROUNDS_MAX):
                view = (await self._challenges.see(player_id)).view
                claimed = _decide(view, rule)
                reserved = reserved or await self._deliveries.reserve()
                call = self._first_call(view, claimed, goal)
                # From here until it is known what was written, whoever leaves may leave a lease.
                leased = call
                making = await self._make(view, rule, claimed, call.claim, reserved=reserved)
                if making is Making.LOST:
                    leased = None
                    continue
                release_place()
                if making is Making.MADE and reserved:
                    reserved = False  # the delivery has it from now on
                    return await self._deliver(claimed, call)
                return ClaimResult(call.claim, self._deliveries.leave())
        finally:
            if reserved:
                self._deliveries.cancel(leased)
        raise Contended

    async def erase(self, player_id: str) -> Erased:
        """Delete what is stored of the player; return how many rows went, and how many stay.

        Rewards that are still owed are granted first; until then their claims stay. That something
        was claimed is kept as a keyed hash, which tells nobody by whom. To repeat it deletes
        nothing. Raises `Unavailable`.
        """
        erased = await self._claims.erase(player_id)
        # Without the player's id: what was deleted must not stay in a log.
        log.info("player_data_deleted", rows=erased.removed, claims_kept=erased.kept)
        return erased

    def _goal(self, challenge_id: str, goal_id: str) -> tuple[Goal, Rule]:
        rule = self._challenges.rule_of(challenge_id, goal_id)
        return self._challenges.served.catalogue.goals[rule.number], rule

    def _first_call(self, view: View, claimed: Claimed, goal: Goal) -> Call:
        made = Claim(
            claimed.claim_id,
            claimed.player.player_id,
            goal.goal_id,
            claimed.period,
            goal.challenge_id,
            self._namespace,
            goal.reward,
            view.now_ms,
        )
        return Call(made, attempt=1, tries=1, uncertain=False)

    async def _make(
        self, view: View, rule: Rule, claimed: Claimed, made: Claim, *, reserved: bool
    ) -> Making:
        """Write the claim. Raises `ClaimRefused` if it was made in an earlier life."""
        lease_ms = self._deliveries.lease_ms if reserved else None
        making = await self._claims.make(claimed.player, made, lease_ms)
        if making is Making.ERASED and not await self._players.update_goals(claimed.player):
            # Marked, so that the list says what this answer says; who lost the race reads again.
            return Making.LOST
        if making in {Making.ERASED, Making.CONFLICT}:
            status = view.of(rule.number).status
            raise ClaimRefused(WhyNoClaim(Refusal.ALREADY_CLAIMED, status, made.claim_id))
        return making

    async def _deliver(self, claimed: Claimed, call: Call) -> ClaimResult:
        made, goal_id = call.claim, call.claim.goal_id
        undo = Undo(goal_id, claimed.player.goals[goal_id], claimed.before)
        state = await self._deliveries.deliver(call, undo)
        if state is ClaimState.REFUSED:
            raise GrantRefused(made.claim_id)
        return ClaimResult(made, state)


def _decide(view: View, rule: Rule) -> Claimed:
    """Return the facts after the claim. Raises `ClaimRefused`."""
    decided = claim(view, rule.number)
    if isinstance(decided, Refusal):
        raise ClaimRefused(_why(decided, view, rule))
    return decided._replace(player=decided.player._replace(changed_at_ms=view.now_ms))


def _why(refusal: Refusal, view: View, rule: Rule) -> WhyNoClaim:
    why = WhyNoClaim(refusal, view.of(rule.number).status)
    if refusal is Refusal.ALREADY_CLAIMED:
        claim_id_, claimed_at_ms = _standing_claim(view, rule)
        return why._replace(claim_id=claim_id_, claimed_at_ms=claimed_at_ms)
    if refusal is Refusal.LOCKED:
        missing = (n for n in rule.prerequisites if view.of(n).status not in DONE)
        return why._replace(missing=tuple(view.rules.goals[n].goal_id for n in missing))
    return why


def _standing_claim(view: View, rule: Rule) -> tuple[UUID, int]:
    """Return the id and the moment of the claim that stands in the way."""
    stored = view.player.goals.get(rule.goal_id, NO_FACTS)
    facts = normal(stored, rule, Days(view.now_ms).of(rule.span))
    assert facts.claimed_at_ms is not None
    period = claim_period(rule, facts)
    return claim_id(view.player.player_id, rule.goal_id, period), facts.claimed_at_ms
