"""Tokens for a generator's clients: a new one for each of the first attempts of each arrival.

They are signed before the run, since signing takes ten times as long as verifying.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from app.tokens.mock_issuer import MockIssuer

PER_ARRIVAL: Final = 2
"""Later attempts show these again: the last one first, then the first, and so on."""

ISSUER: Final = "http://issuer.bench"


class TokenFiles(NamedTuple):
    """The key set that a service reads, and the tokens that a generator reads, a line each."""

    keys: Path
    tokens: Path

    def settings(self) -> dict[str, str]:
        """Return the settings of a service that asks for these tokens."""
        return {"AUTH_ENABLED": "true", "AUTH_KEYS": str(self.keys), "AUTH_ISSUER": ISSUER}


def write_tokens(players: Sequence[str], folder: Path) -> TokenFiles:
    """Sign the tokens of the player of each arrival. 1,000 arrivals take about a second."""
    issuer = MockIssuer(ISSUER)
    files = TokenFiles(folder / "keys.json", folder / "tokens")
    files.keys.write_text(json.dumps(issuer.key_set()))
    with ThreadPoolExecutor() as pool, files.tokens.open("w") as file:
        for tokens in pool.map(partial(_tokens_of, issuer), players, chunksize=500):
            file.writelines(f"{token}\n" for token in tokens)
    return files


def _tokens_of(issuer: MockIssuer, player: str) -> list[str]:
    # The client's id makes each of them another one, within the same second.
    return [issuer.token(player=player, client=f"try-{n}") for n in range(PER_ARRIVAL)]


def read_tokens(path: str) -> list[str]:
    """Return the tokens of a file, none if there is no file."""
    return Path(path).read_text().splitlines() if path else []


def token_of(tokens: Sequence[str], arrival: int, attempt: int) -> str:
    """Return what an arrival shows at its first, second and so on attempt."""
    return tokens[arrival * PER_ARRIVAL + (attempt - 1) % PER_ARRIVAL]
