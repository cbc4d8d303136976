"""An issuer of tokens for local tries: whoever asks it for a token gets one.

GET /jwks.json              its key set; the key is made at its start
GET /token?player=alice     a player's token of an hour, as text
GET /token?client=events    a service's
"""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import jwt
import msgspec
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

LIFE_S: Final = 3_600
RSA_BITS: Final = 2_048
ALGORITHM: Final = "RS256"


class MockIssuer:
    """Signs what it is asked for, with a key of its own, in the name of `issuer`."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = rsa.generate_private_key(65_537, RSA_BITS)
        self._kid = secrets.token_hex(4)

    def key_set(self) -> dict[str, Any]:
        """Return its public key, as a JSON Web Key Set."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self._kid, "use": "sig", "alg": ALGORITHM}]}

    def token(self, *, player: str | None = None, client: str = "local-tries") -> str:
        """Return a token of a player, or of a client alone."""
        now_s = int(time.clock_gettime(time.CLOCK_REALTIME))
        claims = {"iss": self.issuer, "client_id": client, "iat": now_s, "exp": now_s + LIFE_S}
        if player is not None:
            claims["sub"] = player
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": self._kid})

    async def answer_keys(self, _: web.Request) -> web.Response:
        """Answer with the key set."""
        return web.json_response(self.key_set(), dumps=_json)

    async def answer_token(self, request: web.Request) -> web.Response:
        """Answer with a token."""
        asked = {
            name: request.query[name] for name in ("player", "client") if name in request.query
        }
        if not asked:
            return web.Response(status=400, text="ask for ?player=ID or ?client=ID\n")
        return web.Response(text=self.token(**asked))


@asynccontextmanager
async def serving_issuer(host: str, port: int) -> AsyncIterator[MockIssuer]:
    """Serve until the block ends; yield the issuer, whose name is its address."""
    issuer = MockIssuer("")
    app = web.Application()
    app.router.add_get("/jwks.json", issuer.answer_keys)
    app.router.add_get("/token", issuer.answer_token)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        issuer.issuer = f"http://{host}:{runner.addresses[0][1]}"
        yield issuer
    finally:
        await runner.cleanup()


def _json(document: Any) -> str:
    return msgspec.json.encode(document).decode()
