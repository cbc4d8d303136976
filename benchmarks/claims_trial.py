"""The claims trial: every reward once, whatever is killed. `python -m benchmarks.claims_trial`.

Players claim their completed goals, each claim ten times at once, through a service that calls a
provider with faults, while service and provider are killed (kill -9) at random and come back. When
nothing is pending any more, the provider's own ledger says who got what: nothing twice, nothing
missing. What the service gives to a person (refused, in doubt) the trial sends on as a person would
who asks for new attempts, and counts it. It exits with 1 unless the ledger is as it should be.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from app.catalogue.loadtest import generate_catalogue
from app.catalogue.parse import parse_catalogue
from app.domain.goal import Catalogue
from app.domain.reward import ClaimState
from app.rewards.mock_provider import Fault, Faults
from benchmarks.claims import rows
from benchmarks.claims.chaos import Killable, kill_at_random
from benchmarks.claims.judge import Verdict, Wanted, judge, read_ledger
from benchmarks.claims.load import COPIES, Claimers, Got, NeverClaimed
from benchmarks.conditions import ROOT, Conditions, describe
from benchmarks.database import bench_database, load_test_catalogue
from benchmarks.held import Held
from benchmarks.rules.client import Unexpected
from benchmarks.rules.figures import Part, Row, Table, Target
from benchmarks.rules.report import describe_part
from benchmarks.rules.season import events_of_steps, newcomer, play, world_of
from benchmarks.rules.served import served
from benchmarks.rules.sizes import FULL
from benchmarks.service import READY_S_MAX, SERVE, bare_environ, free_ports, is_ready

KEY = "claims"
CHALLENGE = "challenge-001"
GOALS = 10
"""Goals of one player: their rewards all differ."""
LOOPBACK = "127.0.0.1"
LOAD_S_MAX = 1_200
DRAIN_S_MAX = 300
POLL_S = 0.2
# Together a fifth of all calls. A refusal may come after an attempt that granted all the same.
FAULTS = Faults(
    shares={
        Fault.ERROR: 0.03,
        Fault.ERROR_AFTER: 0.03,
        Fault.SILENCE: 0.01,
        Fault.SILENCE_AFTER: 0.01,
        Fault.CUT: 0.02,
        Fault.CUT_AFTER: 0.02,
        Fault.GARBAGE: 0.01,
        Fault.GARBAGE_AFTER: 0.01,
        Fault.TOO_MANY: 0.02,
        Fault.SLOW: 0.03,
        Fault.REFUSE: 0.005,
    }
)
SETTINGS = {
    "ENVIRONMENT": "test",
    "AUTH_ENABLED": "false",
    "DRAIN_DELAY_S": "0",
    # Ten copies of each of a player's claims may come in the same seconds.
    "ADMISSION_QUOTA": "1000",
    "REWARD_RATE_MAX": "1000",
    "REWARD_CONCURRENCY": "32",
    "REWARD_TIMEOUT_MS": "500",
}


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial came to."""

    verdict: Verdict
    wanted: int
    got: dict[str, int]
    statuses: dict[int, int]
    told_yes_twice: int
    kills: dict[str, int]
    settled_by_person: dict[str, int]
    pending_s_max: float
    attempts_max: int
    load_s: float
    drain_s: float
    left_open: dict[str, int]


class Trial:
    """One trial on a database of its own."""

    def __init__(self, database_url: str, folder: Path, claims: int, seed: int) -> None:
        self._database_url = database_url
        self._ledger = folder / "ledger.jsonl"
        self._dice = random.Random(seed)
        port, self._operations_port, provider_port = free_ports(3)
        self._catalogue = parse_catalogue(generate_catalogue()).catalogue
        self._players = [f"player-{number:06d}" for number in range(-(-claims // GOALS))]
        self._wanted = list(wanted_claims(self._players, self._catalogue))[:claims]
        self._dice.shuffle(self._wanted)
        self._claimers = Claimers(port)
        self._environ = {
            **bare_environ(),
            **SETTINGS,
            "PORT": str(port),
            "OPERATIONS_PORT": str(self._operations_port),
            "DATABASE_URL": database_url,
            "CATALOGUE_PATH": str(load_test_catalogue(folder)),
            "REWARD_URL": f"http://{LOOPBACK}:{provider_port}/grants",
        }
        self._service = Killable("service", lambda _: SERVE, self._environ, folder)
        self._provider = Killable(
            "provider",
            lambda kills: [
                *(sys.executable, "-m", "benchmarks.claims.provider"),
                *(str(self._ledger), str(provider_port)),
                # The same dice after each start would meet the same requests with the same faults.
                msgspec.json.encode(msgspec.structs.replace(FAULTS, seed=seed + kills)).decode(),
            ],
            bare_environ(),
            folder,
        )

    async def run(self) -> Found:
        """Claim everything, let it settle, and judge."""
        await self._write_players()
        self._provider.start()
        self._service.start()
        try:
            await self._wait_ready()
            started_s = time.monotonic()
            chaos = asyncio.create_task(kill_at_random([self._service, self._provider], self._dice))
            await self._claim_all(chaos)
            load_s = time.monotonic() - started_s
            people = await self._drain()
            drain_s = time.monotonic() - started_s - load_s
        finally:
            self._service.stop()
            self._provider.stop()
        claims = await rows.read_claims(self._database_url)
        granted = [claim.key for claim in claims if claim.state == ClaimState.GRANTED]
        return Found(
            verdict=judge(
                self._wanted, read_ledger(self._ledger.read_bytes().splitlines()), granted
            ),
            wanted=len(self._wanted),
            got={str(got): count for got, count in self._claimers.got.items()},
            statuses=dict(self._claimers.statuses),
            told_yes_twice=self._claimers.made_twice,
            kills={one.name: one.kills for one in (self._service, self._provider)},
            settled_by_person=people,
            pending_s_max=rows.longest_s(claims),
            attempts_max=max((claim.attempt for claim in claims), default=0),
            load_s=round(load_s, 1),
            drain_s=round(drain_s, 1),
            left_open=await rows.count_open(self._database_url),
        )

    async def _write_players(self) -> None:
        """Write players who have completed each goal that they will claim."""
        async with served(self._database_url, self._catalogue) as to:
            world = world_of(to.served.catalogue, to.served.revision)
            player = play(world, newcomer(world, "any"), events_of_steps(GOALS))
            for first in range(0, len(self._players), 1_000):
                names = self._players[first : first + 1_000]
                await to.players.insert_many([player._replace(player_id=name) for name in names])

    async def _wait_ready(self) -> None:
        end_s = time.monotonic() + READY_S_MAX
        while not await asyncio.to_thread(is_ready, self._operations_port):
            if time.monotonic() > end_s:
                raise Unexpected(
                    f"the service does not get ready:\n{self._service.log.read_text()}"
                )
            await asyncio.sleep(POLL_S)

    async def _claim_all(self, chaos: "asyncio.Task[None]") -> None:
        """Claim everything while things are killed; what goes wrong with the killing ends it."""
        claiming = asyncio.create_task(self._claimers.claim_all(self._wanted))
        await asyncio.wait(
            {claiming, chaos}, timeout=LOAD_S_MAX, return_when=asyncio.FIRST_COMPLETED
        )
        chaos.cancel()
        [killed] = await asyncio.gather(chaos, return_exceptions=True)
        if isinstance(killed, Exception):
            claiming.cancel()
            raise killed
        if not claiming.done():
            claiming.cancel()
            raise NeverClaimed(f"not everything was claimed within {LOAD_S_MAX} s")
        await claiming

    async def _drain(self) -> dict[str, int]:
        """Wait until nothing is pending; return what a person had to send on, by state."""
        people: Counter[str] = Counter()
        end_s = time.monotonic() + DRAIN_S_MAX
        while (open_now := await rows.count_open(self._database_url)) and time.monotonic() < end_s:
            if not open_now.get(ClaimState.PENDING):
                for claim in await rows.read_claims(self._database_url):
                    if claim.state != ClaimState.GRANTED:
                        await self._ask_again(claim.key)
                        people[claim.state] += 1
            await asyncio.sleep(POLL_S)
        return dict(people)

    async def _ask_again(self, claim_id: str) -> None:
        """Ask for new attempts of what only a person may decide, as a person does."""
        arguments = ("-m", "app", "claims", "settle", claim_id, "--as", "retry")
        settling = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=self._environ, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        await settling.communicate()
        if settling.returncode:
            raise Unexpected(f"claims settle {claim_id}: exit status {settling.returncode}")


def wanted_claims(players: Sequence[str], catalogue: Catalogue) -> Iterator[Wanted]:
    """Yield a claim for each player and goal."""
    [challenge] = [one for one in catalogue.challenges if one.challenge_id == CHALLENGE]
    for player in players:
        for goal in challenge.goals[:GOALS]:
            reward = (goal.reward.type, goal.reward.reward_id, goal.reward.quantity)
            yield Wanted(player, CHALLENGE, goal.goal_id, reward)


def measure(claims: int, seed: int = 1) -> Part:
    """Run a trial of so many claims."""
    with bench_database() as (database_url, folder):
        version = asyncio.run(Held(database_url).version())
        found = asyncio.run(Trial(database_url, folder, claims, seed).run())
    settings = SETTINGS | {"claims": str(claims), "seed": str(seed)}
    return part_of(found, describe("python -m benchmarks.claims_trial", version, settings))


def part_of(found: Found, conditions: Conditions) -> Part:
    """Return the figures and the targets."""
    verdict = found.verdict
    must_be_none = {
        "rewards granted twice": verdict.double,
        "rewards missing": verdict.missing,
        "grants that nobody claimed": verdict.foreign,
        "called granted, not in the ledger": verdict.unbacked,
        "told yes twice for one claim": found.told_yes_twice,
        "claims left open": sum(found.left_open.values()),
    }
    return Part(
        key=KEY,
        title="Claims, by the provider's ledger",
        conditions=conditions,
        targets=[
            Target(name=f"{name}, of {found.wanted:,} claims", unit="", bound=0, values=[count])
            for name, count in must_be_none.items()
        ],
        tables=[
            Table(
                f"{found.wanted:,} claims, each {COPIES} times at once",
                [""],
                [Row(name, unit, [[figure]]) for name, unit, figure in _figures(found)],
            )
        ],
        void=_void(found),
    )


def _figures(found: Found) -> Iterator[tuple[str, str, float]]:
    got: Mapping[str, int] = found.got
    requests = sum(got.values())
    yield "granted, by the ledger", "", found.verdict.granted
    yield "requests", "", requests
    yield "... duplicates of claims that were made (409)", "", got.get(Got.KNOWN, 0)
    yield "... undone because the provider refused (502)", "", got.get(Got.UNDONE, 0)
    told = found.statuses.get(429, 0) + found.statuses.get(503, 0)
    no_answer = found.statuses.get(0, 0)
    yield "... told to come again (429, 503)", "", told
    yield "... without an answer", "", no_answer
    yield "... answered otherwise", "", got.get(Got.UNKNOWN, 0) - told - no_answer
    for name, kills in found.kills.items():
        yield f"kill -9 of the {name}", "", kills
    yield "longest time pending without a person", "s", found.pending_s_max
    yield "most calls of the provider for one claim", "", found.attempts_max
    for state in (ClaimState.REFUSED, ClaimState.IN_DOUBT):
        yield f"{state}, sent on by a person", "", found.settled_by_person.get(state, 0)
    yield "time until all were claimed", "s", found.load_s
    yield "... and until nothing was pending", "s", found.drain_s


def _void(found: Found) -> str:
    """Return why the trial proves nothing; empty when it does."""
    reasons = [f"the {name} was never killed" for name, kills in found.kills.items() if not kills]
    if not found.got.get(Got.KNOWN):
        reasons.append("no duplicate was refused")
    if found.attempts_max < 2:
        reasons.append("the provider was never asked twice")
    return ", ".join(reasons)


def main(arguments: Sequence[str]) -> int:
    """Run a trial and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims_trial", description=__doc__)
    parser.add_argument("--claims", type=int, default=FULL.claims, help="how many claims")
    parser.add_argument("--seed", type=int, default=1, help="of faults, order and kills")
    options = parser.parse_args(arguments)
    part = measure(options.claims, options.seed)
    print(describe_part(part))
    return 0 if part.all_met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
