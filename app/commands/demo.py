"""`demo`: plays a short season against a running service and prints what the player sees.

Where the service asks for a token of whoever sends events or sets its clock, the same EVENTS_TOKEN
and OPERATIONS_TOKEN must be set here. Where it asks players for tokens, `--issuer` names who gives
them: a `mock-issuer`.
"""

import argparse
import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import aiohttp
from rich.table import Column, Table
from rich.text import Text

from app.commands.common import PipedConsole, read_settings
from app.commands.running_service import NO_BEARERS, REQUEST_S_MAX, Bearers, RunningService
from app.commands.season import NEEDED, Season, Service, Step
from app.failures import CommandFailed
from app.setting_types import is_http_url

SEASON_S_MAX: Final = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where the service is."""
    parser.add_argument(
        "--url", type=_url, default="http://127.0.0.1:8000", help="where players ask (%(default)s)"
    )
    parser.add_argument(
        "--operations-url",
        type=_url,
        default="http://127.0.0.1:8080",
        help="where its clock is set (%(default)s)",
    )
    parser.add_argument(
        "--issuer",
        type=_url,
        help="a `mock-issuer` that gives the player's token, where players are asked for one",
    )
    parser.epilog = (
        "EVENTS_TOKEN and OPERATIONS_TOKEN, if the service has them, must be set here, too."
    )


def demo(chosen: argparse.Namespace) -> int:
    """Play the season. Raises `CommandFailed`."""
    settings = read_settings().settings
    bearers = Bearers(settings.events_token, settings.operations_token)
    asyncio.run(_play_and_print(Where(chosen.url, chosen.operations_url, chosen.issuer), bearers))
    return 0


def _url(text: str) -> str:
    if not is_http_url(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no URL such as http://127.0.0.1:8000")
    return text


class Where(NamedTuple):
    """Where a service is, and who issues tokens for it; None where nobody has to."""

    players: str
    operations: str
    issuer: str | None = None


@asynccontextmanager
async def season(where: Where, bearers: Bearers = NO_BEARERS) -> AsyncIterator[AsyncIterator[Step]]:
    """Give the steps of a season of a new player; the clock is released at the end.

    Raises `CommandFailed` if the service is not there, is not one of these, or takes too long.
    """
    player = f"demo-{secrets.token_hex(4)}"
    timeout = aiohttp.ClientTimeout(total=REQUEST_S_MAX)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        if where.issuer is not None:
            bearers = bearers._replace(player=await _player_token(session, where.issuer, player))
        service = RunningService(session, where.players, where.operations, player, bearers)
        await check_catalogue(service)
        today = await service.today()
        try:
            async with asyncio.timeout(SEASON_S_MAX):
                yield Season(service, today).play()
        except TimeoutError:
            raise CommandFailed(f"the season takes longer than {SEASON_S_MAX:g} s") from None
        finally:
            await service.release_clock()


async def _player_token(session: aiohttp.ClientSession, issuer: str, player: str) -> str:
    try:
        async with session.get(f"{issuer}/token", params={"player": player}) as answer:
            answer.raise_for_status()
            return await answer.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CommandFailed(
            f"{issuer} gives no token: {type(error).__name__}; start a `mock-issuer`"
        ) from error


async def check_catalogue(service: Service) -> None:
    """Raise `CommandFailed` if the service has not the goals of the season."""
    listed = await service.ask("GET", "/challenges")
    try:
        served = {goal["goalId"] for each in listed.body["challenges"] for goal in each["goals"]}
    except (KeyError, TypeError):
        raise CommandFailed(f"the list of challenges is refused: {listed.body}") from None
    if not served >= NEEDED:
        raise CommandFailed(
            "the season is played with the sample catalogue; this service has another one"
            f" (CATALOGUE_PATH), without {', '.join(sorted(NEEDED - served))}"
        )


async def _play_and_print(where: Where, bearers: Bearers) -> None:
    console = PipedConsole()
    before: Mapping[str, Mapping[str, Any]] = {}
    async with season(where, bearers) as steps:
        async for step in steps:
            console.print(Text(f"\n{step.story}", style="bold"))
            console.print(Text(f"{step.request} → {_told(step)}", style="dim"))
            changed = [goal for goal in step.seen.values() if _is_news(goal, before)]
            if changed:
                console.print(_goals(changed))
            before = step.seen


def _told(step: Step) -> str:
    """Return the answer in a few words."""
    status, body = step.answer
    match body:
        case {"message": str(message)}:
            return f"{status} {message}"
        case {"rewardState": state, "reward": reward}:
            return f"{status} {reward['quantity']} {reward['rewardId']}: {state}"
        case {"results": results}:
            return f"{status} {', '.join(result['result'] for result in results)}"
        case {"rowsDeleted": rows}:
            return f"{status} {rows} rows deleted"
        case {"rotation": {"currentPeriod": {"endTime": end}}}:
            return f"{status} rotates at: {end}"
        case {"newAssignments": new, "totalActive": total}:
            return f"{status} {new} new goals, {total} active"
        case {"selectedGoals": selected}:
            return f"{status} {', '.join(goal['goalId'] for goal in selected)}"
    return str(status)


def _is_news(goal: Mapping[str, Any], before: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether the player sees a goal in another state than before."""
    said = ("progress", "status", "isActive", "locked")
    known = before.get(goal["goalId"], {"progress": 0, "status": "not_started", "isActive": False})
    return any(goal.get(name) != known.get(name) for name in said if name in known)


def _goals(goals: list[Mapping[str, Any]]) -> Table:
    # Nothing of an id is cut: it is what a person types next.
    columns = Column("Goal", overflow="fold"), "Name", "Progress", "Status", "Active", "Locked"
    table = Table(*columns)
    for goal in goals:
        table.add_row(
            Text(goal["goalId"]),
            Text(goal["name"]),
            f"{goal['progress']}/{goal['requirement']['targetValue']}",
            goal["status"],
            "yes" if goal["isActive"] else "",
            "yes" if goal.get("locked") else "",
        )
    return table
