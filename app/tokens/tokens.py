"""The one owner of what is known of tokens: rules, keys, and the tokens that were looked at."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

import aiohttp
import structlog

from app.tokens.fetching import Fetch
from app.tokens.keys import KeySet, read_key_set
from app.tokens.refreshed import Refresh, Refreshed
from app.tokens.remembered import Remembered, digest_of
from app.tokens.revocations import Revocations, read_revocations
from app.tokens.verification import KeyUnknown, TokenClaims, TokenRefused, TokenRules, verify_token

REFRESH_S: Final = 240.0
"""A key that was taken out of the set is refused within 5 minutes."""

REVOCATIONS_S: Final = 60.0
REVOKED: Final = "The token was revoked."

log = structlog.get_logger()


class Looked(StrEnum):
    """What came of a look at a token: a metric's label."""

    GOOD = "good"
    REFUSED = "refused"
    KEY_UNKNOWN = "key_unknown"
    KEYS_MISSING = "keys_missing"


class KeysMissing(Exception):
    """The key set, or the list of revocations, could not be fetched yet, or not for a day."""


class TokenSources(NamedTuple):
    """What fetches the key set, and the list of revocations, if there is one."""

    keys: Fetch
    revocations: Fetch | None = None


class Tokens:
    """Looks at tokens, at each of them once."""

    def __init__(
        self,
        rules: TokenRules,
        sources: Callable[[aiohttp.ClientSession], TokenSources],
        now_s: Callable[[], float],
        on_look: Callable[[Looked], None],
    ) -> None:
        """Begin without keys. `on_look` hears what came of each look."""
        self._rules = rules
        self._sources = sources
        self._now_s = now_s
        self._on_look = on_look
        self._remembered = Remembered(now_s, rules.leeway_s)
        self._signers: frozenset[bytes] = frozenset()
        self._keys: Refreshed[KeySet] | None = None
        self._revocations: Refreshed[Revocations] | None = None

    @property
    def have_sources(self) -> bool:
        """Whether new tokens can be looked at."""
        return (
            self._keys is not None
            and self._keys.value is not None
            and (self._revocations is None or self._revocations.value is not None)
        )

    def find(self, token: bytes) -> TokenClaims | TokenRefused | None:
        """Return what is known of a token already, without looking at it."""
        found = self._remembered.find(digest_of(token))
        if isinstance(found, TokenClaims):
            if found.signer not in self._signers:
                return None
            if self._is_revoked(token, found):
                return TokenRefused(REVOKED)
        return found

    def verify(self, token: bytes) -> TokenClaims:
        """Look at a token, and remember it. Raises `TokenRefused`, or `KeysMissing`."""
        key_set = self._keys.value if self._keys is not None and self.have_sources else None
        if key_set is None:
            self._on_look(Looked.KEYS_MISSING)
            raise KeysMissing
        try:
            claims = self._look_at(token, key_set)
        except TokenRefused as refused:
            self._refuse(token, refused)
            raise
        self._on_look(Looked.GOOD)
        self._remembered.keep(digest_of(token), claims)
        return claims

    def _look_at(self, token: bytes, key_set: KeySet) -> TokenClaims:
        claims = verify_token(token, key_set, self._rules, self._now_s())
        if self._is_revoked(token, claims):
            raise TokenRefused(REVOKED)
        return claims

    def _is_revoked(self, token: bytes, claims: TokenClaims) -> bool:
        known = None if self._revocations is None else self._revocations.value
        return known is not None and known.revoke(token, claims)

    def _refuse(self, token: bytes, refused: TokenRefused) -> None:
        is_unknown = isinstance(refused, KeyUnknown)
        self._on_look(Looked.KEY_UNKNOWN if is_unknown else Looked.REFUSED)
        if is_unknown and self._keys is not None:
            self._keys.ask()
        self._remembered.keep(digest_of(token), refused)

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator[None]:
        """Keep keys and revocations fresh while the block runs. It begins after the first fetch."""
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(
                aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
            )
            sources = self._sources(session)
            read = partial(read_key_set, algorithms=self._rules.algorithms)
            self._keys = Refreshed(
                Refresh("token_keys_not_refreshed", sources.keys, read, REFRESH_S), self._on_keys
            )
            await stack.enter_async_context(self._keys.kept_fresh())
            if sources.revocations is not None:
                self._revocations = Refreshed(
                    Refresh(
                        "revocations_not_refreshed",
                        sources.revocations,
                        read_revocations,
                        REVOCATIONS_S,
                    )
                )
                await stack.enter_async_context(self._revocations.kept_fresh())
            yield

    def _on_keys(self, before: KeySet | None, now: KeySet) -> None:
        """Note whose tokens count. Those of a key that is gone are looked at anew."""
        if before is not None and before.prints != now.prints:
            log.info("token_keys_changed", kids=sorted(now.keys))
        self._signers = frozenset(now.prints.values())
        for why in now.left_out if before is None or before.left_out != now.left_out else ():
            log.warning("token_key_left_out", why=why)
