"""What is stored of a player is small, and read back as it was."""

from app.domain.facts import (
    NO_GOALS,
    NO_STATS,
    Counts,
    GoalFacts,
    StatFacts,
    decode_goals,
    decode_stats,
    encode_goals,
    encode_stats,
)

NOW_MS = 1_800_000_000_000


def test_a_player_of_whom_nothing_is_known_has_no_bytes() -> None:
    assert (encode_stats(NO_STATS), encode_goals(NO_GOALS)) == (None, None)
    assert (decode_stats(None), decode_goals(None)) == (NO_STATS, NO_GOALS)


def test_a_stat_takes_twenty_bytes_and_its_code() -> None:
    stat = StatFacts(7, NOW_MS, Counts(0, 2, 1, 0), 1)
    stored = encode_stats({"statistic:wins": stat})
    assert stored is not None
    assert len(stored) == 25
    assert decode_stats(stored) == {"statistic:wins": stat}


def test_sources_and_codes_with_colons_are_told_apart() -> None:
    stats = {
        key: StatFacts(number, NOW_MS, Counts(0, 0, 0, 0.5), 1, (Counts(1, 0, 0, 0),))
        for number, key in enumerate(["login:x", "statistic:x", "statistic:", "login::x:"])
    }
    stored = encode_stats(stats)
    assert decode_stats(stored) == stats


def test_goals_are_read_back_as_they_were() -> None:
    goals = {"a": GoalFacts(), "b": GoalFacts(False, NOW_MS, 20_000, 1.5, -2, NOW_MS, None)}
    assert decode_goals(encode_goals(goals)) == goals
