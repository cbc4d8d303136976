"""What must hold of the rules whatever happened before; no second model is needed to see it."""

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.domain.claim import Claimed, Refusal
from app.domain.event import Event
from app.domain.facts import GoalFacts
from app.domain.goal import GoalState, Source, Status
from app.domain.intake import Result
from app.domain.player import Player
from app.domain.upkeep import drop_what_says_nothing
from app.domain.view import DONE
from tests.model.periods import claimable_again, moment, period_of
from tests.rules.catalogues import Draft, built, drafts
from tests.rules.histories import (
    NAME,
    Action,
    Decide,
    History,
    Login,
    Play,
    Publish,
    Return,
    doings,
    events,
    histories,
    later,
    numbers,
    publications,
)
from tests.rules.moments import HOUR_MS, When, starts
from tests.rules.season import Season

LIFE = ("progress", "status", "completed_at_ms", "claimed_at_ms")


def life(state: GoalState) -> tuple[object, ...]:
    return tuple(getattr(state, name) for name in LIFE)


def same_facts(one: Player, other: Player) -> bool:
    return (one.assignments, one.stats, one.goals) == (other.assignments, other.stats, other.goals)


# ── T: twice is once ──────────────────────────────────────────────────────────────────────────────


@given(histories(), events, st.integers(0, 7 * 24))
def test_an_event_that_comes_again_changes_nothing(
    history: History, action: Login | Play, hours: int
) -> None:
    event = history.event(action)
    history.season.hear(NAME, event, "again", history.clock_ms)
    once = history.row
    history.clock_ms += hours * HOUR_MS
    result = history.season.hear(NAME, event, "again", history.clock_ms)
    assert result in {Result.DUPLICATE, Result.REJECTED}
    assert history.row._replace(since_ms=0, changed_at_ms=0) == once._replace(
        since_ms=0, changed_at_ms=0
    )


@given(histories(), events)
def test_a_statistic_sent_twice_counts_once_even_under_another_id(
    history: History, action: Login | Play
) -> None:
    event = history.event(action)
    history.hear(event)
    once = history.row
    if event.source is Source.STATISTIC:
        history.hear(event)
        assert same_facts(history.row, once)


@given(histories(), numbers, st.booleans(), numbers)
def test_to_ask_twice_is_to_ask_once(
    history: History, number: int, active: bool, claimed: int
) -> None:
    for action in (Return(), Decide(number, active)):
        history.do(action)
        once = history.row
        history.do(action)
        assert history.row == once
    goal_id = history.goal(claimed).goal_id
    first = history.season.claim(NAME, goal_id, history.clock_ms)
    once = history.row
    second = history.season.claim(NAME, goal_id, history.clock_ms)
    assert second == (Refusal.ALREADY_CLAIMED if isinstance(first, Claimed) else first)
    assert history.row == once


# ── O: the order of arrival does not matter ───────────────────────────────────────────────────────


@given(
    drafts(),
    starts,
    st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.integers(0, 40)), max_size=7),
    st.randoms(use_true_random=False),
)
def test_given_goals_show_the_same_in_whatever_order_a_growing_stat_is_told(
    goals: list[Draft], clock_ms: int, moves: list[tuple[int, bool, int]], shuffler: Random
) -> None:
    stream: list[Event] = []
    at_ms, level = clock_ms, 0
    for by, login, hours in moves:
        at_ms += hours * HOUR_MS + 1
        level += 0 if login else by
        statistic = Event(Source.STATISTIC, at_ms, "wins", level, by)
        stream.append(Event(Source.LOGIN, at_ms) if login else statistic)
    now_ms = at_ms + HOUR_MS

    def told(events: Sequence[Event]) -> dict[str, GoalState]:
        history = History(Season(built(goals)), clock_ms, goals)
        history.do(Return())
        # Eight days are the horizon; the rules themselves have none.
        history.clock_ms = now_ms
        for event in events:
            history.season.apply(NAME, event, now_ms)
        return history.states()

    assert told(shuffler.sample(stream, len(stream))) == told(stream)


# ── R: only time passes ───────────────────────────────────────────────────────────────────────────


@given(histories(), st.data())
def test_when_only_time_passes_goals_restart_or_stay(history: History, data: st.DataObject) -> None:
    before, then = history.states(), moment(history.clock_ms)
    history.clock_ms = data.draw(later(history.clock_ms))
    after, now = history.states(), moment(history.clock_ms)
    for goal in history.catalogue.goals:
        old, new = before[goal.goal_id], after[goal.goal_id]
        assert (new.is_active, new.assigned_at_ms) == (old.is_active, old.assigned_at_ms)
        for_good = old.status is Status.CLAIMED and not claimable_again(goal)
        if period_of(goal, then) == period_of(goal, now) or for_good:
            assert life(new) == life(old)
        else:
            assert life(new) == (0, Status.NOT_STARTED, None, None)


# ── G, C: claims ──────────────────────────────────────────────────────────────────────────────────


@given(histories(), st.lists(events, min_size=8, max_size=8))
def test_a_reward_is_granted_once_in_its_period(history: History, more: list[Login | Play]) -> None:
    for action in more:
        history.do(action)
        for goal in history.catalogue.goals:
            answer = history.season.claim(NAME, goal.goal_id, history.clock_ms)
            history.grants += [answer] if isinstance(answer, Claimed) else []
    ids = [grant.claim_id for grant in history.grants]
    assert len(set(ids)) == len(ids)


@given(histories())
def test_a_claim_is_granted_exactly_where_the_list_says_completed_active_and_unlocked(
    history: History,
) -> None:
    states = history.states()
    for goal_id, verdict in history.verdicts().items():
        state = states[goal_id]
        open_ = state.status is Status.COMPLETED and state.is_active and not state.locked
        assert isinstance(verdict, Claimed) == open_


# ── I, S, A: what moves and what stays ────────────────────────────────────────────────────────────


@given(histories(), events)
def test_what_is_put_away_or_claimed_does_not_move(history: History, action: Login | Play) -> None:
    before = history.states()
    # The first that is heard of a player gives them goals.
    history.do(Return())
    history.do(action)
    for goal_id, state in history.states().items():
        still = before[goal_id].status is Status.CLAIMED or not state.is_active
        if still:
            assert life(state) == life(before[goal_id])


@given(histories(), st.lists(doings, min_size=3, max_size=6))
def test_what_is_completed_stays_so_in_its_period(history: History, more: list[Action]) -> None:
    before = history.states()
    for action in more:
        history.do(action)
    for goal_id, state in history.states().items():
        old = before[goal_id]
        if old.status in DONE:
            assert state.status in {old.status, Status.CLAIMED}
            assert state.completed_at_ms == old.completed_at_ms
        if old.status is Status.CLAIMED:
            assert state.claimed_at_ms == old.claimed_at_ms


@given(histories(), st.sampled_from([None, "wins", "kills"]), st.integers(1, 6))
def test_at_the_target_after_an_event_means_completed_with_a_time(
    history: History, stat: str | None, by: int
) -> None:
    history.do(Return())
    now = When("now", 0)
    history.do(Login(now) if stat is None else Play(stat, by, by, now))
    states = history.states()
    for goal in history.catalogue.goals:
        hears = goal.source is Source.LOGIN if stat is None else goal.requirement.stat_code == stat
        state = states[goal.goal_id]
        if hears and (stat is None or goal.source is Source.STATISTIC) and state.is_active:
            if state.progress >= goal.requirement.target_value:
                assert state.status in DONE
            assert (state.completed_at_ms is None) == (state.status not in DONE)


# ── W, L: what is written and kept ────────────────────────────────────────────────────────────────


def starts_or_completes(before: GoalFacts | None, after: GoalFacts) -> bool:
    """Tell whether facts became new because a goal began, or because it was completed."""
    old = before or GoalFacts()
    began = old.offset is None and after.offset is not None
    # Of two periods it may have been completed in one moment: a late event closes the older one.
    newly = (after.period, after.completed_at_ms) != (old.period, old.completed_at_ms)
    return began or (after.completed and newly)


@given(histories(), events)
def test_little_is_written(history: History, action: Login | Play) -> None:
    version = history.row.version
    history.do(Return())
    assert history.row.version - version in {0, 1}
    version = history.row.version
    history.do(Return())
    assert history.row.version == version
    before = history.row
    history.do(action)
    after = history.row
    assert after.version - version in {0, 1}
    assert after.assignments == before.assignments
    source = Source.LOGIN if isinstance(action, Login) else Source.STATISTIC
    heard = {key for key in after.stats if after.stats[key] != before.stats.get(key)}
    assert all(key.startswith(source) for key in heard)
    assert source is Source.LOGIN or len(heard) <= 1
    for goal_id, facts in after.goals.items():
        old = before.goals.get(goal_id)
        assert facts == old or starts_or_completes(old, facts)


@given(histories(), st.lists(doings, max_size=4), st.data())
def test_facts_that_say_nothing_can_be_dropped(
    history: History, more: list[Action], data: st.DataObject
) -> None:
    if not history.row.version:
        return
    row, level = history.row, history.level
    told = []
    history.clock_ms = data.draw(later(history.clock_ms))
    for facts in (row, drop_what_says_nothing(history.season.rules, row, history.clock_ms)):
        history.row, history.level = facts, level
        answers: list[object] = [history.states(), _reasons(history)]
        for action in more:
            history.do(action)
            answers += [history.states(), _reasons(history)]
        told.append(answers)
    assert told[0] == told[1]


def _reasons(history: History) -> dict[str, object]:
    return {
        goal_id: verdict.period if isinstance(verdict, Claimed) else verdict
        for goal_id, verdict in history.verdicts().items()
    }


# ── K: what was given stays ───────────────────────────────────────────────────────────────────────


@given(histories(), publications)
def test_what_was_given_stays_whatever_is_given_later(history: History, more: Publish) -> None:
    before = history.states()
    history.do(more)
    history.do(Return())
    for goal_id, state in history.states().items():
        old = before.get(goal_id)
        if old is not None and old.is_active:
            assert state.is_active
            assert state.assigned_at_ms == old.assigned_at_ms
