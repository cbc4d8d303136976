"""Where the season of the demo stands in the calendar, and what it needs of a service."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.commands.demo import check_catalogue
from app.commands.season import NEEDED, Answer, Season, first_monday_after
from app.failures import CommandFailed

TODAY = datetime(2027, 1, 1, tzinfo=UTC)


class Listing:
    """A service that answers everything with one list."""

    def __init__(self, status: int, body: Any) -> None:
        self._answer = Answer(status, body)

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        return self._answer

    async def send(self, events: Sequence[Mapping[str, Any]]) -> Answer:
        return self._answer

    async def set_clock(self, setting: Mapping[str, Any]) -> Answer:
        return self._answer


class Closed(Listing):
    """Lets players in, and no events."""

    def __init__(self) -> None:
        super().__init__(200, {"challenges": []})

    async def send(self, events: Sequence[Mapping[str, Any]]) -> Answer:
        return Answer(401, {"detail": "who are you"})


def listing(*goal_ids: str) -> Listing:
    goals = [{"goalId": goal_id} for goal_id in goal_ids]
    return Listing(200, {"challenges": [{"goals": goals}]})


def test_a_season_begins_on_a_monday_to_come_and_ends_in_the_same_month() -> None:
    for day in range(4 * 366):
        today = datetime(2027, 1, 1, 23, 59, tzinfo=UTC) + timedelta(days=day)
        first = first_monday_after(today)
        assert first > today
        assert first.weekday() == 0
        assert (first + timedelta(days=7)).month == first.month


async def test_an_answer_that_is_not_expected_ends_the_season_with_its_step_and_words() -> None:
    with pytest.raises(CommandFailed, match=r"'claim again'.*answered 200, not 409.*challenges"):
        async for _ in Season(listing(*NEEDED), TODAY).play():
            pass


async def test_events_that_are_not_let_in_name_the_setting() -> None:
    with pytest.raises(
        CommandFailed, match=r"'first events': POST /events is answered 401.*who.*EVENTS_TOKEN"
    ):
        async for _ in Season(Closed(), TODAY).play():
            pass


async def test_a_service_with_the_goals_of_the_season_will_do() -> None:
    await check_catalogue(listing("another", *NEEDED))


async def test_another_catalogue_is_told_with_what_is_missing() -> None:
    with pytest.raises(CommandFailed, match=r"CATALOGUE_PATH.*kill-10-snowmen"):
        await check_catalogue(listing(*NEEDED - {"kill-10-snowmen"}))


async def test_a_service_that_refuses_the_list_is_told_with_its_words() -> None:
    with pytest.raises(CommandFailed, match="who are you"):
        await check_catalogue(Listing(401, {"detail": "who are you"}))
