from app.domain.intake import EVENTS_MAX
from app.domain.pieces import EVENTS_FIRST, EVENTS_MIN, PieceSize


def settled(ms_an_event: float, ms_at_least: float = 0.0) -> int:
    size = PieceSize()
    for _ in range(100):
        size.learn(size.events, ms_at_least + ms_an_event * size.events)
    return size.events


def test_a_piece_takes_half_as_long_as_it_may_or_a_little_more() -> None:
    for ms_an_event in (0.03, 0.05, 0.1, 0.2):
        assert 10 <= settled(ms_an_event) * ms_an_event <= 20


def test_a_quick_database_takes_a_whole_batch_in_one_piece() -> None:
    assert settled(0.01) == EVENTS_MAX


def test_where_no_size_is_quick_pieces_do_not_become_many() -> None:
    assert settled(0.01, ms_at_least=50) == EVENTS_MIN
    assert settled(40) == EVENTS_MIN


def test_a_small_batch_that_was_quick_says_nothing_about_larger_pieces() -> None:
    size = PieceSize()
    for _ in range(50):
        size.learn(3, 1.0)
    assert size.events == EVENTS_FIRST


def test_a_slow_piece_halves_the_next_at_once() -> None:
    size = PieceSize()
    size.learn(100, 21)
    assert size.events == 50


def test_slow_pieces_that_were_on_their_way_at_once_halve_the_next_once() -> None:
    size = PieceSize()
    for _ in range(9):
        size.learn(100, 21)
    assert size.events == 50


def test_a_slow_tail_of_a_batch_says_little_about_larger_pieces() -> None:
    size = PieceSize()
    size.learn(25, 1000.0)
    assert size.events == 100
    size.learn(26, 1000.0)
    assert size.events == 50


def test_a_piece_that_was_given_up_late_makes_the_next_smaller_and_soon_no_larger() -> None:
    size = PieceSize()
    size.learn(100, 1.0, committed=False)
    assert size.events == 100
    size.learn(100, 5000.0, committed=False)
    assert size.events == 50
