"""What an initialize gives, reports and writes; the rule alone."""

from app.domain.facts import Assignment, GoalFacts, decode_assignments, encode_assignments
from app.domain.goal import Catalogue
from app.domain.initialize import Initialized
from app.domain.initialize import initialize as decide
from app.domain.plan import Plan
from app.domain.player import Player, is_player_id
from app.domain.rules import Rules
from tests.catalogues import defaults, make_catalogue, make_goal

NOW_MS = 1_800_000_000_000


def initialize(
    player: Player, catalogue: Catalogue, *entries: set[str], revision: int = 8
) -> Initialized:
    """Decide an initialize of a player whose k-th entry gave `entries[k]` by default."""
    rules = Rules(catalogue)
    return decide(rules, Plan(catalogue, rules, entries), player, revision, NOW_MS)


def known(*entries: Assignment, answered: int | None = None, changed_at_ms: int = 5) -> Player:
    answered = len(entries) if answered is None else answered
    return Player("ann", 1, changed_at_ms, 3, answered, entries)


def test_a_first_call_gives_every_default_and_reports_it() -> None:
    catalogue = make_catalogue(
        make_goal("a", default=True), make_goal("b"), make_goal("c", default=True)
    )
    result = initialize(Player.unknown("ann", NOW_MS), catalogue, revision=7)
    assert result.player == Player("ann", NOW_MS, NOW_MS, 0, 1, (Assignment(7, NOW_MS),))
    assert result.new_assignments == 2
    assert result.changed


def test_a_second_call_reports_nothing_and_writes_nothing() -> None:
    player = known(Assignment(7, 5))
    result = initialize(player, defaults("a", "b"), {"a", "b"}, revision=7)
    assert result == (player, 0, False)


def test_a_returning_player_gets_exactly_the_added_defaults() -> None:
    result = initialize(known(Assignment(7, 5)), defaults("a", "b", "c"), {"b"})
    assert result.player == Player(
        "ann", 1, NOW_MS, 3, 2, (Assignment(7, 5), Assignment(8, NOW_MS))
    )
    assert result.new_assignments == 2
    assert result.changed


def test_a_revision_that_adds_no_default_leaves_the_player_alone() -> None:
    catalogue = make_catalogue(make_goal("a"), make_goal("b", default=True))
    result = initialize(known(Assignment(7, 5)), catalogue, {"a", "b"})
    assert not result.changed


def test_what_was_given_without_an_initialize_is_reported_once() -> None:
    """An event may make a player known and give the defaults before the first initialize."""
    catalogue = defaults("a", "b", "c")
    result = initialize(known(Assignment(7, 5), answered=0), catalogue, {"a", "b"})
    assert result.new_assignments == 3
    assert result.player.answered == 2
    again = initialize(result.player, catalogue, {"a", "b"}, {"a", "b", "c"})
    assert (again.new_assignments, again.changed) == (0, False)


def test_goals_that_left_the_catalogue_are_not_reported() -> None:
    result = initialize(known(Assignment(7, 5), answered=0), defaults("b"), {"a", "b"})
    assert result.new_assignments == 1
    assert len(result.player.assignments) == 1


def test_a_player_without_defaults_becomes_known_all_the_same() -> None:
    result = initialize(Player.unknown("ann", NOW_MS), make_catalogue(make_goal("a")))
    assert result.player.assignments == ()
    assert (result.new_assignments, result.changed) == (0, True)


def test_a_clock_that_stepped_back_does_not_take_the_row_with_it() -> None:
    player = known(Assignment(7, 5), changed_at_ms=NOW_MS + 60_000)
    result = initialize(player, defaults("a"), set())
    assert result.player.changed_at_ms == NOW_MS + 60_000
    assert result.player.assignments[-1] == Assignment(8, NOW_MS + 60_000)


def test_a_goal_belongs_to_the_first_entry_that_gives_it() -> None:
    catalogue = defaults("a", "b", "c", "d")
    plan = Plan(catalogue, Rules(catalogue), [{"b", "gone"}, {"b", "a"}])
    assert plan.goals == ((1,), (0,))
    assert plan.missing == (2, 3)


def test_what_the_player_decided_about_is_neither_given_nor_reported() -> None:
    refused = {"a": GoalFacts(active=False), "b": GoalFacts(active=True, assigned_at_ms=3)}
    player = known()._replace(goals=refused)
    assert not initialize(player, defaults("a", "b")).changed
    result = initialize(player, defaults("a", "b", "c"))
    assert (result.new_assignments, len(result.player.assignments)) == (1, 1)
    unreported = known(Assignment(7, 5), answered=0)._replace(goals=refused)
    assert initialize(unreported, defaults("a", "b"), {"a", "b"}).new_assignments == 0


def test_what_was_given_is_stored_in_a_few_bytes() -> None:
    given = (Assignment(1, NOW_MS), Assignment(300, NOW_MS + 1))
    stored = encode_assignments(given)
    assert decode_assignments(stored) == given
    assert len(stored) == 1 + 11 + 13


def test_an_id_is_what_a_row_can_have() -> None:
    assert is_player_id("a")
    assert is_player_id("é" * 100)
    for wrong in ("", "x" * 101, "a\0b", "a\ud800"):
        assert not is_player_id(wrong)
