"""The mock provider as a process: `python -m benchmarks.claims.provider LEDGER PORT FAULTS`.

FAULTS is the JSON of `PUT /faults`. The ledger is the file's; a kill -9 loses nothing of it.
"""

import asyncio
import sys
from pathlib import Path

from app.rewards.mock_provider import serving

LOOPBACK = "127.0.0.1"


async def _serve(ledger: Path, port: int, faults: bytes) -> None:
    async with serving(ledger, LOOPBACK, port) as (provider, _):
        await provider.answer("PUT", "/faults", "", faults)
        await asyncio.Event().wait()


def main(arguments: list[str]) -> None:
    """Serve until the process ends."""
    ledger, port, faults = arguments
    asyncio.run(_serve(Path(ledger), int(port), faults.encode()))


if __name__ == "__main__":
    main(sys.argv[1:])
