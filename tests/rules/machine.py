"""The state machine: what players, clients and operators do, in any order, to both sides."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import rule

from app.domain.event import Event
from app.domain.goal import Schedule, Source, Status
from app.domain.number import Number
from app.domain.rules import stat_key
from tests.rules.catalogues import CHALLENGES, GOALS, Edit, edits, targets
from tests.rules.moments import (
    DAY_MS,
    HOUR_MS,
    When,
    edges_ms,
    end_ms,
    jumps,
    schedules,
    start_ms,
    whens,
)
from tests.rules.pair import PLAYERS
from tests.rules.random_history import NOW, SENT_KEPT_MAX, RandomHistory, Telling

STREAM_MAX = 4


# Most happens to one player, so that much can meet; the other shows that they are apart.
players = st.sampled_from([*PLAYERS[:1] * 4, *PLAYERS])
stats = st.sampled_from(["wins", "wins", "kills"])
goal_numbers = st.integers(0, GOALS - 1)
challenges = st.integers(0, len(CHALLENGES) - 1)
tellings = st.builds(
    Telling,
    st.sampled_from(["exact", "exact", "exact", "silent", "gap", "fraction", "fall"]),
    targets,
)
values: st.SearchStrategy[Number] = st.one_of(
    st.integers(-1, 12), st.integers(0, 120).map(lambda tenths: tenths / 10)
)
increases: st.SearchStrategy[Number] = st.one_of(
    st.just(0), st.integers(-3, 12), st.integers(-20, 20).map(lambda tenths: tenths / 10)
)


class RulesMachine(RandomHistory):
    """All is compared after each step."""

    # ── time and catalogues ───────────────────────────────────────────────────────────────────────

    @rule(by_ms=jumps)
    def time_passes(self, by_ms: int) -> None:
        self.pair.advance(by_ms)

    @rule(schedule=schedules, edge_ms=edges_ms)
    def a_period_ends(self, schedule: Schedule, edge_ms: int) -> None:
        by_ms = end_ms(schedule, self.pair.clock_ms) + edge_ms - self.pair.clock_ms
        self.pair.advance(max(0, by_ms))

    @rule(changes=edits)
    def a_catalogue_is_published(self, changes: list[Edit]) -> None:
        self.publish(changes)

    @rule(back=st.integers(0, 3))
    def a_catalogue_is_served_again(self, back: int) -> None:
        self.pair.serve(max(1, len(self.pair.season.catalogues) - back))

    @rule(
        name=players,
        number=goal_numbers,
        changes=edits,
        by_ms=jumps,
        telling=tellings,
    )
    def a_patch_brings_the_player_back(
        self, name: str, number: int, changes: list[Edit], by_ms: int, telling: Telling
    ) -> None:
        # New defaults, an immediate return, and play.
        self.pair.advance(by_ms)
        self.publish([*changes, Edit(number, "give", 0)])
        self.pair.initialize(name)
        self.log_in(name, NOW)
        self.play(name, self.drafts[number].kind.stat, telling, NOW)

    @rule(name=players, number=goal_numbers, telling=tellings, turns=schedules)
    def new_defaults_hear_of_old_stats(
        self, name: str, number: int, telling: Telling, turns: Schedule
    ) -> None:
        # A goal that is new in the middle of a period, and then the period turns.
        stat = self.drafts[number].kind.stat
        self.play(name, stat, telling, NOW)
        self.log_in(name, NOW)
        self.publish([Edit(number, "give", 0)])
        self.pair.initialize(name)
        for _ in range(2):
            self.play(name, stat, telling, NOW)
            self.log_in(name, NOW)
            self.pair.advance(end_ms(turns, self.pair.clock_ms) - self.pair.clock_ms)

    @rule(name=players, by_ms=jumps, telling=tellings, stat=stats)
    def a_player_is_away_and_back(self, name: str, by_ms: int, telling: Telling, stat: str) -> None:
        self.play(name, stat, telling, NOW)
        self.pair.advance(by_ms)
        self.pair.initialize(name)
        self.play(name, stat, telling, NOW)
        self.log_in(name, NOW)

    # ── what clients ask ──────────────────────────────────────────────────────────────────────────

    @rule(name=players, behind_ms=st.sampled_from([0, 0, HOUR_MS, DAY_MS]))
    def a_player_initializes(self, name: str, behind_ms: int) -> None:
        row = self.pair.season.players.get(name)
        # A clock may be behind only what a row has seen: nothing else holds time back.
        seen_now = row is not None and row.changed_at_ms == self.pair.clock_ms
        self.pair.initialize(name, behind_ms=behind_ms if seen_now else 0)

    @rule(name=players, number=goal_numbers, active=st.booleans())
    def a_player_decides(self, name: str, number: int, active: bool) -> None:
        self.pair.set_active(name, self.goal(number), active=active)

    @rule(
        name=players,
        place=challenges,
        numbers=st.lists(goal_numbers, min_size=1, max_size=3),
        replace=st.booleans(),
    )
    def a_player_selects(self, name: str, place: int, numbers: list[int], replace: bool) -> None:
        challenge = self.pair.catalogue.challenges[place]
        chosen = {number % len(challenge.goals): None for number in numbers}
        goals = [challenge.goals[number] for number in chosen]
        self.pair.select(name, challenge, goals, replace_existing=replace)

    @rule(
        name=players,
        place=challenges,
        picks=st.lists(goal_numbers, min_size=1, max_size=3),
        replace=st.booleans(),
        exclude_active=st.booleans(),
    )
    def a_player_draws(
        self, name: str, place: int, picks: list[int], replace: bool, exclude_active: bool
    ) -> None:
        challenge = self.pair.catalogue.challenges[place]
        eligible = self.pool(name, challenge, without_active=replace or exclude_active)
        drawn = [eligible.pop(pick % len(eligible)) for pick in picks[: len(eligible)]]
        if drawn:
            self.pair.select(name, challenge, drawn, replace_existing=replace)

    @rule(name=players, number=goal_numbers)
    def a_player_claims(self, name: str, number: int) -> None:
        self.pair.claim(name, self.goal(number))

    @rule(name=players)
    def a_player_claims_all_that_is_completed(self, name: str) -> None:
        for goal in self.pair.catalogue.goals:
            state = self.pair.season.state(name, goal.goal_id, self.pair.clock_ms)
            if state.status is Status.COMPLETED:
                self.pair.claim(name, goal)

    # ── what happens in the game ──────────────────────────────────────────────────────────────────

    @rule(name=players, when=whens)
    def a_player_logs_in(self, name: str, when: When) -> None:
        self.log_in(name, when)

    @rule(name=players, stat=stats, telling=tellings, when=whens)
    def a_player_plays(self, name: str, stat: str, telling: Telling, when: When) -> None:
        self.play(name, stat, telling, when)

    @rule(name=players, stat=stats, value=values, increase=increases, when=whens)
    def a_producer_sends_what_it_likes(
        self, name: str, stat: str, value: Number, increase: Number, when: When
    ) -> None:
        self.send(name, Source.STATISTIC, stat, when, value, increase)

    @rule(back=st.integers(1, SENT_KEPT_MAX), same_id=st.booleans())
    def an_event_comes_again(self, back: int, same_id: bool) -> None:
        """Delivered twice; or its producer forgot that it had sent it."""
        if back <= len(self.sent):
            name, event, event_id = self.sent[-back]
            self.deliver(name, event, event_id if same_id else None)

    @rule(name=players, when=whens, by_ms=jumps, stat=stats, telling=tellings)
    def an_event_comes_again_later(
        self, name: str, when: When, by_ms: int, stat: str, telling: Telling
    ) -> None:
        self.log_in(name, when)
        self.play(name, stat, telling, when)
        self.pair.advance(by_ms)
        for _, event, event_id in self.sent[-2:]:
            self.deliver(name, event, event_id)

    @rule(
        name=players,
        stat=stats,
        ups=st.lists(targets, min_size=2, max_size=STREAM_MAX),
        order=st.permutations(range(STREAM_MAX)),
        between_ms=st.sampled_from([1, HOUR_MS, 9 * HOUR_MS, DAY_MS]),
    )
    def events_come_in_any_order(
        self, name: str, stat: str, ups: list[int], order: Sequence[int], between_ms: int
    ) -> None:
        # Whole steps up, each told exactly, the newest of them now.
        begin_ms = self.pair.clock_ms - between_ms * (len(ups) - 1)
        stream = []
        for place, up in enumerate(ups):
            level = self.rise(name, stat, up)
            at_ms = begin_ms + place * between_ms
            stream.append(Event(Source.STATISTIC, at_ms, stat, level, up))
        for place in order:
            if place < len(stream):
                self.deliver(name, stream[place])

    @rule(name=players, stat=stats, by=targets)
    def a_late_statistic_tells_of_a_lower_start(self, name: str, stat: str, by: int) -> None:
        known = self.pair.season.player(name, self.pair.clock_ms).stats.get(
            stat_key(Source.STATISTIC, stat)
        )
        if known is not None:
            value = max(0, known.starts.endless - by)
            self.send(name, Source.STATISTIC, stat, When("newest", -1), value, 0)

    @rule(name=players, number=goal_numbers, active=st.booleans(), to=st.integers(0, 4), when=whens)
    def a_target_falls_below_what_was_reached(
        self, name: str, number: int, active: bool, to: int, when: When
    ) -> None:
        goal = self.goal(number)
        self.reach(name, goal, NOW, short_by=1)
        self.pair.set_active(name, goal, active=False)
        self.pair.set_active(name, goal, active=active)
        self.publish([Edit(self.draft(goal), "target", to)])
        self.play(name, goal.requirement.stat_code, Telling("silent", 1), when)
        self.log_in(name, when)

    @rule(name=players, number=goal_numbers, when=whens)
    def a_player_reaches_a_target(self, name: str, number: int, when: When) -> None:
        self.reach(name, self.goal(number), when)

    @rule(name=players, number=goal_numbers, schedule=schedules)
    def a_target_is_reached_and_its_news_are_late(
        self, name: str, number: int, schedule: Schedule
    ) -> None:
        # The event happened before the period ended, and comes after it.
        goal = self.goal(number)
        self.reach(name, goal, NOW, short_by=1)
        turn_ms = end_ms(schedule, self.pair.clock_ms)
        self.pair.advance(turn_ms + HOUR_MS - self.pair.clock_ms)
        self.reach(name, goal, When("now", turn_ms - 1 - self.pair.clock_ms))
        self.pair.claim(name, goal)

    @rule(name=players, number=goal_numbers, active=st.booleans(), by_ms=jumps)
    def a_decision_overtakes_an_event(
        self, name: str, number: int, active: bool, by_ms: int
    ) -> None:
        # Decide today, then hear what happened yesterday.
        goal = self.goal(number)
        self.pair.set_active(name, goal, active=not active)
        self.pair.advance(by_ms)
        self.pair.set_active(name, goal, active=active)
        self.pair.set_active(name, goal, active=True)
        before_ms = start_ms(Schedule.DAILY, self.pair.clock_ms) - 1
        self.reach(name, goal, When("now", before_ms - self.pair.clock_ms))
        self.reach(name, goal, NOW, short_by=1)

    @rule(name=players, number=goal_numbers, telling=tellings, by_ms=jumps)
    def a_goal_is_put_away_for_a_while(
        self, name: str, number: int, telling: Telling, by_ms: int
    ) -> None:
        goal = self.goal(number)
        stat = goal.requirement.stat_code
        self.play(name, stat, telling, NOW)
        self.pair.set_active(name, goal, active=False)
        self.play(name, stat, telling, NOW)
        self.pair.advance(by_ms)
        self.pair.set_active(name, goal, active=True)
        self.play(name, stat, telling, NOW)

    @rule(name=players, number=goal_numbers, other=goal_numbers, schedule=schedules)
    def news_of_a_claimed_period_are_late(
        self, name: str, number: int, other: int, schedule: Schedule
    ) -> None:
        goal = self.goal(number)
        self.reach(name, goal, NOW)
        self.pair.claim(name, goal)
        turn_ms = end_ms(schedule, self.pair.clock_ms)
        self.pair.advance(turn_ms - self.pair.clock_ms)
        # Whoever decides has his facts tidied up.
        self.pair.set_active(name, self.goal(other), active=False)
        self.reach(name, goal, When("now", -1))
        self.pair.claim(name, goal)

    @rule(name=players, number=goal_numbers, telling=tellings)
    def news_of_a_goal_that_was_away_are_late(
        self, name: str, number: int, telling: Telling
    ) -> None:
        # Taken up, out of the catalogue while its stat moves on, and back before yesterday's news.
        goal = self.goal(number)
        self.pair.set_active(name, goal, active=False)
        self.pair.set_active(name, goal, active=True)
        away = [Edit(self.draft(goal), "present", 0)]
        self.publish(away)
        self.pair.advance(DAY_MS)
        self.log_in(name, NOW)
        self.play(name, goal.requirement.stat_code, telling, NOW)
        self.publish(away)
        self.reach(name, goal, When("now", -DAY_MS))
        self.log_in(name, When("now", -DAY_MS))
