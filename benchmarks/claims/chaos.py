"""Service and provider as children of the trial, killed at random moments and started again.

Only what was started here is killed, by its own process id. Both come back on the ports that they
had, so that clients only see connections fail.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.conditions import ROOT
from benchmarks.processes import Child, start, stop

PAUSE_S = (2.0, 8.0)
"""Between which lengths the time from one kill to the next is drawn."""
DOWN_S = (0.0, 0.5)
"""... and how long what was killed stays away."""


class EndedByItself(Exception):
    """A child that nobody killed is gone; the text ends with what it said last."""


class Killable:
    """One child that can be killed and started again. `command` is made anew for each start."""

    def __init__(
        self,
        name: str,
        command: Callable[[int], Sequence[str]],
        environ: Mapping[str, str],
        folder: Path,
    ) -> None:
        self.name = name
        self.kills = 0
        self._command = command
        self._environ = environ
        self._folder = folder
        self._child: Child | None = None

    @property
    def log(self) -> Path:
        """What the present child says."""
        return self._folder / f"{self.name}-{self.kills}.log"

    def start(self) -> None:
        """Start the child."""
        self._child = start(self._command(self.kills), self._environ, folder=ROOT, output=self.log)

    def kill(self) -> None:
        """Kill the child, with no chance to put anything in order."""
        child = self._running()
        child.kill()
        child.wait()
        self.kills += 1

    def stop(self) -> int:
        """Ask the child to end; return its exit status."""
        return 0 if self._child is None else stop(self._child)

    def _running(self) -> Child:
        assert self._child is not None
        if self._child.poll() is not None:
            said = self.log.read_bytes()[-2000:].decode(errors="replace")
            raise EndedByItself(f"{self.name}: exit status {self._child.returncode}\n{said}")
        return self._child


async def kill_at_random(victims: Sequence[Killable], dice: random.Random) -> None:
    """Kill each of `victims`, in any order, again and again; start each again soon after."""
    while True:
        for victim in dice.sample(victims, len(victims)):
            await asyncio.sleep(dice.uniform(*PAUSE_S))
            victim.kill()
            try:
                await asyncio.sleep(dice.uniform(*DOWN_S))
            finally:
                victim.start()
