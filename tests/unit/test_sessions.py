"""Connections that are no sessions of their own, by the processes that serve them."""

import pytest

from db.sessions import NoSession, check_processes


@pytest.mark.parametrize("processes", [(1, 2), (1, 2, 1)])
def test_two_sessions_are_two_processes_that_stay(processes: tuple[int, ...]) -> None:
    check_processes(*processes)


@pytest.mark.parametrize("processes", [(1, 1), (1, 2, 2), (1, 2, 3), (1, 1, 1)])
def test_a_session_that_changes_or_is_anothers_is_a_poolers(processes: tuple[int, ...]) -> None:
    with pytest.raises(NoSession, match="pool_mode = session"):
        check_processes(*processes)
