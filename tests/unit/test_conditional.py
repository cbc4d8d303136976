"""A tag changes with all that an answer follows from, and a client may name it in every way."""

from collections.abc import Callable

import pytest
from starlette.datastructures import Headers

from app.domain.period import DAY_MS
from app.domain.player import Player
from app.handlers.conditional import has, keepable, not_modified, tag_of
from app.services.challenges import PlayerNow

NOON_MS = 1_772_798_400_000  # 2026-03-06T12:00:00Z
ANN = Player("ann", NOON_MS - DAY_MS, NOON_MS - 1000, version=3, answered=1, assignments=())


def tag(
    player: Player = ANN,
    now_ms: int = NOON_MS,
    *,
    catalogue: bytes = b"7",
    active_only: bool = False,
) -> str:
    return tag_of(catalogue, PlayerNow(player, now_ms), active_only=active_only)


@pytest.mark.parametrize(
    "other",
    [
        lambda: tag(catalogue=b"8"),
        lambda: tag(active_only=True),
        lambda: tag(now_ms=NOON_MS + DAY_MS // 2),
        lambda: tag(ANN._replace(version=4)),
        lambda: tag(ANN._replace(since_ms=ANN.since_ms + 1)),
        lambda: tag(ANN._replace(changed_at_ms=ANN.changed_at_ms + 1)),
        lambda: tag(ANN._replace(player_id="bob")),
        lambda: tag(Player.unknown("ann", NOON_MS)),
    ],
)
def test_a_tag_changes_with_what_the_answer_follows_from(other: Callable[[], str]) -> None:
    assert other() != tag()


def test_a_tag_stays_within_the_day() -> None:
    assert tag(now_ms=NOON_MS + DAY_MS // 2 - 1) == tag(now_ms=NOON_MS - DAY_MS // 2) == tag()


def test_the_tag_of_an_unknown_player_does_not_move_with_the_clock() -> None:
    first, second = (
        tag(Player.unknown("ann", now_ms), now_ms) for now_ms in (NOON_MS, NOON_MS + 1)
    )
    assert first == second


@pytest.mark.parametrize(
    "lines",
    [
        ['W/"tag"'],
        ['"tag"'],
        ["*"],
        ['"other", W/"tag"'],
        ['W/"tag","other"'],
        ['"a,b" , "tag"'],
        ['"other"', 'W/"tag"'],
        [' W/"tag" '.strip()],
    ],
)
def test_a_client_names_its_tag_in_every_way_that_http_has(lines: list[str]) -> None:
    headers = Headers(raw=[(b"if-none-match", line.encode()) for line in lines])
    assert has(headers, "tag")


@pytest.mark.parametrize(
    "line",
    ["", '"other"', 'W/"other"', "tag", 'W/"tagg"', '"ta"', '"TAG"', '"', "W/", '"*"', "*,*"],
)
def test_no_other_text_is_its_tag(line: str) -> None:
    assert not has(Headers({"if-none-match": line}), "tag")


def test_without_the_header_the_client_has_nothing() -> None:
    assert not has(Headers({}), "tag")


def test_only_the_players_own_client_keeps_an_answer_and_asks_each_time() -> None:
    for response in (keepable(b"{}", "tag"), not_modified("tag")):
        assert response.headers["etag"] == 'W/"tag"'
        assert response.headers["cache-control"] == "private, no-cache"
    assert not_modified("tag").body == b""
    assert "content-length" not in not_modified("tag").headers
    assert "content-type" not in not_modified("tag").headers
