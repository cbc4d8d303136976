"""Connections that are no sessions of their own, by what they say of themselves."""

import pytest

from db.sessions import Session, what_is_wrong

MINE, THEIRS, NOBODYS = Session(1, 1000), Session(2, 1000), Session(3, 1000)


def test_two_sessions_are_two_processes_that_stay() -> None:
    assert what_is_wrong(MINE, THEIRS, MINE, 1000) is None


@pytest.mark.parametrize(
    ("second", "again"), [(MINE, THEIRS), (THEIRS, NOBODYS), (THEIRS, THEIRS), (MINE, MINE)]
)
def test_a_session_that_changes_or_is_anothers_is_a_poolers(
    second: Session, again: Session
) -> None:
    assert "another session" in str(what_is_wrong(MINE, second, again, 1000))


@pytest.mark.parametrize("lock_ms_max", [0, 5000])
def test_settings_that_do_not_arrive_are_told(lock_ms_max: int) -> None:
    assert "drops the settings" in str(what_is_wrong(MINE, THEIRS, MINE, lock_ms_max))
    mixed = THEIRS._replace(lock_ms_max=lock_ms_max)
    assert "drops the settings" in str(what_is_wrong(MINE, mixed, MINE, 1000))
