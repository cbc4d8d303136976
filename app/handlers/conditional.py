"""Answers that a client may keep: their tags, and the 304 for what it has already (RFC 9110, 13).

A tag names all that an answer follows from: the catalogue's content, the facts, the day and the
filter. It is weak, since the seconds to the next rotation go on meanwhile. It is known before
anything is rendered. `no-cache` means that a kept answer is asked about each time, `private` that
only the player's own client keeps it.
"""

import re
from hashlib import blake2b
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

from app.domain.period import DAY_MS
from app.routing import JSON
from app.services.challenges import PlayerNow

TAG_FORMAT: Final = 1
"""Counts up whenever the same facts are answered with other bytes than before."""

TAG_BYTES: Final = 12

_OPAQUE_TAG = re.compile(r'"([^"]*)"')


def tag_of(catalogue_digest: bytes, read: PlayerNow, *, active_only: bool) -> str:
    """Return the tag of what a player sees, without quotes.

    Versions start anew after a deletion, and where a database was restored: so the moments of the
    row's beginning and of its last write are in it; not those of a player without a row, which are
    the moment of the question. The id is in it because one client may ask for several players.
    """
    player, now_ms = read
    row = (player.version, player.since_ms, player.changed_at_ms) if player.version else None
    parts = (TAG_FORMAT, catalogue_digest, row, now_ms // DAY_MS, active_only)
    digest = blake2b(digest_size=TAG_BYTES)
    digest.update(f"{parts}{player.player_id}".encode())
    return digest.hexdigest()


def has(headers: Headers, tag: str) -> bool:
    """Return whether the client says (`If-None-Match`) that it has the answer with this tag."""
    sent = headers.getlist("if-none-match")
    return sent == ["*"] or any(tag in _OPAQUE_TAG.findall(line) for line in sent)


def keepable(body: bytes, tag: str) -> Response:
    """Return a JSON answer that the client may keep."""
    return Response(body, headers=_headers(tag), media_type=JSON)


def not_modified(tag: str) -> Response:
    """Return what stands for the answer that the client has."""
    return Response(status_code=304, headers=_headers(tag))


def _headers(tag: str) -> dict[str, str]:
    return {"ETag": f'W/"{tag}"', "Cache-Control": "private, no-cache"}
