"""Who got what, by the provider's own ledger: pure functions, which believe no service.

Each wanted claim has a reward that no other claim of the same player has. So a grant tells by
player and reward which claim it is for, whatever key it came under: a reward that was granted under
two keys is seen, which the provider itself cannot see.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec


class Wanted(NamedTuple):
    """One claim that the trial makes, with the reward that tells it from the player's others."""

    player: str
    challenge_id: str
    goal_id: str
    reward: tuple[str, str, int]


class Grant(NamedTuple):
    """One line of the ledger."""

    key: str
    player: str
    reward: tuple[str, str, int]


class Verdict(msgspec.Struct, frozen=True):
    """What the ledger says. All but `granted` must be 0.

    `double` are grants beyond a claim's first, `missing` claims without one, `foreign` grants that
    nobody wanted, `unbacked` claims that the service calls granted and the ledger does not have.
    """

    granted: int
    double: int
    missing: int
    foreign: int
    unbacked: int


def read_ledger(lines: Iterable[bytes]) -> list[Grant]:
    """Return the grants. A line that a kill cut off was never answered and is none."""
    grants = []
    for line in lines:
        try:
            entry = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        body = entry["body"]
        reward = (body["type"], body["rewardId"], body["quantity"])
        grants.append(Grant(entry["key"], body["player"], reward))
    return grants


def judge(
    wanted: Collection[Wanted], grants: Collection[Grant], called_granted: Collection[str]
) -> Verdict:
    """Return the verdict; `called_granted` are the keys that the service holds for granted."""
    counts = Counter((grant.player, grant.reward) for grant in grants)
    owed = {(one.player, one.reward) for one in wanted}
    assert len(owed) == len(wanted), "two claims of one player have the same reward"
    return Verdict(
        granted=sum(counts.values()),
        double=sum(count - 1 for count in counts.values()),
        missing=len(owed - counts.keys()),
        foreign=sum(count for one, count in counts.items() if one not in owed),
        unbacked=len(set(called_granted) - {grant.key for grant in grants}),
    )
