"""Fractions of statistics count as decimals do, to the thousandth (app/domain/number.py)."""

from decimal import ROUND_FLOOR, Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.facts import Counts, StatFacts
from app.domain.goal import Mode
from app.domain.number import difference, rounded
from tests.rules.story import COMPLETED, IN_PROGRESS, NAME, Story, goal

TARGET = 10

decimals = st.decimals(0, 10**12, places=3)


@given(decimals, decimals)
@example(Decimal("16.4"), Decimal("6.4"))
def test_a_difference_is_that_of_the_decimals(number: Decimal, less: Decimal) -> None:
    assert Decimal(repr(difference(float(number), float(less)))) == number - less


@given(
    st.decimals(0, 10**9, places=3),
    st.lists(st.decimals("0.001", 100, places=3), min_size=1, max_size=30),
)
@example(Decimal("6.4"), [Decimal(10)])
@example(Decimal(0), [Decimal("0.1")] * 100)
def test_a_goal_counts_steps_as_decimals(start: Decimal, steps: list[Decimal]) -> None:
    """The producer adds them up as doubles, with an error of its own."""
    story = Story(goal(target=TARGET))
    value, done = float(start), Decimal(0)
    for step in steps:
        value, done = value + float(step), done + step
        story.wins(value, float(step))
    whole = int(done.to_integral_value(ROUND_FLOOR))
    assert story.shown() == (
        whole,
        COMPLETED if done >= TARGET else IN_PROGRESS if whole else "not_started",
    )


@given(decimals)
def test_a_statistic_itself_is_shown_as_the_decimal(value: Decimal) -> None:
    story = Story(goal(target=TARGET, mode=Mode.ABSOLUTE))
    story.wins(float(value))
    assert story.shown()[0] == int(value)
    assert isinstance(rounded(float(value)), int) == (value == int(value))


def test_what_was_stored_before_values_were_rounded_counts_alike() -> None:
    story = Story(goal(target=TARGET))
    story.wins(1, 1)
    # 100 steps of 0.1, as a double.
    stored = StatFacts(9.99999999999998, story.clock_ms, Counts(0.0, 0.0, 0.0, 0.0), 1)
    player = story.season.players[NAME]
    story.season.players[NAME] = player._replace(stats={"statistic:wins": stored})
    assert story.shown() == (10, COMPLETED)
