"""A start under a catalogue without goals that earlier ones had: said once, and in nobody's way."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog

from app.domain.errors import Unavailable
from app.domain.goal import Catalogue
from db.revisions import PgRevisions
from tests.app import V1, App, settings_for
from tests.catalogues import defaults, make_catalogue, make_goal

LAST_SEASON = make_catalogue(
    make_goal("a", default=True), make_goal("b", default=True), make_goal("c"), make_goal("d")
)


@pytest.fixture(autouse=True)
def compared(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Give an event that is set when a comparison is over."""
    over = asyncio.Event()
    lacking = PgRevisions.lacking

    async def observed(self: PgRevisions, catalogue: Catalogue) -> Any:
        try:
            return await lacking(self, catalogue)
        finally:
            # What is logged of it is logged before anything else runs.
            asyncio.get_running_loop().call_soon(over.set)

    monkeypatch.setattr(PgRevisions, "lacking", observed)
    return over


async def play(database_url: str, catalogue: Catalogue) -> None:
    async with App(settings_for(), database_url, catalogue) as app:
        assert (await app.request("POST", f"{V1}/challenges/initialize")).status == 200


async def said(database_url: str, catalogue: Catalogue, compared: asyncio.Event) -> list[Any]:
    """Return what a start says of goals that are lacking."""
    compared.clear()
    with structlog.testing.capture_logs() as lines:
        async with App(settings_for(), database_url, catalogue):
            await compared.wait()
    return [line for line in lines if line["event"].startswith("catalogue_lacks")]


async def test_goals_that_a_catalogue_lacks_are_counted_in_one_line(
    database_url: str, compared: asyncio.Event
) -> None:
    await play(database_url, LAST_SEASON)
    [line] = await said(database_url, defaults("b", "new"), compared)
    assert (line["goals"], line["assigned_by_default"], line["log_level"]) == (3, 1, "info")
    assert "catalogue check" in line["counts_players"]


async def test_nothing_is_said_where_nothing_is_lacking_or_nobody_has_it(
    database_url: str, compared: asyncio.Event
) -> None:
    assert await said(database_url, LAST_SEASON, compared) == []
    assert await said(database_url, defaults("new"), compared) == []
    await play(database_url, LAST_SEASON)
    more = make_catalogue(*LAST_SEASON.goals, *defaults("new").goals)
    assert await said(database_url, more, compared) == []


async def never(*_: object) -> None:
    await asyncio.Event().wait()


async def fail(*_: object) -> None:
    raise Unavailable("planted")


@pytest.mark.parametrize("comparison", [never, fail])
async def test_a_comparison_that_fails_or_hangs_is_in_nobodys_way(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    comparison: Callable[..., Awaitable[None]],
) -> None:
    monkeypatch.setattr(PgRevisions, "lacking", comparison)
    await play(database_url, LAST_SEASON)
