"""The rules and the slow model side by side: the same is done to both, and all is compared."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from app.domain.claim import Claimed, Refusal
from app.domain.event import Event
from app.domain.goal import Catalogue, Challenge, Goal, GoalState, Rotation, Source
from app.domain.intake import Result
from app.domain.player import Player
from app.domain.view import View
from tests.model.events import Happening, Ledger, heard_on
from tests.model.operations import (
    Verdict,
    claim,
    claim_period,
    decide,
    look,
    pool,
    receive,
    select,
    verdict,
    welcome,
)
from tests.model.periods import first_day, milliseconds, moment
from tests.model.rows import Person, thousandths
from tests.rules.moments import DAY_MS
from tests.rules.season import Season

PLAYERS = ("ann", "bob")

VERDICTS = {
    Refusal.NOT_ACTIVE: Verdict.INACTIVE,
    Refusal.ALREADY_CLAIMED: Verdict.CLAIMED,
    Refusal.LOCKED: Verdict.LOCKED,
    Refusal.ROTATED: Verdict.ROTATED,
    Refusal.NOT_COMPLETED: Verdict.NOT_COMPLETED,
}


def agree(what: str, rules: object, model: object) -> None:
    """Raise AssertionError, with both, unless the rules say what the slow model says."""
    assert rules == model, f"{what}: the rules say {rules}, the model {model}"


class Pair:
    """Both sides. `counted` says how often what was met; `steps` in it are comparisons of all."""

    def __init__(
        self, catalogue: Catalogue, clock_ms: int, counted: Counter[str], *, makes_known: bool
    ) -> None:
        self.season = Season(catalogue, events_make_known=makes_known)
        self.clock_ms = clock_ms
        self.people = {name: Person(moment(clock_ms)) for name in PLAYERS}
        self.ledger = Ledger()
        self.counted = counted
        self.grants: set[tuple[str, str, str]] = set()
        self._tell_targets()
        self.compare()

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue being served."""
        return self.season.catalogue

    # ── what can be done ──────────────────────────────────────────────────────────────────────────

    def publish(self, catalogue: Catalogue) -> None:
        """Serve a new catalogue."""
        self.season.publish(catalogue)
        self._tell_targets()
        self.compare()

    def serve(self, revision: int) -> None:
        """Serve an older catalogue again, or the newest."""
        self.counted["older catalogues served again"] += revision < len(self.season.catalogues)
        self.season.serve(revision)
        self._tell_targets()
        self.compare()

    def advance(self, by_ms: int) -> None:
        """Let time pass."""
        self._count_turns(moment(self.clock_ms), moment(self.clock_ms + by_ms))
        self.clock_ms += by_ms
        for person in self.people.values():
            person.tick(moment(self.clock_ms))
        self.compare()

    def initialize(self, name: str, *, behind_ms: int = 0) -> None:
        """Initialize a player; the clock may be behind what the row has seen."""
        person = self.people[name]
        known = self._row(name).version > 0
        result = self.season.initialize(name, self.clock_ms - behind_ms)
        expected = welcome(person, self.catalogue)
        agree("new assignments", result.new_assignments, expected.new)
        if expected.new or not known:
            agree("an initialize writes", result.changed, True)
        seen = self.season.see(name, self.clock_ms)
        active = [
            goal.goal_id for goal in self.catalogue.goals if self._state(seen, goal).is_active
        ]
        agree("active goals", active, expected.active)
        again = self.season.initialize(name, self.clock_ms)
        agree("a second initialize", (again.changed, again.new_assignments), (False, 0))
        self.counted["returns with new defaults"] += known and expected.new > 0
        self.compare(name)

    def hear(self, name: str, event: Event, event_id: str) -> None:
        """Deliver an event; only what it begins or completes may be written."""
        person = self.people[name]
        at = moment(event.at_ms)
        happening = Happening(
            event.source,
            at,
            event.stat_code,
            thousandths(event.value),
            thousandths(event.increase),
        )
        before = self._row(name)
        result = self.season.hear(name, event, event_id, self.clock_ms)
        answer = self.ledger.answer(event_id, at, person.now)
        self.counted[f"events {result}"] += 1
        if answer == "taken":
            self._count_event(person, happening)
            moved = receive(
                person, self.catalogue, happening, makes_known=self.season.events_make_known
            )
            heard = heard_on(self.catalogue, happening) and person.since is not None
            agree("an event", result, Result.ACCEPTED if heard else Result.IGNORED)
            self._check_heard(before, name, happening, moved)
        else:
            agree("an event", result, answer)
            agree("facts", self._row(name), before)
        self.compare(name)

    def set_active(self, name: str, goal: Goal, *, active: bool) -> None:
        """Activate or deactivate a goal."""
        before = self._row(name)
        state = self.season.set_active(name, goal.goal_id, self.clock_ms, active=active)
        decided = decide(self.people[name], goal, active=active)
        agree("a decision", state.is_active, active)
        self._check_decided(before, name, {goal.goal_id} if decided else set())
        self.compare(name)

    def select(
        self, name: str, challenge: Challenge, goals: Sequence[Goal], *, replace_existing: bool
    ) -> None:
        """Take up some goals of a challenge together."""
        before = self._row(name)
        ids = [goal.goal_id for goal in goals]
        selected = self.season.select(
            name, challenge.challenge_id, ids, self.clock_ms, replace_existing=replace_existing
        )
        expected = select(self.people[name], challenge, goals, replace_existing=replace_existing)
        rules = self.season.rules.goals
        agree("selected", [rules[number].goal_id for number in selected.selected], ids)
        replaced = [rules[number].goal_id for number in selected.replaced]
        agree("replaced", replaced, expected.replaced)
        seen = self.season.see(name, self.clock_ms)
        active = sum(self._state(seen, goal).is_active for goal in challenge.goals)
        agree("active goals", active, expected.active)
        self._check_decided(before, name, expected.decided)
        self.compare(name)

    def claim(self, name: str, goal: Goal) -> None:
        """Claim a goal's reward."""
        person = self.people[name]
        period = claim_period(person, goal)
        before = self._row(name)
        answer = self.season.claim(name, goal.goal_id, self.clock_ms)
        agree("a claim", _verdict(answer), claim(person, goal))
        if isinstance(answer, Claimed):
            agree("a claim's period", answer.period, period)
            assert (name, goal.goal_id, period) not in self.grants, "granted twice"
            self.grants.add((name, goal.goal_id, period))
            agree("version", self._row(name).version, before.version + 1)
            self.counted["grants"] += 1
        else:
            agree("facts", self._row(name), before)
        self.counted[f"claims {_verdict(answer)}"] += 1
        self.compare(name)

    # ── what is compared ──────────────────────────────────────────────────────────────────────────

    def compare(self, *names: str) -> None:
        """Compare all that these players, or all, see, may claim and may draw."""
        self.counted["steps"] += 1
        today = moment(self.clock_ms)
        self.counted["steps on a leap day"] += (today.month, today.day) == (2, 29)
        for name in names or self.people:
            person = self.people[name]
            seen = self.season.see(name, self.clock_ms)
            for goal in self.catalogue.goals:
                agree(goal.goal_id, self._state(seen, goal), _shown(person, goal))
                answer = _verdict(self.season.verdict(seen, goal.goal_id))
                agree("the verdict", answer, verdict(person, goal))
            for challenge in self.catalogue.challenges:
                for without_active in (False, True):
                    expected = pool(person, challenge, without_active=without_active)
                    drawn = self.season.pool(
                        seen, challenge.challenge_id, without_active=without_active
                    )
                    agree("pool", drawn, [goal.goal_id for goal in expected])

    def _tell_targets(self) -> None:
        for person in self.people.values():
            person.targets = {
                goal.goal_id: goal.requirement.target_value for goal in self.catalogue.goals
            }

    def _state(self, seen: View, goal: Goal) -> GoalState:
        return seen.of(self.season.number(goal.goal_id))

    def _row(self, name: str) -> Player:
        return self.season.player(name, self.clock_ms)

    def _check_decided(self, before: Player, name: str, decided: set[str]) -> None:
        """Check that what was decided was written, and nothing else but what said nothing."""
        after = self._row(name)
        differing = _differing(before.goals, after.goals)
        agree("goals written", differing - _dropped(before, after), decided)
        agree("version", after.version, before.version + (1 if decided else 0))

    def _check_heard(
        self, before: Player, name: str, happening: Happening, moved: set[str]
    ) -> None:
        """Check that what an event moved was written, and nothing else but what said nothing."""
        after = self._row(name)
        heard = {f"{source}:{stat}" for source, stat in heard_on(self.catalogue, happening)}
        agree("other stats written", _differing(before.stats, after.stats) - heard, set())
        differing = _differing(before.goals, after.goals)
        agree("goals written", differing - _dropped(before, after), moved)
        same = (after.stats, after.goals, after.assignments) == (
            before.stats,
            before.goals,
            before.assignments,
        )
        agree("version", after.version, before.version + (0 if same else 1))
        self.counted["period turns with offsets held"] += any(
            stat.offsets and after.stats[key].at_ms // DAY_MS > stat.at_ms // DAY_MS
            for key, stat in before.stats.items()
        )

    def _count_turns(self, before: datetime, after: datetime) -> None:
        """Count the periods that turn over a goal with progress, by what its rotation says."""
        self.counted["month ends"] += before.month != after.month
        for name in self.people:
            seen = self.season.see(name, self.clock_ms)
            for goal in self.catalogue.goals:
                rotation = goal.rotation
                if rotation is None or not self._state(seen, goal).progress:
                    continue
                turns = first_day(rotation.schedule, before) != first_day(rotation.schedule, after)
                self.counted[turn_of(rotation)] += turns

    def _count_event(self, person: Person, happening: Happening) -> None:
        for key in heard_on(self.catalogue, happening):
            history = person.stats.get(key)
            if history is None or history.newest is None:
                continue
            if happening.source is Source.STATISTIC:
                self.counted["late statistics"] += happening.at < history.newest
            else:
                older = happening.at.date() < history.newest.date()
                self.counted["logins of an older day"] += older


def turn_of(rotation: Rotation) -> str:
    """Return the name under which a turn of such a rotation is counted."""
    resets = "resets" if rotation.reset_progress else "goes on"
    again = "again" if rotation.allow_reselection else "once"
    return f"{rotation.schedule} turns, {resets}, {again}"


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    keys = before.keys() | after.keys()
    return {key for key in keys if before.get(key) != after.get(key)}


def _dropped(before: Player, after: Player) -> set[str]:
    """Return whose facts went. What a player decided never goes."""
    dropped = before.goals.keys() - after.goals.keys()
    decided = {goal_id for goal_id in dropped if before.goals[goal_id].active is not None}
    agree("decisions dropped", decided, set())
    return dropped


def _verdict(answer: Claimed | Refusal) -> Verdict:
    return Verdict.GRANTED if isinstance(answer, Claimed) else VERDICTS[answer]


def _shown(person: Person, goal: Goal) -> GoalState:
    shown = look(person, goal)
    return GoalState(
        progress=shown.progress,
        status=shown.status,
        completed_at_ms=milliseconds(shown.completed_at),
        claimed_at_ms=milliseconds(shown.claimed_at),
        is_active=shown.active,
        assigned_at_ms=milliseconds(shown.assigned_at),
        locked=shown.locked,
    )
