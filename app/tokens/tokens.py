"""The one owner of what is known of tokens: rules, keys, and the tokens that were looked at."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import partial
from typing import Final

import aiohttp
import structlog

from app.background import beside
from app.tokens.fetching import Fetch
from app.tokens.keys import KeySet, read_key_set
from app.tokens.refreshed import Refresh, Refreshed
from app.tokens.remembered import Remembered, digest_of
from app.tokens.verification import KeyUnknown, TokenClaims, TokenRefused, TokenRules, verify_token

REFRESH_S: Final = 240.0
"""A key that was taken out of the set is refused within 5 minutes."""

log = structlog.get_logger()


class Looked(StrEnum):
    """What came of a look at a token: a metric's label."""

    GOOD = "good"
    REFUSED = "refused"
    KEY_UNKNOWN = "key_unknown"
    KEYS_MISSING = "keys_missing"


class KeysMissing(Exception):
    """No key set could be fetched yet, or none for a day: no token can be looked at."""


class Tokens:
    """Looks at tokens, at each of them once."""

    def __init__(
        self,
        rules: TokenRules,
        fetching: Callable[[aiohttp.ClientSession], Fetch],
        now_s: Callable[[], float],
        on_look: Callable[[Looked], None],
    ) -> None:
        """Begin without keys.

        `fetching` makes what fetches the key set; `on_look` hears what came of each look.
        """
        self._rules = rules
        self._fetching = fetching
        self._now_s = now_s
        self._remembered = Remembered(now_s, rules.leeway_s)
        self._keys: Refreshed[KeySet] | None = None
        self._on_look = on_look

    def find(self, token: bytes) -> TokenClaims | TokenRefused | None:
        """Return what is known of a token already, without looking at it."""
        return self._remembered.find(digest_of(token))

    def verify(self, token: bytes) -> TokenClaims:
        """Look at a token, and remember it. Raises `TokenRefused`, or `KeysMissing`."""
        key_set = None if self._keys is None else self._keys.value
        if key_set is None:
            self._on_look(Looked.KEYS_MISSING)
            raise KeysMissing
        try:
            claims = verify_token(token, key_set.keys, self._rules, self._now_s())
        except TokenRefused as refused:
            self._refuse(token, refused)
            raise
        self._on_look(Looked.GOOD)
        self._remembered.keep(digest_of(token), claims)
        return claims

    def _refuse(self, token: bytes, refused: TokenRefused) -> None:
        is_unknown = isinstance(refused, KeyUnknown)
        self._on_look(Looked.KEY_UNKNOWN if is_unknown else Looked.REFUSED)
        if is_unknown and self._keys is not None:
            self._keys.ask()
        self._remembered.keep(digest_of(token), refused)

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator[None]:
        """Keep the keys fresh while the block runs. It begins after the first fetch."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            read = partial(read_key_set, algorithms=self._rules.algorithms)
            refresh = Refresh("token_keys_not_refreshed", self._fetching(session), read, REFRESH_S)
            self._keys = Refreshed(refresh, self._on_keys)
            await self._keys.fetch()
            async with beside(self._keys.keep_fresh()):
                yield

    def _on_keys(self, before: KeySet | None, now: KeySet) -> None:
        """Look at all tokens anew where a key is gone; a new one changes nothing for them."""
        if before is not None and before.prints != now.prints:
            log.info("token_keys_changed", kids=sorted(now.keys))
        if before is not None and before.prints - now.prints:
            self._remembered.forget_all()
        for why in now.left_out if before is None or before.left_out != now.left_out else ():
            log.warning("token_key_left_out", why=why)
